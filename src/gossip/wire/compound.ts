/**
 * Several messages in one datagram: type byte 7, a count, that many 16-bit lengths, then the parts.
 *
 * We write at most 127 parts although the count has room for 255: memberlist up to v0.2.3 doubles it in 8 bits and
 * cuts at the wrong places from 128 on. It also crashes on a part of no bytes, so that is never written either.
 */
import { assert } from '../../base/assert.ts'
import type { DropReason } from './drop-reason.ts'
import { COMPOUND_PARTS_MAX, PART_BYTES_MAX } from './limits.ts'
import { MessageType } from './message-type.ts'

/** Bytes that a compound adds to its parts: 2, and 2 for each. */
export function compoundOverheadBytes(parts: number): number {
  return 2 + 2 * parts
}

/** @param parts 1 to 127 complete messages of 1 to 65,535 bytes each */
export function encodeCompound(parts: readonly Uint8Array[]): Uint8Array {
  assert(parts.length > 0 && parts.length <= COMPOUND_PARTS_MAX, 'a compound holds 1 to 127 parts')
  let length = compoundOverheadBytes(parts.length)
  for (const part of parts) {
    assert(part.length > 0 && part.length <= PART_BYTES_MAX, 'a part holds 1 to 65,535 bytes')
    length += part.length
  }
  const bytes = new Uint8Array(length)
  bytes[0] = MessageType.compound
  bytes[1] = parts.length
  let head = 2
  let position = compoundOverheadBytes(parts.length)
  for (const part of parts) {
    bytes[head++] = part.length >>> 8
    bytes[head++] = part.length & 255
    bytes.set(part, position)
    position += part.length
  }
  return bytes
}

/**
 * Calls `part` for each part that is wholly there, in order, and `drop` for each that is not, or once if there are none.
 *
 * @param start first byte after the type byte
 * @param part gets the bounds of one non-empty part; returning false stops
 */
export function readCompound(
  bytes: Uint8Array,
  start: number,
  end: number,
  part: (start: number, end: number) => boolean,
  drop: (reason: DropReason) => void,
): void {
  const count = start < end ? (bytes[start] as number) : 0
  let position = start + 1 + 2 * count
  if (start >= end || position > end) {
    drop('truncated')
    return
  }
  if (count === 0) drop('empty')
  for (let i = 0; i < count; i++) {
    const head = start + 1 + 2 * i
    const length = ((bytes[head] as number) << 8) | (bytes[head + 1] as number)
    if (length > end - position) {
      // What follows cannot be found any more.
      for (let lost = i; lost < count; lost++) drop('truncated')
      return
    }
    if (length === 0) drop('empty-part')
    else if (!part(position, position + length)) return
    position += length
  }
}
