/**
 * What HTTP needs to know of the cluster, of readiness and of claims, as small faces. The composition root implements them over
 * gossip and the store; tests implement them in five lines.
 */
import type { ClaimRequest } from '../alerting/notifier/notifier.ts'
import type { ClaimResult } from '../alerting/notifier/notifier-host.ts'
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

/** A claim on a notification that somebody outside this process holds. */
export interface HeldClaim {
  readonly id: string
  /** Of the notification log. */
  readonly key: string
  /** Unless renewed. */
  readonly expiresAtMs: number
}

export type ClaimOutcome =
  | { readonly held: true; readonly claim: HeldClaim }
  | Extract<ClaimResult, { readonly held: false }>

export interface Claims {
  /** @throws HearsayError `CLAIMS_MAX` when as many are held or waited for as may be */
  claim(request: ClaimRequest): Promise<ClaimOutcome>
  /** @returns undefined when it is not held (any more) */
  renew(id: string, leaseMs: number): HeldClaim | undefined
  /**
   * @param failed whether the next in order shall try
   * @returns whether it was held
   */
  release(id: string, failed: boolean): boolean
}
