/** Readers of what Alertmanager counts of its cluster, under its names (alertmanager-metric-table.ts). */
import type { GossipStats } from '../../gossip/io/gossip.ts'
import type { ClusterView } from '../facades.ts'
import type { AnySample, Sample } from './registry.ts'

type Counts = Readonly<Record<string, number>>

/** @param enabled whether this replica has gossip at all */
export function* alertmanagerClusterSamples(cluster: ClusterView, enabled: boolean): Iterable<Sample> {
  yield { name: 'alertmanager_cluster_enabled', value: enabled ? 1 : 0 }
  if (!enabled) return
  const live = cluster.members().filter(({ state }) => state === 'alive' || state === 'suspect')
  const before = live.filter(({ name }) => name < cluster.name).length
  yield { name: 'alertmanager_cluster_members', value: live.length }
  yield { name: 'alertmanager_cluster_health_score', value: cluster.healthScore() }
  yield { name: 'alertmanager_cluster_peer_info', value: 1, labels: { peer: cluster.name } }
  yield { name: 'alertmanager_peer_position', value: before }
}

export function* alertmanagerGossipSamples(stats: GossipStats): Iterable<AnySample> {
  const { sent, received, sentBytes, receivedBytes, memberEvents, events, machine } = stats
  yield* messageSamples('sent', sent, sentBytes)
  yield* messageSamples('received', received, receivedBytes)
  const { native, foreign } = machine?.queues ?? {}
  yield {
    name: 'alertmanager_cluster_messages_queued',
    value: (native?.messages ?? 0) + (foreign?.messages ?? 0),
  }
  yield {
    name: 'alertmanager_cluster_messages_pruned_total',
    value: (native?.dropped ?? 0) + (foreign?.dropped ?? 0),
  }
  yield { name: 'alertmanager_cluster_failed_peers', value: stats.remembered }
  yield { name: 'alertmanager_cluster_peers_joined_total', value: memberEvents.join ?? 0 }
  yield { name: 'alertmanager_cluster_peers_left_total', value: memberEvents.leave ?? 0 }
  yield { name: 'alertmanager_cluster_peers_update_total', value: memberEvents.update ?? 0 }
  yield { name: 'alertmanager_cluster_reconnections_total', value: events.reconnected ?? 0 }
  yield {
    name: 'alertmanager_cluster_reconnections_failed_total',
    value: events.reconnect_failed ?? 0,
  }
  yield { name: 'alertmanager_cluster_refresh_join_total', value: events.refresh_joined ?? 0 }
  yield { name: 'alertmanager_cluster_refresh_join_failed_total', value: events.refresh_failed ?? 0 }
  if (machine !== undefined) {
    yield { name: 'alertmanager_cluster_pings_seconds', histogram: machine.probeSeconds }
  }
}

const KINDS = [
  ['update', 'user'],
  ['full_state', 'push-pull'],
] as const

function* messageSamples(direction: 'sent' | 'received', messages: Counts, bytes: Counts): Iterable<Sample> {
  for (const [msg_type, kind] of KINDS) {
    const labels = { msg_type }
    yield { name: `alertmanager_cluster_messages_${direction}_total`, value: messages[kind] ?? 0, labels }
    yield { name: `alertmanager_cluster_messages_${direction}_size_total`, value: bytes[kind] ?? 0, labels }
  }
}
