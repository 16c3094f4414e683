/**
 * Rateless sketch: a short summary of a large set from which two holders can work out where their sets differ.
 *
 * Think of a sum over all items. If two sums differ by one item, subtracting them names it; with more differences one
 * sum is not enough, so there are many, each over a pseudo-random share of the items: all of them in symbol 0, about
 * one in `1 + i/2` of them in symbol i. The difference of two sketches then holds some symbol with a single item; that one
 * is taken out of all its symbols, which lays the next one bare, and so on. A longer sketch only adds symbols at the end,
 * so a prefix of one works against the whole of another. This is the rateless IBLT of arXiv 2402.02668 (peers.md 4).
 *
 * 64 symbols take about 850 bytes and decode up to about 32 differences; 4,096 take 54 kB and decode about 2,900, at 1.35 to 1.7
 * symbols a difference. An item touches 7 of 64 symbols, 12 of 4,096: 0.1 to 0.2 us, whatever the size of the set.
 *
 * Where an item falls comes from its whole 64-bit hash: seeds of 32 bits collide within a few thousand differences. The 4-byte
 * check tells a symbol of one item from the sum of several. Neither is secret: whoever can choose items can spoil the
 * decoding, which costs a longer exchange and nothing else, because what was found is checked by the roots afterwards.
 */
import { assert } from '../base/assert.ts'
import { type ByteReader, BytesError, type ByteWriter } from '../base/bytes.ts'

/** 64 bits, as two unsigned halves; of a well mixed hash. */
export interface ItemHash {
  readonly hi: number
  readonly lo: number
}

export interface SketchDifference {
  readonly onlyMine: readonly ItemHash[]
  readonly onlyTheirs: readonly ItemHash[]
}

/** Longest sketch that is made or read. */
export const SKETCH_SYMBOLS_MAX = 4096

/** 32-bit words of a symbol: sum of the items (hi, lo), sum of their checks, their number. */
const WORDS = 4
const SYMBOL_BYTES_MIN = 13
/** Passes over the symbols while decoding: sets that can be told apart need about 10, at the very limit 40. */
const ROUNDS_MAX = 128

export class Sketch {
  readonly symbols: number
  readonly #words: Int32Array

  /** Of the empty set. @param symbols 1 to `SKETCH_SYMBOLS_MAX` */
  constructor(symbols: number) {
    assert(symbols >= 1 && symbols <= SKETCH_SYMBOLS_MAX, 'a sketch has 1 to 4096 symbols')
    this.symbols = symbols
    this.#words = new Int32Array(symbols * WORDS)
  }

  /** Adds (`sign` 1) or takes away (`sign` -1) one item. The order of calls does not matter. */
  toggle(hi: number, lo: number, sign: 1 | -1): void {
    const words = this.#words
    const end = words.length
    // Two Feistel steps: close hashes start far apart, and no two of the 2^64 fall together.
    let b = lo ^ Math.imul(hi ^ (hi >>> 15), 0x2c1b3c6d)
    let a = hi ^ Math.imul(b ^ (b >>> 13), 0x297a2d39)
    const check = checkOf(a, b)
    for (let at = 0; at < end; ) {
      words[at] = (words[at] as number) ^ hi
      words[at + 1] = (words[at + 1] as number) ^ lo
      words[at + 2] = (words[at + 2] as number) ^ check
      words[at + 3] = (words[at + 3] as number) + sign
      // xoroshiro64*, whose upper bits are the good ones; then the next symbol by the inverse of the share above.
      const draw = Math.imul(a, 0x9e3779bb) >>> 0
      b ^= a
      a = ((a << 26) | (a >>> 6)) ^ b ^ (b << 9)
      b = (b << 13) | (b >>> 19)
      at += Math.ceil((at / WORDS + 1.5) * (65_536 / Math.sqrt(draw + 1) - 1)) * WORDS
    }
  }

  clone(): Sketch {
    return this.prefix(this.symbols)
  }

  /** The first symbols of it, a copy. */
  prefix(symbols: number): Sketch {
    assert(symbols <= this.symbols, 'a prefix is not longer than the whole')
    const copy = new Sketch(symbols)
    copy.#words.set(this.#words.subarray(0, copy.#words.length))
    return copy
  }

  equals(other: Sketch): boolean {
    return this.symbols === other.symbols && this.#words.every((word, i) => word === other.#words[i])
  }

