/**
 * What HTTP needs to know of the cluster and of readiness, as two small faces. The composition root implements them over
 * gossip and the store; tests implement them in five lines.
 */
import type { PeerClass } from '../gossip/core/delegate.ts'
import type { NodeLiveness } from '../gossip/core/messages.ts'

export interface ClusterMember {
  readonly name: string
  readonly state: NodeLiveness
  /** `host:port`. */
  readonly address: string
  readonly incarnation: number
  /** Round trip of the last acknowledged probe, undefined before the first. */
  readonly rttMs: number | undefined
  /** Its wall clock minus ours, told in probe acks; undefined for self, for others than hearsay and when unheard for 5 minutes. */
  readonly clockOffsetMs: number | undefined
  readonly class: PeerClass
  readonly isSelf: boolean
}

export interface ClusterView {
  /** Our own name; constant while the process runs. */
  readonly name: string
  /** All members known, self included; only self when clustering is off. */
  members(): readonly ClusterMember[]
  /** memberlist's awareness score of this process: 0 is healthy, higher means that we are slow ourselves. */
  healthScore(): number
  settled(): boolean
}

export interface Readiness {
  readonly ready: boolean
  /** Why not, one sentence each; empty when ready. */
  readonly reasons: readonly string[]
}

export interface HealthView {
  ready(): Readiness
}
