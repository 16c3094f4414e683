/**
 * What rides in the ack of each probe between hearsay members: enough to see that two replicas differ, and to compare their
 * clocks. Version, root (16), count, hash of the context (8), wall clock in ms: about 34 bytes, once a second a peer.
 */
import { ByteReader, BytesError, ByteWriter } from '../../base/bytes.ts'
import { CONTEXT_HASH_BYTES } from './context-hash.ts'
import { ROOT_BYTES } from './frames.ts'

const PAYLOAD_VERSION = 1
/** Longest of our own; a later version may be longer. */
export const ACK_PAYLOAD_BYTES_MAX = 64

export interface AckPayload {
  readonly root: Uint8Array
  readonly count: number
  readonly contextHash: Uint8Array
  readonly wallMs: number
}

export function encodeAckPayload({ root, count, contextHash, wallMs }: AckPayload): Uint8Array {
  return new ByteWriter(ACK_PAYLOAD_BYTES_MAX)
    .u8(PAYLOAD_VERSION)
    .raw(root)
    .varint(count)
    .raw(contextHash)
    .varint(wallMs)
    .finish()
}

/** @returns undefined for what is none. What follows the known fields is a later version's and passed over. */
export function decodeAckPayload(bytes: Uint8Array): AckPayload | undefined {
  const reader = new ByteReader(bytes)
  try {
    if (reader.u8() < PAYLOAD_VERSION) return undefined
    const root = reader.raw(ROOT_BYTES).slice()
    const count = reader.varint()
    const contextHash = reader.raw(CONTEXT_HASH_BYTES).slice()
    return { root, count, contextHash, wallMs: reader.varint() }
  } catch (error) {
    if (error instanceof BytesError) return undefined
    throw error
  }
}
