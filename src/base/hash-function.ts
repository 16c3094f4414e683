/**
 * A hash function of the outside world, given to cores: they define what is hashed, a library how.
 *
 * @param bytes not kept
 * @returns 64 bits, unsigned
 */
export type HashFunction64 = (bytes: Uint8Array) => bigint
