/**
 * Every bound of the wire, with its default. Nothing here is negotiated: a peer that exceeds one loses that packet,
 * record or stream, and the drop is counted.
 *
 * The defaults leave room for whatever a memberlist peer can legitimately send (memberlist-wire.md section 2.8): a
 * packet is one datagram before it is compressed, so 64 KiB, and Go never fills more than its 1,400-byte budget; a stream
 * may carry 20 MiB of user state, and a meta of 512 bytes for each of more members than we remember. Lengths announced
 * by a peer are compared with these; what a stream may take at once is asked of the driver (io/stream-memory.ts).
 *
 * Not bounded here: how many streams are open at once, and how long one may take. That is the driver's.
 */

/** Bytes of a member's name on the wire; empty names are refused where a member is meant. */
export const NAME_BYTES_MAX = 512
/** Bytes of a cluster label: its length travels in one byte. */
export const LABEL_BYTES_MAX = 255
/** Parts we put into one compound: memberlist up to v0.2.3 miscounts from 128 on. */
export const COMPOUND_PARTS_MAX = 127
/** Bytes of one part of a compound: its length travels in two bytes. */
export const PART_BYTES_MAX = 65_535
/** Bytes that a compressed stream may expand to behind the end of its message: nobody has a use for any. */
export const TRAILING_BYTES_MAX = 65_536
/** Bytes of a peer's complaint that are kept. */
export const ERROR_TEXT_BYTES_MAX = 512

export interface PacketLimits {
  /** Compound and compressed frames inside each other. Go nests two: a compressed compound. */
  readonly depthMax: number
  /** Messages and parts in one datagram, counted over all its compounds. */
  readonly partsMax: number
  /**
   * Pings and indirect pings in one datagram. Each is answered with a datagram, and where the first one came from may be
   * forged: packed, 1.4 KB of them would aim 2,000 acks at somebody. A prober sends one.
   */
  readonly pingsMax: number
  /** Bytes that all compressed frames of one datagram may expand to together. */
  readonly inflatedBytesMax: number
}

export const DEFAULT_PACKET_LIMITS: PacketLimits = {
  depthMax: 3,
  partsMax: 2048,
  pingsMax: 4,
  inflatedBytesMax: 64 * 1024,
}

export interface StreamLimits {
  /** Bytes read from one connection, label included. */
  readonly streamBytesMax: number
  /** What a message may take before its reader asks for room; default anything. */
  readonly freeBytes: number
  /** Bytes that a compressed stream expands to before its reader lets others have a turn; default all. */
  readonly turnBytes: number
  /** Bytes of the encrypted block that a stream may announce; memberlist's bound. */
  readonly encryptedBytesMax: number
  /** Bytes that a compressed stream may expand to. */
  readonly inflatedBytesMax: number
  /** Bytes of one control message or one member record. */
  readonly itemBytesMax: number
  /** Members that a push-pull header may announce. */
  readonly nodesMax: number
  /**
   * Memory for each member that a push-pull lists, on the average: a record is charged its name, its meta and
   * `NODE_OVERHEAD_BYTES`. So a list takes what its header announces, and room for it can be had beforehand.
   */
  readonly nodeBytesMax: number
  /** Bytes of a push-pull's user state. */
  readonly userStateBytesMax: number
  /** Bytes of a user message. */
  readonly userMessageBytesMax: number
}

/** What a decoded member record costs beyond its bytes; keeps a list of tiny records from multiplying in memory. */
export const NODE_OVERHEAD_BYTES = 512

export const DEFAULT_STREAM_LIMITS: StreamLimits = {
  streamBytesMax: 64 * 1024 * 1024,
  freeBytes: Number.POSITIVE_INFINITY,
  turnBytes: Number.POSITIVE_INFINITY,
  encryptedBytesMax: 20 * 1024 * 1024,
  inflatedBytesMax: 40 * 1024 * 1024,
  itemBytesMax: 16 * 1024,
  nodesMax: 10_240,
  nodeBytesMax: 1280,
  userStateBytesMax: 20 * 1024 * 1024,
  userMessageBytesMax: 20 * 1024 * 1024,
}
