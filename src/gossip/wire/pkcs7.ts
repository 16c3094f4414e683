/**
 * PKCS7 padding to 16 bytes, which version 0 of the encrypted block has and version 1 does not: n bytes of value n,
 * 1 to 16, so that there is always at least one. 5 bytes get eleven bytes of value 11; 16 bytes get sixteen of 16.
 *
 * Read strictly: memberlist takes the last byte's word for it and crashes when it lies.
 */
export const PAD_BLOCK_BYTES = 16

/** Bytes that padding adds to `plainBytes`. */
export function padBytes(plainBytes: number): number {
  return PAD_BLOCK_BYTES - (plainBytes % PAD_BLOCK_BYTES)
}

/** A padded copy. */
export function pad(plain: Uint8Array): Uint8Array {
  const count = padBytes(plain.length)
  const padded = new Uint8Array(plain.length + count).fill(count, plain.length)
  padded.set(plain)
  return padded
}

/** @returns a view without the padding, or undefined when it is not exactly as `pad` makes it */
export function unpad(padded: Uint8Array): Uint8Array | undefined {
  const count = padded[padded.length - 1]
  if (count === undefined || padded.length % PAD_BLOCK_BYTES !== 0) return undefined
  if (count < 1 || count > PAD_BLOCK_BYTES) return undefined
  const length = padded.length - count
  for (let i = length; i < padded.length; i++) if (padded[i] !== count) return undefined
  return padded.subarray(0, length)
}
