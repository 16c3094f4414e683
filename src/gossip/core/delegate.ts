/**
 * The two faces between gossip and what rides on it.
 *
 * Gossip knows nothing of CRDTs or silences. It asks a `GossipDelegate` for bytes and hands it bytes, as memberlist
 * does (delegate.go), with two differences: the responder of a push-pull sees the initiator's state before it answers
 * (the wire always allowed that), and broadcasts name the class of peers that can read them.
 */
import type { Endpoint } from './endpoint.ts'
import type { NodeLiveness } from './messages.ts'

/** `native`: speaks hearsay's private frames (its node meta says so). `foreign`: any other memberlist program. */
export type PeerClass = 'native' | 'foreign'

/** One member as others see it. */
export interface Member {
  readonly name: string
  readonly endpoint: Endpoint
  readonly meta: Uint8Array
  readonly incarnation: number
  readonly liveness: NodeLiveness
  readonly peerClass: PeerClass
  /** Round trip of the last acknowledged probe, undefined before the first. */
  readonly rttMs: number | undefined
  readonly isSelf: boolean
}

export type MemberEvent =
  | { readonly type: 'join'; readonly member: Member }
  | { readonly type: 'leave'; readonly member: Member }
  | { readonly type: 'update'; readonly member: Member }
  /** Somebody else claims the name of a live member from another address. */
  | { readonly type: 'conflict'; readonly member: Member; readonly otherEndpoint: Endpoint }

export interface Exchange {
  /**
   * Name of the member on the other side. The initiator knows it by the address it dialled; the responder only when the
   * caller's list has exactly one live member at the caller's address, so never among replicas behind one address.
   */
  readonly peer: string | undefined
  /** The first exchange of a joining node. */
  readonly join: boolean
  /** The other side's user state when it spoke first (we respond); undefined when we initiate. */
  readonly remoteState: Uint8Array | undefined
  /** Class of the other side; undefined when we dial an address whose owner we do not know yet. */
  readonly peerClass: PeerClass | undefined
}

export interface GossipDelegate {
  /** Our half of a push-pull. Must not throw; an empty array sends none. */
  localState(exchange: Exchange): Uint8Array
  /**
   * Their half. Never throws: bad bytes are counted by the delegate. Not called for an empty state.
   * @param state of more than 1 MiB it is only good during the call: what is kept of it must be copied
   */
  mergeRemoteState(state: Uint8Array, exchange: Exchange): void
  /**
   * A user message, by packet or stream, from whoever could reach our port. Never throws.
   * @param payload of more than 1 MiB it is only good during the call: what is kept of it must be copied
   */
  userMessage(payload: Uint8Array): void
  memberEvent(event: MemberEvent): void
  /**
   * Whether somebody whom we just heard of, or who comes back, may be a member (memberlist's alive delegate). Must not throw.
   * Absent: everybody may. A refused one is noted and forgotten; it may ask again.
   */
  admitsMember?(member: Omit<Member, 'rttMs' | 'liveness'>): boolean
  /**
   * Whether the other side of a joining push-pull may merge with us (memberlist's merge delegate), given all it knows. Must
   * not throw. Absent: everybody may. A refusal keeps its members and its user state out, on this side only.
   */
  admitsMerge?(members: readonly Omit<Member, 'rttMs'>[]): boolean
  /**
   * Our payload for the ack to a ping of this live native member; empty for none. Asked while the machine works, so it
   * must neither throw nor call gossip. At most `ACK_PAYLOAD_BYTES_MAX` bytes; a longer one is left out and noted.
   */
  ackPayload(peer: string): Uint8Array
  /**
   * The payload of a native member's ack to our own direct probe; not called for an empty one. Never throws.
   * @param rttMs round trip of that probe, of which the payload was made somewhere in the middle
   */
  ackReceived(peer: string, payload: Uint8Array, rttMs: number): void
  /**
   * Makes few user messages that say the same as many, for foreign members: to them a burst goes so, by stream. Must not
   * throw. Absent: their messages always leave one by one.
   * @param payloads in no particular order, of different keys
   */
  coalesce?(payloads: readonly Uint8Array[]): readonly Uint8Array[]
}

export interface Broadcast {
  /** Only members of this class get it. */
  readonly audience: PeerClass
  /** A pending broadcast of the same audience and key is superseded by this one. Omitted: supersedes nothing. */
  readonly key?: string | undefined
  readonly payload: Uint8Array
  /** Heard from another member, whose own sends are under way: in a small cluster it need not leave at once. */
  readonly isRelayed?: boolean
}

/** What a delegate may ask of gossip. */
export interface Broadcaster {
  /** Spreads to every member of the audience: first transmission at once, then retransmit-limited gossip. */
  broadcast(broadcast: Broadcast): void
  /** One reliable (stream) user message to each named member; failures are counted, not reported. */
  sendReliable(memberName: string, payload: Uint8Array): void
  /** All members known, self included. */
  members(): readonly Member[]
}
