/**
 * Every bound of the wire, with its default. Nothing here is negotiated: a peer that exceeds one loses that packet,
 * record or stream, and the drop is counted.
 *
 * The defaults leave room for whatever a memberlist peer can legitimately send (memberlist-wire.md section 2.8): a
 * packet is one datagram, so 64 KiB, and Go never fills more than its 1,400-byte budget; a stream may carry 20 MiB of
 * user state, 40 MiB after decompression. Lengths announced by a peer are compared with these, never allocated.
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
/** Bytes of a peer's complaint that are kept. */
export const ERROR_TEXT_BYTES_MAX = 512

export interface PacketLimits {
  /** Compound and compressed frames inside each other. Go nests two: a compressed compound. */
  readonly depthMax: number
  /** Messages and parts in one datagram, counted over all its compounds. */
  readonly partsMax: number
  /** Bytes that all compressed frames of one datagram may expand to together. */
  readonly inflatedBytesMax: number
}

export const DEFAULT_PACKET_LIMITS: PacketLimits = {
  depthMax: 3,
  partsMax: 2048,
  inflatedBytesMax: 256 * 1024,
}

export interface StreamLimits {
  /** Bytes read from one connection, label included; also what one connection can make us buffer. */
  readonly streamBytesMax: number
  /** Bytes of the encrypted block that a stream may announce; memberlist's bound. */
  readonly encryptedBytesMax: number
  /** Bytes that a compressed stream may expand to. */
  readonly inflatedBytesMax: number
  /** Bytes of one control message or one member record. */
  readonly itemBytesMax: number
  /** Members that a push-pull header may announce. */
  readonly nodesMax: number
  /** Memory for the member list of one push-pull: each record is charged its bytes plus `NODE_OVERHEAD_BYTES`. */
  readonly nodesBytesMax: number
  /** Bytes of a push-pull's user state. */
  readonly userStateBytesMax: number
  /** Bytes of a user message. */
  readonly userMessageBytesMax: number
}

/** What a decoded member record costs beyond its bytes; keeps a list of tiny records from multiplying in memory. */
export const NODE_OVERHEAD_BYTES = 256

export const DEFAULT_STREAM_LIMITS: StreamLimits = {
  streamBytesMax: 64 * 1024 * 1024,
  encryptedBytesMax: 20 * 1024 * 1024,
  inflatedBytesMax: 40 * 1024 * 1024,
  itemBytesMax: 64 * 1024,
  nodesMax: 1_048_576,
  nodesBytesMax: 64 * 1024 * 1024,
  userStateBytesMax: 20 * 1024 * 1024,
  userMessageBytesMax: 20 * 1024 * 1024,
}
