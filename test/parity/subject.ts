/**
 * What the parity suite is run against: a program that speaks memberlist. Two of them: our own driver, and HashiCorp's
 * Go library in a small program of ours (test/peer). A script that passes on both is proven on the original.
 *
 * Subjects listen on 127.0.0.1 unless told otherwise, and run fast: gossip every 20 ms, a probe every 100 ms with a
 * timeout of 50 ms, no push-pull but joins, unless the options say otherwise.
 */

export interface PeerOptions {
  readonly name: string
  /** Default 127.0.0.1. */
  readonly bindAddr?: string
  /** Default 0: a free one. */
  readonly bindPort?: number
  readonly advertiseAddr?: string
  readonly advertisePort?: number
  /** Only where `Features.labels`. */
  readonly label?: string
  /** The primary first. */
  readonly keys?: readonly Uint8Array[]
  /** Default true, both. */
  readonly verifyIncoming?: boolean
  readonly verifyOutgoing?: boolean
  readonly meta?: Uint8Array
  readonly protocolVersion?: number
  /** LZW on what is sent. Default false. */
  readonly compress?: boolean
  readonly gossipIntervalMs?: number
  readonly gossipNodes?: number
  readonly gossipToTheDeadMs?: number
  readonly probeIntervalMs?: number
  readonly probeTimeoutMs?: number
  readonly suspicionMult?: number
  readonly pushPullIntervalMs?: number
  readonly tcpTimeoutMs?: number
  readonly deadNodeReclaimMs?: number
  /** Networks in CIDR notation that members must have their address in. Default: any. */
  readonly allowedNetworks?: readonly string[]
  /** The alive delegate refuses members of these names. */
  readonly refusesMembers?: readonly string[]
  /** The merge delegate refuses every join. */
  readonly refusesMerges?: boolean
  /**
   * A merge delegate consents and notes what it was shown, in every join. Default false: memberlist crashes with a merge
   * delegate when a record comes without its six versions.
   */
  readonly watchesMerges?: boolean
  /** What its acks carry. */
  readonly ackPayload?: Uint8Array
  /** Its user state in a push-pull. */
  readonly localState?: Uint8Array
}

export type PeerLiveness = 'alive' | 'suspect' | 'dead' | 'left'

export interface PeerMember {
  readonly name: string
  /** As text, without port. */
  readonly addr: string
  readonly port: number
  readonly meta: Uint8Array
  readonly liveness: PeerLiveness
}

/** What delegates were told, in order. */
export type PeerEvent =
  | { readonly type: 'join' | 'leave' | 'update'; readonly name: string }
  | {
      readonly type: 'conflict'
      readonly name: string
      readonly otherAddr: string
      readonly otherPort: number
    }
  | { readonly type: 'merge'; readonly names: readonly string[] }
  | { readonly type: 'ack'; readonly name: string; readonly payload: Uint8Array; readonly rttMs: number }
  | { readonly type: 'user'; readonly payload: Uint8Array; readonly atMs: number }
  | { readonly type: 'state'; readonly state: Uint8Array; readonly join: boolean }

export interface Peer {
  readonly name: string
  readonly port: number
  /** Alive and suspect ones, itself included. */
  members(): Promise<readonly PeerMember[]>
  /** Addresses as host:port. `error` is what the program said when nobody could be joined. */
  join(addresses: readonly string[]): Promise<{ readonly contacted: number; readonly error?: string }>
  leave(timeoutMs: number): Promise<void>
  /** Gone without a word. */
  shutdown(): Promise<void>
  updateMeta(meta: Uint8Array): Promise<void>
  /** A user message for everybody, by gossip. */
  broadcast(payload: Uint8Array): Promise<void>
  /** A user message by stream to one member. */
  sendReliable(member: string, payload: Uint8Array): Promise<void>
  addKey(key: Uint8Array): Promise<void>
  useKey(key: Uint8Array): Promise<void>
  removeKey(key: Uint8Array): Promise<void>
  /** Lifeguard's score. */
  healthScore(): Promise<number>
  /** Everything its delegates were told since the start. */
  events(): Promise<readonly PeerEvent[]>
}

export interface Features {
  /** Cluster labels (memberlist from v0.3.0; Debian's 0.2.2 has none). */
  readonly labels: boolean
}

export interface Subject {
  /** For test names: 'hearsay' or 'memberlist 0.2.2'. */
  readonly program: string
  readonly features: Features
  start(options: PeerOptions): Promise<Peer>
  /** Ends all its peers. */
  close(): Promise<void>
}
