/**
 * The checksum frame: type byte 12, CRC-32 (IEEE) big-endian, payload. Only ever the outermost plaintext layer of a
 * datagram, and only sent to peers that say they read it (pMax >= 5).
 *
 * The checksum itself is injected: hosts have a fast one, and a core has no reason to carry its own.
 */
import { MessageType } from './message-type.ts'

/** CRC-32 of IEEE 802.3, as zlib computes it; `crc32("123456789")` is 0xcbf43926. */
export type Crc32 = (bytes: Uint8Array) => number

/** Bytes of the frame before its payload. */
export const CRC_OVERHEAD_BYTES = 5

/** Writes the frame's head at `target[at]`. */
export function writeCrcHead(target: Uint8Array, at: number, payload: Uint8Array, crc32: Crc32): void {
  const sum = crc32(payload) >>> 0
  target[at] = MessageType.hasCrc
  for (let i = 0; i < 4; i++) target[at + 1 + i] = (sum >>> (24 - 8 * i)) & 255
}

/** Whether [start, end) is a checksum frame: the type byte alone does not make one. */
export function isCrcFrame(bytes: Uint8Array, start: number, end: number): boolean {
  return end - start >= CRC_OVERHEAD_BYTES && bytes[start] === MessageType.hasCrc
}

/** Whether the checksum of such a frame holds. */
export function crcHolds(bytes: Uint8Array, start: number, end: number, crc32: Crc32): boolean {
  let announced = 0
  for (let i = 1; i <= 4; i++) announced = announced * 256 + (bytes[start + i] as number)
  return crc32(bytes.subarray(start + CRC_OVERHEAD_BYTES, end)) >>> 0 === announced
}
