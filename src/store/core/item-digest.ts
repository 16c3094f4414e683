/**
 * The digest of all items of a replica, kept up to date with every change: what two replicas compare first.
 *
 * Everything in it is a sum that does not ask for the order: adding an item and taking it away again leaves nothing
 * behind. The root has two such sums, an XOR of the hashes and an addition of them mixed anew, so that what cancels out
 * in one (the same hash twice) shows in the other.
 *
 * One item costs about 0.3 us in all: its hash, seven symbols of the sketch, its bucket, the root. Map entries keep their
 * hashes, so that taking one away costs a third of that.
 */
import type { DotListener } from '../../crdt/or-set.ts'
import { Sketch } from '../../crdt/sketch.ts'
import type { ForeignRecord, MapEntry } from './delta.ts'
import { HeldEntry } from './held-entry.ts'
import { ItemHasher } from './item-hasher.ts'
import { DIGEST_BUCKETS, type StateDigest } from './syncable.ts'

export const DIGEST_SYMBOLS = 64

export class ItemDigest implements StateDigest {
  readonly sketch: Sketch = new Sketch(DIGEST_SYMBOLS)
  readonly buckets: Uint32Array = new Uint32Array(2 * DIGEST_BUCKETS)
  readonly #hasher = new ItemHasher()
  #count = 0
  #xorHi = 0
  #xorLo = 0
  #sumHi = 0
  #sumLo = 0

  get count(): number {
    return this.#count
  }

  root(): Uint8Array {
    const root = new Uint8Array(16)
    for (const [index, word] of [this.#xorHi, this.#xorLo, this.#sumHi, this.#sumLo].entries()) {
      for (let byte = 0; byte < 4; byte++) root[4 * index + byte] = word >>> (24 - 8 * byte)
    }
    return root
  }

  /** The entry with its hashes; it does not count before it is toggled. */
  held(map: string, key: string, entry: MapEntry): HeldEntry {
    this.#hasher.entry(map, key, entry)
    return new HeldEntry(entry, this.#hasher.hi, this.#hasher.lo)
  }

  /** Adds (`sign` 1) or takes away (-1) a map entry. */
  entry(map: string, key: string, entry: MapEntry, sign: 1 | -1): void {
    this.#hasher.entry(map, key, entry)
    this.toggle(this.#hasher.hi, this.#hasher.lo, sign)
  }

  /** The same for a live dot; bound, to be handed to OrSets. */
  readonly onDot: DotListener = (set, member, dot, sign) => {
    this.#hasher.member(set, member, dot)
    this.toggle(this.#hasher.hi, this.#hasher.lo, sign)
  }

  record(table: string, key: string, record: ForeignRecord, sign: 1 | -1): void {
    this.#hasher.record(table, key, record)
    this.toggle(this.#hasher.hi, this.#hasher.lo, sign)
  }

  /** Adds or takes away an item by its hashes. */
  toggle(hi: number, lo: number, sign: 1 | -1): void {
    this.sketch.toggle(hi, lo, sign)
    this.#count += sign
    const at = 2 * (hi & (DIGEST_BUCKETS - 1))
    this.buckets[at] = (this.buckets[at] as number) ^ hi
    this.buckets[at + 1] = (this.buckets[at + 1] as number) ^ lo
    this.#xorHi ^= hi
    this.#xorLo ^= lo
    const mixed = Math.imul(hi ^ (hi >>> 15), 0x2c1b3c6d) ^ lo
    const again = Math.imul(mixed ^ (mixed >>> 13), 0x297a2d39) + hi
    this.#sumHi = (this.#sumHi + sign * (mixed ^ (mixed >>> 16))) | 0
    this.#sumLo = (this.#sumLo + sign * (again ^ (again >>> 15))) | 0
  }
}
