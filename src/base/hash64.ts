/**
 * A fast 64-bit hash in plain JavaScript: for digests of large sets and for spreading keys over nodes.
 *
 * Two lanes of 32 bits take in one 32-bit word at a time; the second also takes in what the first has become, so that a
 * difference that cancels out in one does not in the other. About 3 ns a word: 0.1 us for a key and 100 bytes of value.
 * It spreads well and is the same on every machine; it is no secret and no signature: who chooses the input can make two
 * inputs collide.
 *
 * A hasher is reused and chained, so that hashing allocates nothing. What is taken in is a sequence
 * of words, so callers that join several texts or numbers must keep them apart themselves; `text` and `bytes` take in
 * their length as well, and do so.
 */

/** Unsigned halves. */
export interface Hash64 {
  readonly hi: number
  readonly lo: number
}

const A_START = 0x243f6a88
const B_START = 0x85a308d3

export class Hasher64 {
  #a = A_START
  #b = B_START

  /** Begins anew, from nothing or from an earlier hash. */
  start(hi: number = A_START, lo: number = B_START): this {
    this.#a = hi | 0
    this.#b = lo | 0
    return this
  }

  /** Any 32 bits. */
  word(word: number): this {
    const a = Math.imul(this.#a ^ word, 0x9e3779b1)
    this.#a = a ^ (a >>> 15)
    this.#b = (Math.imul(((this.#b << 13) | (this.#b >>> 19)) ^ word, 0x85ebca77) + a) | 0
    return this
  }

  /** A whole number, at most 2^53 from zero. */
  integer(n: number): this {
    return this.word(n | 0).word(Math.floor(n / 0x1_0000_0000) | 0)
  }

  /** By UTF-16 code units, two a word. */
  text(text: string): this {
    const { length } = text
    let a = this.#a
    let b = this.#b
    for (let i = 0; i < length; i += 2) {
      // An odd end counts as a NUL; the length tells it from one.
      const word = text.charCodeAt(i) | (i + 1 < length ? text.charCodeAt(i + 1) << 16 : 0)
      a = Math.imul(a ^ word, 0x9e3779b1)
      b = (Math.imul(((b << 13) | (b >>> 19)) ^ word, 0x85ebca77) + a) | 0
      a ^= a >>> 15
    }
    this.#a = a
    this.#b = b
    return this.word(length)
  }

  bytes(bytes: Uint8Array): this {
    const { length } = bytes
    const whole = length & ~3
    let a = this.#a
    let b = this.#b
    for (let i = 0; i < length; i += 4) {
      let word = bytes[i] as number
      if (i < whole) {
        word |=
          ((bytes[i + 1] as number) << 8) |
          ((bytes[i + 2] as number) << 16) |
          ((bytes[i + 3] as number) << 24)
      } else {
        for (let rest = i + 1; rest < length; rest++) word |= (bytes[rest] as number) << (8 * (rest - i))
      }
      a = Math.imul(a ^ word, 0x9e3779b1)
      b = (Math.imul(((b << 13) | (b >>> 19)) ^ word, 0x85ebca77) + a) | 0
      a ^= a >>> 15
    }
    this.#a = a
    this.#b = b
    return this.word(length)
  }

  /** 32 well mixed bits of all that was taken in so far; it may go on after that. */
  hi(): number {
    return mix(this.#a ^ ((this.#b << 16) | (this.#b >>> 16))) >>> 0
  }

  /** 32 more, for which the same holds. */
  lo(): number {
    return mix((Math.imul(this.#b, 0xc2b2ae3d) + this.#a) | 0) >>> 0
  }
}

const hasher = new Hasher64()

/** For rendezvous hashing and the like: the same text gives the same 64 bits everywhere. */
export function hashText(text: string): Hash64 {
  hasher.start().text(text)
  return { hi: hasher.hi(), lo: hasher.lo() }
}

/** All bits of the result depend on all bits of `x`; no two give the same. */
function mix(x: number): number {
  let z = Math.imul(x ^ (x >>> 16), 0x21f0aaad)
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97)
  return z ^ (z >>> 15)
}
