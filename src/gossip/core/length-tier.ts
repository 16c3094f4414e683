/**
 * The pending broadcasts of one transmit count, found by "longest that fits, newest first".
 *
 * A packet is filled like a suitcase: big things first. Items lie in buckets by length, each bucket sorted by age, and
 * a bitmap of occupied lengths answers "the longest at most 731 bytes" by looking at no more than 44 words for
 * packets of 1,400 bytes, however many items there are.
 */
import { assert } from '../../base/assert.ts'

export interface TierItem {
  readonly bytes: Uint8Array
  /** Grows with every enqueue: the larger, the newer. */
  readonly id: number
}

export class LengthTier<Item extends TierItem> {
  readonly #buckets = new Map<number, Item[]>()
  readonly #occupied: Uint32Array
  #size = 0
  #bytes = 0

  constructor(lengthMax: number) {
    this.#occupied = new Uint32Array((lengthMax >> 5) + 1)
  }

  get size(): number {
    return this.#size
  }

  /** Of all items. */
  get bytes(): number {
    return this.#bytes
  }

  add(item: Item): void {
    const length = item.bytes.length
    assert(length >> 5 < this.#occupied.length, 'an item fits a packet')
    this.#size++
    this.#bytes += length
    const bucket = this.#buckets.get(length)
    if (bucket === undefined) {
      this.#buckets.set(length, [item])
      this.#setBit(length, true)
      return
    }
    bucket.splice(indexOfId(bucket, item.id), 0, item)
  }

  /** Removes an item that is in this tier. */
  remove(item: Item): void {
    const bucket = this.#buckets.get(item.bytes.length) ?? []
    const index = indexOfId(bucket, item.id)
    assert(bucket[index] === item, 'a removed item is in its tier')
    this.#removeAt(bucket, index, item.bytes.length)
  }

  /** Removes and returns the newest of the longest items of at most `lengthMax` bytes. */
  takeBest(lengthMax: number): Item | undefined {
    const length = this.#longestUpTo(lengthMax)
    if (length === undefined) return undefined
    const bucket = this.#buckets.get(length) ?? []
    const item = bucket[bucket.length - 1]
    if (item !== undefined) this.#removeAt(bucket, bucket.length - 1, length)
    return item
  }

  oldest(): Item | undefined {
    let oldest: Item | undefined
    for (const bucket of this.#buckets.values()) {
      const first = bucket[0]
      if (first !== undefined && (oldest === undefined || first.id < oldest.id)) oldest = first
    }
    return oldest
  }

  #removeAt(bucket: Item[], index: number, length: number): void {
    this.#size--
    this.#bytes -= length
    if (index === bucket.length - 1) bucket.pop()
    else bucket.splice(index, 1)
    if (bucket.length > 0) return
    this.#buckets.delete(length)
    this.#setBit(length, false)
  }

  #setBit(length: number, occupied: boolean): void {
    const word = this.#occupied[length >> 5] ?? 0
    const bit = 1 << (length & 31)
    this.#occupied[length >> 5] = occupied ? word | bit : word & ~bit
  }

  #longestUpTo(lengthMax: number): number | undefined {
    if (lengthMax < 0) return undefined
    let index = Math.min(lengthMax >> 5, this.#occupied.length - 1)
    const shift = lengthMax >> 5 > index ? 31 : lengthMax & 31
    let word = (this.#occupied[index] ?? 0) & (0xffff_ffff >>> (31 - shift))
    while (word === 0) {
      if (--index < 0) return undefined
      word = this.#occupied[index] ?? 0
    }
    return index * 32 + 31 - Math.clz32(word)
  }
}

/** Where `id` is, or would go, in a bucket sorted by ascending id. */
function indexOfId(bucket: readonly TierItem[], id: number): number {
  let low = 0
  let high = bucket.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((bucket[middle]?.id ?? 0) < id) low = middle + 1
    else high = middle
  }
  return low
}
