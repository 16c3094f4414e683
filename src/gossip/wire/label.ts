/**
 * The cluster label: a plaintext header that keeps clusters apart which reach each other by mistake. It is no secret.
 *
 * Layout: f4, length (1 to 255), label. Outermost of everything, on datagrams and once at the start of a stream by the
 * side that dialled. The receiver wants exactly its own label, and no header when it has none
 * (memberlist-wire.md section 2.5).
 */
import { assert } from '../../base/assert.ts'
import { utf8Encode } from '../../base/bytes.ts'
import type { DropReason } from './drop-reason.ts'
import { LABEL_BYTES_MAX } from './limits.ts'
import { MessageType } from './message-type.ts'

const NONE = new Uint8Array(0)

/** The header for a label, no bytes for the empty one. @param label at most 255 bytes of UTF-8 */
export function labelHeader(label: string): Uint8Array {
  if (label === '') return NONE
  const bytes = utf8Encode(label)
  assert(bytes.length <= LABEL_BYTES_MAX, 'a label has at most 255 bytes')
  const header = new Uint8Array(2 + bytes.length)
  header[0] = MessageType.label
  header[1] = bytes.length
  header.set(bytes, 2)
  return header
}

/** The label in a `labelHeader`, which encryption authenticates; no bytes without one. */
export function labelIn(header: Uint8Array): Uint8Array {
  return header.subarray(2)
}

/**
 * Checks the start of a datagram or stream against our own header.
 *
 * @param expected our `labelHeader`
 * @returns bytes to strip (0 without a label), or why the sender is not of our cluster. `label-truncated` may become
 *   something else when more bytes of a stream arrive
 */
export function matchLabel(
  bytes: Uint8Array,
  start: number,
  end: number,
  expected: Uint8Array,
): number | DropReason {
  if (start >= end) return 0
  if (bytes[start] !== MessageType.label) return expected.length === 0 ? 0 : 'label-mismatch'
  if (end - start < 2) return 'label-truncated'
  const length = bytes[start + 1] as number
  if (length === 0) return 'label-empty'
  if (end - start < 2 + length) return 'label-truncated'
  if (expected.length !== 2 + length) return 'label-mismatch'
  for (let i = 2; i < expected.length; i++) if (bytes[start + i] !== expected[i]) return 'label-mismatch'
  return expected.length
}