  /**
   * Where two sets differ, by their sketches; of the longer one the prefix is used.
   * @returns undefined when there are too many differences for the symbols, or the sketches are of no sets at all.
   *   Whatever they hold, it ends: at most as many items are found as there are symbols, in a bounded number of rounds.
   */
  static difference(mine: Sketch, theirs: Sketch): SketchDifference | undefined {
    const rest = mine.prefix(Math.min(mine.symbols, theirs.symbols))
    const words = rest.#words
    for (let at = 0; at < words.length; at++) {
      if (at % WORDS === 3) words[at] = (words[at] as number) - (theirs.#words[at] as number)
      else words[at] = (words[at] as number) ^ (theirs.#words[at] as number)
    }
    const onlyMine: ItemHash[] = []
    const onlyTheirs: ItemHash[] = []
    // From the sparse end, round after round, until a round finds nothing or everything is taken apart.
    let found = true
    for (let round = 0; found && round < ROUNDS_MAX; round++) {
      found = false
      for (let symbol = rest.symbols - 1; symbol >= 0; symbol--) {
        const sign = rest.#single(symbol)
        if (sign === 0) continue
        // Each item empties a symbol for good, so more items than symbols come from no sets.
        if (onlyMine.length + onlyTheirs.length >= rest.symbols) return undefined
        const hi = (words[symbol * WORDS] as number) >>> 0
        const lo = (words[symbol * WORDS + 1] as number) >>> 0
        ;(sign === 1 ? onlyMine : onlyTheirs).push({ hi, lo })
        rest.toggle(hi, lo, sign === 1 ? -1 : 1)
        found = true
      }
    }
    return words.every((word) => word === 0) ? { onlyMine, onlyTheirs } : undefined
  }

  /** Number of symbols, then sum, check and number of each: 13 to 17 bytes, mostly 13 or 14. */
  write(bytes: ByteWriter): void {
    bytes.varint(this.symbols)
    const total = this.#words[3] ?? 0
    for (let symbol = 0; symbol < this.symbols; symbol++) {
      const at = symbol * WORDS
      bytes.u32((this.#words[at] as number) >>> 0).u32((this.#words[at + 1] as number) >>> 0)
      bytes.u32((this.#words[at + 2] as number) >>> 0)
      // Numbers lie near the share of the whole that is due to their symbol, so that mostly one byte is left of them.
      bytes.varint(zigzag((this.#words[at + 3] as number) - expected(total, symbol)))
    }
  }

  /** @throws BytesError `BYTES_TRUNCATED` | `BYTES_MALFORMED` (no symbols, or more than `symbolsMax`) */
  static read(bytes: ByteReader, symbolsMax: number = SKETCH_SYMBOLS_MAX): Sketch {
    const symbols = bytes.varint()
    if (symbols === 0 || symbols > symbolsMax) {
      throw new BytesError('BYTES_MALFORMED', `a sketch of ${symbols} symbols; the limit is ${symbolsMax}`)
    }
    if (bytes.remaining < symbols * SYMBOL_BYTES_MIN) {
      throw new BytesError('BYTES_TRUNCATED', 'ended inside a sketch')
    }
    const sketch = new Sketch(symbols)
    const words = sketch.#words
    for (let symbol = 0; symbol < symbols; symbol++) {
      const at = symbol * WORDS
      for (let word = 0; word < 3; word++) words[at + word] = bytes.u32()
      words[at + 3] = unzigzag(bytes.varint()) + expected(words[3] ?? 0, symbol)
    }
    return sketch
  }

  /** 1 or -1 when the symbol is that of a single item, else 0. */
  #single(symbol: number): 1 | -1 | 0 {
    const at = symbol * WORDS
    const count = this.#words[at + 3]
    if (count !== 1 && count !== -1) return 0
    const [hi, lo] = [this.#words[at] as number, this.#words[at + 1] as number]
    const b = lo ^ Math.imul(hi ^ (hi >>> 15), 0x2c1b3c6d)
    const a = hi ^ Math.imul(b ^ (b >>> 13), 0x297a2d39)
    return checkOf(a, b) === this.#words[at + 2] ? count : 0
  }
}

function checkOf(a: number, b: number): number {
  let z = Math.imul(a ^ (a >>> 16), 0x21f0aaad) ^ b
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97)
  return z ^ (z >>> 15)
}

function expected(total: number, symbol: number): number {
  return symbol === 0 ? 0 : Math.round(total / (1 + symbol / 2))
}

function zigzag(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value
}

function unzigzag(value: number): number {
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2
}
