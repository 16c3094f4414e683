/**
 * Why something a peer sent was dropped: a closed set, each a value of the `reason` label of one metric.
 *
 * A reason says what was wrong with the bytes, not what they would have meant. Dropping is always local: a bad part
 * leaves its neighbours in the packet, a bad member record leaves the other records of its push-pull.
 */
export const DROP_REASONS = [
  /** A datagram, or what a frame held, had no bytes. */
  'empty',
  /** A zero-length part of a compound. */
  'empty-part',
  'label-empty',
  'label-truncated',
  /** Another label than ours, a label where we have none, or none where we have one. */
  'label-mismatch',
  /** No key of ours opens it, or it is no encrypted block at all. */
  'undecryptable',
  /** A stream in plaintext although we hold a key. */
  'plaintext-refused',
  /** An encrypted stream, and we hold no key. */
  'encrypted-without-key',
  /** Encrypted under a key of ours, with padding that is none. */
  'padding-malformed',
  'crc-mismatch',
  /** Ended before what it announced. */
  'truncated',
  /** No such message type, or one that has no place there. */
  'unknown-type',
  'unknown-compression',
  'lzw-malformed',
  'msgpack-malformed',
  /** A known field holds a value of another type. */
  'field-type',
  /** A known field holds a negative or too large number. */
  'field-range',
  /** Frames inside frames beyond the limit. */
  'too-deep',
  'too-many-parts',
  'too-many-pings',
  'too-many-nodes',
  /** More bytes than a limit allows, received or announced. */
  'too-large',
  /** Protocol versions that are not exactly six bytes. */
  'vsn-length',
  /** An address that is neither 4 nor 16 bytes. */
  'address-length',
  'name-empty',
  'name-too-long',
  'name-not-utf8',
  'name-control',
  /** A member record in a state other than alive, suspect, dead and left. */
  'unknown-state',
] as const

export type DropReason = (typeof DROP_REASONS)[number]
