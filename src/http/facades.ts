/**
 * What HTTP needs to know of the cluster, of readiness and of claims, as small faces. The composition root implements them over
 * gossip and the store; tests implement them in five lines.
 */
import type { ClaimRequest } from '../alerting/notifier/notifier.ts'
import type { ClaimResult } from '../alerting/notifier/notifier-host.ts'
import type { PeerClass } from '../gossip/core/delegate.ts'
import type { NodeLiveness } from '../gossip/core/messages.ts'

/** One way to a member. Times are ISO 8601. */
export interface ClusterPath {
  readonly state: 'unknown' | 'ok' | 'failing'
  readonly since: string
  /** When something last came this way, in either direction; undefined: never. */
  readonly heardAt?: string
}

/** A name that two processes go by. Times are ISO 8601. */
export interface SharedName {
  readonly name: string
  /** Whether it is our own. */
  readonly isSelf: boolean
  /** Whether the other members take the other process for the owner of our name. */
  readonly isUnlisted: boolean
  /** Of the member as we know it. */
  readonly address: string
  readonly otherAddress: string
  readonly since: string
  /** When the other was last heard of. */
  readonly seenAt: string
}

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
  /** Release of hearsay that it says it runs; undefined for others than hearsay, and for releases before 0.1. */
  readonly version?: string | undefined
  /**
   * Whether it held exactly what is here when it was last looked at, by a probe or an exchange: some seconds ago at most.
   * Undefined for self, for others than hearsay, for who is dead or has left, and before the first look.
   */
  readonly sameState?: boolean | undefined
  /** Undefined for self and for who is not alive. */
  readonly udp?: ClusterPath
  readonly tcp?: ClusterPath
}

/** A member that died and that gossip lists no more; it is still called on. */
export interface LostMember {
  readonly name: string
  readonly state: 'lost'
  /** `host:port` it had. */
  readonly address: string
  /** ISO 8601; of a peer of an earlier run that was not seen yet, when this one began. */
  readonly since: string
}

export interface ClusterLag {
  /** Live hearsay members that held something else than this replica when they were last looked at. */
  readonly members: number
  /** For how long the one of them that it began with has, at every look since; 0 when there is none. */
  readonly ms: number
}

export interface ClusterView {
  /** Our own name; constant while the process runs. */
  readonly name: string
  /** All members known, self included; only self when clustering is off. */
  members(): readonly ClusterMember[]
  /** Dead members that are not among `members` any more, the last lost first. */
  lost(): readonly LostMember[]
  /** Whether this replica has left on request, to enter again on request. */
  left(): boolean
  /** How far the members are from what is here. */
  lag(): ClusterLag
  /** memberlist's awareness score of this process: 0 is healthy, higher means that we are slow ourselves. */
  healthScore(): number
  settled(): boolean
  sharedNames(): readonly SharedName[]
  /** What a person should do something about, one sentence each. */
  warnings(): readonly string[]
}

/** Leaving the cluster and entering it again. */
export interface Membership {
  /** Resolves when the peers have been told, or had their time; at once when that was so before. */
  leave(): Promise<void>
  /**
   * Enters again after a leave, and calls on peers; resolves when each has answered or failed.
   * @param peers `host:port` or names; default those that this replica knows
   * @throws HearsayError `GOSSIP_NOT_RUNNING` while it stops
   */
  join(peers?: readonly string[]): Promise<{
    /** Addresses that answered. */
    readonly reached: readonly string[]
    readonly failed: readonly { readonly address: string; readonly reason: string }[]
  }>
}

/** A gossip key, by what may be shown of it. */
export interface ShownKey {
  /** First 8 hex digits of its SHA-256. */
  readonly fingerprint: string
  readonly bytes: number
  /** Whether it is the one that encrypts. */
  readonly primary: boolean
}

/** The gossip keys of this replica, the primary first, and where they come from. */
export interface ShownKeys {
  readonly keys: readonly ShownKey[]
  readonly verifyIncoming: boolean
  readonly verifyOutgoing: boolean
  /** The key file; without one the keys are the embedding program's. */
  readonly file: string | undefined
  /** When what is in use was read from it. */
  readonly loadedAtMs: number | undefined
  /** Why its content of now is not in use. */
  readonly error: string | undefined
}

/** Keys are base64 texts; which key is meant is told by its fingerprint, or by the key. */
export interface GossipKeys {
  /** @throws HearsayError `GOSSIP_NOT_ENCRYPTED` without keys, as all of these */
  shown(): ShownKeys
  /**
   * Resolves when key file and ring have it; false when they had before.
   * @throws HearsayError `KEY_FILE_NONE` without a key file, as the next two; and those of KeyFile
   */
  add(key: string): Promise<boolean>
  use(fingerprint: string): Promise<void>
  remove(fingerprint: string): Promise<void>
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
