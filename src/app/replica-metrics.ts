/** The metrics of a replica: every source there is, gathered in one registry. Nothing is counted here. */
import type { ClusterView } from '../http/facades.ts'
import {
  alertmanagerClusterSamples,
  alertmanagerGossipSamples,
} from '../http/metrics/alertmanager-sources.ts'
import { createMetrics, type MetricsRegistry } from '../http/metrics/registry.ts'
import {
  ackSamples,
  alertSamples,
  buildSamples,
  clockSamples,
  clusterSamples,
  gossipSamples,
  healthSamples,
  notificationSamples,
  notifierSamples,
  replicationSamples,
  silenceSamples,
  storeSamples,
  syncSamples,
} from '../http/metrics/sources.ts'
import { DiskSpace } from './disk-space.ts'
import type { Encryption } from './encryption.ts'
import type { Reload } from './reload.ts'
import type { Replica } from './replica.ts'
import { VERSION } from './version.ts'
import type { WebConfig } from './web-config/web-config.ts'

export function replicaMetrics(
  replica: Replica,
  cluster: ClusterView,
  encryption: Encryption,
  config: Pick<WebConfig, 'samples'> | undefined,
  reload: Pick<Reload, 'samples'> | undefined,
): MetricsRegistry {
  const metrics = createMetrics({ processMetrics: true })
  if (reload !== undefined) metrics.addSource(() => reload.samples())
  const { gossip, store, silences, alerts, clock } = replica
  metrics.addSource(() => buildSamples(VERSION))
  metrics.addSource(() => healthSamples({ ready: () => replica.readiness() }))
  metrics.addSource(() => clusterSamples(cluster))
  metrics.addSource(() => alertmanagerClusterSamples(cluster, gossip !== undefined))
  metrics.addSource(() => clockSamples(replica.clockRefusal() !== undefined, replica.clockOffsetsMs()))
  metrics.addSource(() => storeSamples(store.status()))
  if (replica.storagePath !== undefined) {
    const disk = new DiskSpace(replica.storagePath)
    void disk.refresh()
    metrics.addSource(() => disk.samples())
  }
  metrics.addSource(() => ackSamples(replica.acks.stats))
  metrics.addSource(() => silenceSamples(silences))
  metrics.addSource(() => alertSamples(alerts))
  metrics.addSource(() => notificationSamples(replica.notificationLog.stats, replica.notifier.stats))
  metrics.addSource(() => notifierSamples(replica.notifier.stats))
  metrics.addSource(() => replica.notifier.times.samples())
  metrics.addSource(() => replicationSamples(Object.entries(replica.dropped.toRecord())))
  metrics.addSource(() => syncSamples(replica.syncStats()))
  if (config !== undefined) metrics.addSource(() => config.samples())
  if (gossip === undefined) return metrics
  metrics.addSource(() => {
    const stats = gossip.stats()
    return [...gossipSamples(stats, clock.monotonicMs()), ...alertmanagerGossipSamples(stats)]
  })
  metrics.addSource(() => replica.merges?.samples() ?? [])
  metrics.addSource(() => encryption.samples())
  return metrics
}
