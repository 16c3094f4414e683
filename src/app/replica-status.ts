/**
 * `GET /api/v1/status`: all that a replica says of itself, what a person asks first before the many counters.
 *
 * The disk is asked each time and told at the next, as for the metrics.
 */
import { endpointToText } from '../gossip/io/endpoint-text.ts'
import type { ClusterView } from '../http/facades.ts'
import { DiskSpace } from './disk-space.ts'
import type { Encryption } from './encryption.ts'
import { notifierStatus } from './notifier-status.ts'
import type { Replica } from './replica.ts'
import { roundedDeep } from './rounded.ts'
import { VERSION } from './version.ts'
import type { WebConfig } from './web-config/web-config.ts'

export interface StatusParts {
  readonly replica: Replica
  readonly cluster: ClusterView
  readonly encryption: Encryption
  readonly config: WebConfig | undefined
}

type Fields = Readonly<Record<string, unknown>>

/** Asked from here on, it counts as started now. @returns plain data, its numbers rounded */
export function replicaStatus(parts: StatusParts): () => Fields {
  const { storagePath, clock } = parts.replica
  const startedAt = new Date(clock.wallMs()).toISOString()
  const disk = storagePath === undefined ? undefined : new DiskSpace(storagePath)
  void disk?.refresh()
  return () => {
    const space = disk?.known
    void disk?.refresh()
    const { name, ...rest } = fieldsOf(parts)
    const fields = {
      name,
      version: VERSION,
      startedAt,
      ...rest,
      ...(space === undefined ? {} : { disk: space }),
    }
    return roundedDeep(fields) as Fields
  }
}

function fieldsOf({ replica, cluster, encryption, config }: StatusParts): Fields {
  const { gossip, silences } = replica
  return {
    name: replica.name,
    ...replica.readiness(),
    left: cluster.left(),
    settled: cluster.settled(),
    lag: cluster.lag(),
    lost: cluster.lost().length,
    warnings: cluster.warnings(),
    clock: clockStatus(replica),
    ...(gossip === undefined ? {} : { gossip: gossipStatus(gossip, encryption) }),
    ...(config === undefined ? {} : { http: config.status }),
    store: replica.store.status(),
    silences: silences.counts(),
    watches: replica.store.watches.stats,
    notifier: notifierStatus(replica.notifier.stats),
    quarantinedSilences: silences.quarantine.view(),
  }
}

/** `worstOffsetMs`: of live members, the clock that is furthest from ours; undefined while none is known. */
function clockStatus(replica: Replica): Fields {
  const offsetsMs = [...replica.clockOffsetsMs().values()].sort((a, b) => Math.abs(b) - Math.abs(a))
  const refusal = replica.clockRefusal()
  return { worstOffsetMs: offsetsMs[0], ...(refusal === undefined ? {} : { refusing: refusal.message }) }
}

/** How safe it is before the many counters. */
function gossipStatus(gossip: NonNullable<Replica['gossip']>, encryption: Encryption): Fields {
  // Of the wire alone; ours says as much, and which keys there are.
  const { encryption: _wire, ...stats } = gossip.stats()
  return { address: endpointToText(gossip.advertise()), encryption: encryption.status, ...stats }
}
