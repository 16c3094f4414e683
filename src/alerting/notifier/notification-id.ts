/**
 * A name for one notification, the same on all replicas that would send it and for each attempt: an idempotency key for
 * the receiver. It is made of the work, of the log entry that was decided on, and of the alerts, in whatever order.
 */
import { Hasher64 } from '../../base/hash64.ts'
import type { Flush } from '../core/flush.ts'

const hasher = new Hasher64()

/**
 * @param version `timestampNs` of the log entry that was decided on, or what stands in for it
 * @returns 16 hex digits
 */
export function notificationId(
  work: string,
  version: bigint | undefined,
  { firing, resolved }: Pick<Flush, 'firing' | 'resolved'>,
): string {
  hasher.start().text(work)
  takeIn(version === undefined ? [] : [version])
  takeIn(firing)
  takeIn(resolved)
  return hex(hasher.hi()) + hex(hasher.lo())
}

function takeIn(numbers: readonly bigint[]): void {
  const sorted = [...new Set(numbers)].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
  hasher.word(sorted.length)
  for (const number of sorted) {
    hasher.word(Number(BigInt.asIntN(32, number >> 32n))).word(Number(BigInt.asIntN(32, number)))
  }
}

function hex(word: number): string {
  return word.toString(16).padStart(8, '0')
}
