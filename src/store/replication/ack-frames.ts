/**
 * The two frames of the write concern on the private wire: `f1 01 41`, a kind, the sender's member name and the number
 * that the asking side gave the request, which it drew at random.
 *
 *   ask     deltas, in the order they were written: "join these, and tell me when they are on your disk"
 *   acked   "they are"
 *
 * An ask for a value of 100 bytes under a short key takes about 220 bytes, its answer about 30.
 */
import { ByteReader, BytesError, ByteWriter } from '../../base/bytes.ts'
import { HearsayError } from '../../base/errors.ts'
import { PRIVATE_MAGIC, PRIVATE_VERSION } from '../../gossip/core/batch-frame.ts'
import type { Delta } from '../core/delta.ts'
import { decodeDelta, encodeDelta } from '../core/delta-codec.ts'

/** Third byte of the frames. */
export const KIND_ACKNOWLEDGE = 0x41
/** A batch at its limit of 4 MiB fits; nothing longer is sent or read. */
export const ACK_FRAME_BYTES_MAX: number = 8 * 1024 * 1024
const KIND_ASK = 1
const KIND_ACKED = 2
const NAME_CHARACTERS_MAX = 1024
const HEADER_BYTES = 3
/** An empty delta takes six bytes; so a frame can never announce more of them than it has bytes for. */
const DELTA_BYTES_MIN = 6

export type AckFrame =
  | {
      readonly kind: 'ask'
      readonly sender: string
      readonly request: number
      readonly deltas: readonly Delta[]
    }
  | { readonly kind: 'acked'; readonly sender: string; readonly request: number }

export function encodeAckFrame(frame: AckFrame): Uint8Array {
  const writer = new ByteWriter().u8(PRIVATE_MAGIC).u8(PRIVATE_VERSION).u8(KIND_ACKNOWLEDGE)
  writer.u8(frame.kind === 'ask' ? KIND_ASK : KIND_ACKED)
  writer.string(frame.sender).varint(frame.request)
  if (frame.kind === 'ask') {
    writer.varint(frame.deltas.length)
    for (const delta of frame.deltas) writer.bytes(encodeDelta(delta))
  }
  return writer.finish()
}

/** @throws HearsayError for whatever is not exactly one frame */
export function decodeAckFrame(bytes: Uint8Array): AckFrame {
  if (bytes.length > ACK_FRAME_BYTES_MAX) {
    throw new HearsayError(
      'ACK_FRAME_TOO_LARGE',
      `${bytes.length} bytes; the limit is ${ACK_FRAME_BYTES_MAX}`,
    )
  }
  const reader = new ByteReader(bytes, HEADER_BYTES)
  const kind = reader.u8()
  const sender = reader.string()
  if (sender.length === 0 || sender.length > NAME_CHARACTERS_MAX) {
    throw new BytesError('BYTES_MALFORMED', 'a sender without a name')
  }
  const request = reader.varint()
  if (kind !== KIND_ASK && kind !== KIND_ACKED) throw new BytesError('BYTES_MALFORMED', 'unknown kind')
  const deltas = kind === KIND_ASK ? readDeltas(reader) : []
  if (reader.remaining > 0) throw new BytesError('BYTES_MALFORMED', 'bytes after the frame')
  return kind === KIND_ASK ? { kind: 'ask', sender, request, deltas } : { kind: 'acked', sender, request }
}

function readDeltas(reader: ByteReader): Delta[] {
  const count = reader.varint()
  if (count * DELTA_BYTES_MIN > reader.remaining) {
    throw new BytesError('BYTES_TRUNCATED', 'more deltas announced than there are bytes')
  }
  return Array.from({ length: count }, () => decodeDelta(reader.bytes()))
}
