/**
 * The fingerprint by which the API knows an alert: FNV-1a of 64 bits over its labels (label-bytes.ts), in hex.
 *
 * The prime is 2^40 + 0x1b3, so one step in halves of 32 bits is two products below 2^53 and a shift: no bigint.
 */
import { labelBytes } from './label-bytes.ts'

const OFFSET_HI = 0xcbf2_9ce4
const OFFSET_LO = 0x8422_2325
const PRIME_LO = 0x1b3
const TWO_32 = 0x1_0000_0000

function hex(half: number): string {
  return half.toString(16).padStart(8, '0')
}

/** @returns 16 lower-case hex digits */
export function fingerprint(labels: Readonly<Record<string, string>>): string {
  let hi = OFFSET_HI
  let lo = OFFSET_LO
  for (const byte of labelBytes(labels)) {
    lo = (lo ^ byte) >>> 0
    const product = lo * PRIME_LO
    // Summed before it is cut to 32 bits: hi * PRIME_LO is below 2^41.
    hi = (hi * PRIME_LO + Math.floor(product / TWO_32) + ((lo << 8) >>> 0)) >>> 0
    lo = product >>> 0
  }
  return hex(hi) + hex(lo)
}
