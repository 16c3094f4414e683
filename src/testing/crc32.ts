/** CRC-32 (IEEE, reflected, as zlib's) for hosts without one: the wire layer takes it as an argument. */
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1
  return value >>> 0
})

/** @returns the checksum as an unsigned 32-bit integer; the empty input gives 0 */
export function crc32(bytes: Uint8Array): number {
  let value = 0xffff_ffff
  for (let i = 0; i < bytes.length; i++) {
    value = (value >>> 8) ^ (TABLE[(value ^ (bytes[i] as number)) & 255] as number)
  }
  return (value ^ 0xffff_ffff) >>> 0
}
