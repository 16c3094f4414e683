/**
 * 8 bytes that two replicas compare to learn whether their contexts are the same. Equal contexts give equal hashes; two
 * different ones collide by chance in one of 2^64 pairs, and then nothing worse happens than that they are not united.
 * About 1 us an actor.
 */
import { ByteWriter } from '../../base/bytes.ts'
import { Hasher64 } from '../../base/hash64.ts'
import type { CausalContext } from '../../crdt/context.ts'

export const CONTEXT_HASH_BYTES = 8

export function contextHash(context: CausalContext): Uint8Array {
  const hasher = new Hasher64()
  for (const actor of context.actors()) {
    const intervals = context.intervals(actor)
    hasher.text(actor).word(intervals.length)
    for (const { first, last } of intervals) hasher.integer(first).integer(last)
  }
  return new ByteWriter(CONTEXT_HASH_BYTES).u32(hasher.hi()).u32(hasher.lo()).finish()
}
