/**
 * Everything memberlist peers say to each other, decoded: a closed union (memberlist-wire.md section 1).
 *
 * Framing (compound, compression, CRC, label) is not a message: `wire/` takes it off before and puts it on after.
 * All integers are unsigned 32-bit unless noted. Empty bytes stand for nil.
 */
import type { Endpoint } from './endpoint.ts'

/** Asks for an ack. `node` is the name meant; empty means whoever gets this. */
export interface PingMessage {
  readonly kind: 'ping'
  readonly seqNo: number
  readonly node: string
  /** Where the ack should go; omitted by peers before v0.2.0. */
  readonly source?: Endpoint
  readonly sourceNode?: string
}

/** Asks a third peer to ping `target` for us. */
export interface IndirectPingMessage {
  readonly kind: 'indirect-ping'
  readonly seqNo: number
  readonly target: Endpoint
  readonly node: string
  /** Whether the relay shall answer with a nack when the target stays silent. */
  readonly nack: boolean
  readonly source?: Endpoint
  readonly sourceNode?: string
}

export interface AckMessage {
  readonly kind: 'ack'
  readonly seqNo: number
  readonly payload: Uint8Array
}

export interface NackMessage {
  readonly kind: 'nack'
  readonly seqNo: number
}

/** `from` doubts `node` at `incarnation`. */
export interface SuspectMessage {
  readonly kind: 'suspect'
  readonly incarnation: number
  readonly node: string
  readonly from: string
}

export interface AliveMessage {
  readonly kind: 'alive'
  readonly incarnation: number
  readonly node: string
  readonly endpoint: Endpoint
  readonly meta: Uint8Array
  /** [pMin, pMax, pCur, dMin, dMax, dCur]; anything but 6 bytes is refused by the machine. */
  readonly vsn: Uint8Array
}

/** `from` declares `node` dead; `from === node` means it left by itself. */
export interface DeadMessage {
  readonly kind: 'dead'
  readonly incarnation: number
  readonly node: string
  readonly from: string
}

/** Opaque to gossip: carried for the delegate. */
export interface UserMessage {
  readonly kind: 'user'
  readonly payload: Uint8Array
}

/** Wire numbers 0-3 in this order. */
export type NodeLiveness = 'alive' | 'suspect' | 'dead' | 'left'

/** One line of a push-pull's member list. */
export interface NodeRecord {
  readonly name: string
  readonly endpoint: Endpoint
  readonly meta: Uint8Array
  readonly incarnation: number
  readonly liveness: NodeLiveness
  readonly vsn: Uint8Array
}

/** The whole of what one side holds; stream only. */
export interface PushPullMessage {
  readonly kind: 'push-pull'
  readonly join: boolean
  readonly nodes: readonly NodeRecord[]
  /** The delegate's state; empty when there is none. */
  readonly userState: Uint8Array
}

/** A peer's complaint about the framing of our stream; stream only. */
export interface ErrorMessage {
  readonly kind: 'error'
  readonly error: string
}

export type PacketMessage =
  | PingMessage
  | IndirectPingMessage
  | AckMessage
  | NackMessage
  | SuspectMessage
  | AliveMessage
  | DeadMessage
  | UserMessage

export type StreamMessage = PingMessage | AckMessage | UserMessage | PushPullMessage | ErrorMessage
