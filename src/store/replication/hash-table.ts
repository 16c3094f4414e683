/**
 * A set of item hashes that may come from a peer by the hundred thousand: open addressing in typed arrays, about 18 bytes
 * a hash, where a Map of numbers takes 50 and a lookup leaves nothing behind.
 *
 * The place of a hash comes from its `hi` alone, so that all versions of one name can be found together. Somebody may
 * send hashes that all want the same place: then it gives up, by a bound, instead of probing for ever.
 */
import type { ItemHash } from '../../crdt/sketch.ts'

/** Marks of a hash; `ABSENT` for one that is not in the table. */
export const ABSENT = 0
export const LISTED = 1
/** Met again, on the other side or by a scan. */
export const MATCHED = 2
/** Held by both sides under one name with different contents. */
export const CONTESTED = 3
export type Mark = 0 | 1 | 2 | 3

/** About 32 MB of hashes. */
export const HASHES_MAX = 4_194_304
/** Honest hashes at half load stay below 100. */
const PROBES_MAX = 1024
const CAPACITY_MIN = 64

export class HashTable {
  #hi: Uint32Array
  #lo: Uint32Array
  #marks: Uint8Array
  #shift: number
  #size = 0

  constructor() {
    this.#hi = new Uint32Array(CAPACITY_MIN)
    this.#lo = new Uint32Array(CAPACITY_MIN)
    this.#marks = new Uint8Array(CAPACITY_MIN)
    this.#shift = 32 - Math.log2(CAPACITY_MIN)
  }

  get size(): number {
    return this.#size
  }

  /** @returns false when it is full, or too many hashes want one place: then they are no honest ones */
  add(hi: number, lo: number, mark: Mark): boolean {
    if (this.#size >= HASHES_MAX) return false
    if (this.#size * 2 >= this.#marks.length && !this.#grow()) return false
    return this.#put(hi, lo, mark)
  }

  mark(hi: number, lo: number): Mark {
    const at = this.#find(hi, lo)
    return at === undefined ? ABSENT : (this.#marks[at] as Mark)
  }

  setMark(hi: number, lo: number, mark: Mark): void {
    const at = this.#find(hi, lo)
    if (at !== undefined) this.#marks[at] = mark
  }

  /** Marks all hashes of this name that were not met yet. @returns whether there is a hash of this name */
  contest(hi: number): boolean {
    const mask = this.#marks.length - 1
    let found = false
    for (let at = this.#home(hi); this.#marks[at] !== ABSENT; at = (at + 1) & mask) {
      if (this.#hi[at] !== hi) continue
      found = true
      if (this.#marks[at] === LISTED) this.#marks[at] = CONTESTED
    }
    return found
  }

  *withMark(mark: Mark): Generator<ItemHash> {
    for (let at = 0; at < this.#marks.length; at++) {
      if (this.#marks[at] === mark) yield { hi: this.#hi[at] as number, lo: this.#lo[at] as number }
    }
  }

  #home(hi: number): number {
    return Math.imul(hi, 0x9e3779b1) >>> this.#shift
  }

  #find(hi: number, lo: number): number | undefined {
    const mask = this.#marks.length - 1
    for (let at = this.#home(hi); this.#marks[at] !== ABSENT; at = (at + 1) & mask) {
      if (this.#hi[at] === hi && this.#lo[at] === lo) return at
    }
    return undefined
  }

  #put(hi: number, lo: number, mark: Mark): boolean {
    const mask = this.#marks.length - 1
    let at = this.#home(hi)
    for (let probes = 0; this.#marks[at] !== ABSENT; probes++) {
      if (this.#hi[at] === hi && this.#lo[at] === lo) {
        this.#marks[at] = mark
        return true
      }
      if (probes >= PROBES_MAX) return false
      at = (at + 1) & mask
    }
    this.#hi[at] = hi
    this.#lo[at] = lo
    this.#marks[at] = mark
    this.#size++
    return true
  }

  #grow(): boolean {
    const [hi, lo, marks] = [this.#hi, this.#lo, this.#marks]
    const capacity = marks.length * 2
    this.#hi = new Uint32Array(capacity)
    this.#lo = new Uint32Array(capacity)
    this.#marks = new Uint8Array(capacity)
    this.#shift--
    this.#size = 0
    for (let at = 0; at < marks.length; at++) {
      const mark = marks[at] as Mark
      if (mark !== ABSENT && !this.#put(hi[at] as number, lo[at] as number, mark)) return false
    }
    return true
  }
}
