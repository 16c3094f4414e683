/**
 * LZW as Go's compress/lzw writes it with LSB order and 8-bit literals: byte for byte the same output
 * (memberlist-wire.md section 2.2), so that golden bytes hold.
 *
 * Greedy: the longest known string goes out as one code, and that string plus the next byte becomes known. The stream
 * opens with a clear; when the code counter reaches 4095 another clear starts over with 9-bit codes.
 */
import { assert } from '../../base/assert.ts'

const CLEAR = 256
const END = 257
const WIDTH_MIN = 9
const CODE_LAST = 4095
const TABLE_SIZE = 1 << 14
const TABLE_MASK = TABLE_SIZE - 1

/**
 * Open-addressed: 20 bits of key (code, byte) above 12 bits of the code they make. 0 is free: no defined code is 0.
 * Shared between calls, which are synchronous and clear it first.
 */
const table = new Uint32Array(TABLE_SIZE)

class BitWriter {
  readonly #bytes: Uint8Array
  #length = 0
  #bits = 0
  #bitCount = 0

  constructor(capacity: number) {
    this.#bytes = new Uint8Array(capacity)
  }

  put(code: number, width: number): void {
    this.#bits |= code << this.#bitCount
    this.#bitCount += width
    while (this.#bitCount >= 8) {
      this.#bytes[this.#length++] = this.#bits & 255
      this.#bits >>>= 8
      this.#bitCount -= 8
    }
  }

  finish(): Uint8Array {
    if (this.#bitCount > 0) this.#bytes[this.#length++] = this.#bits
    assert(this.#length <= this.#bytes.length, 'LZW output stays within 12 bits a byte')
    return this.#bytes.subarray(0, this.#length)
  }
}

export function lzwEncode(input: Uint8Array): Uint8Array {
  // At most one 12-bit code a byte, a clear every 3,837 codes, and a few at the ends.
  const out = new BitWriter(Math.ceil(input.length * 1.501) + 16)
  let width = WIDTH_MIN
  let last = END
  const define = (): boolean => {
    last++
    if (last === 1 << width) width++
    if (last < CODE_LAST) return true
    out.put(CLEAR, width)
    width = WIDTH_MIN
    last = END
    table.fill(0)
    return false
  }

  table.fill(0)
  out.put(CLEAR, width)
  let code = input[0]
  if (code !== undefined) {
    for (let i = 1; i < input.length; i++) {
      const byte = input[i] as number
      const key = (code << 8) | byte
      let slot = ((key >>> 12) ^ key) & TABLE_MASK
      let entry = table[slot] as number
      while (entry !== 0 && entry >>> 12 !== key) {
        slot = (slot + 1) & TABLE_MASK
        entry = table[slot] as number
      }
      if (entry !== 0) {
        code = entry & CODE_LAST
        continue
      }
      out.put(code, width)
      code = byte
      if (define()) table[slot] = (key << 12) | last
    }
    out.put(code, width)
    define()
  }
  out.put(END, width)
  return out.finish()
}
