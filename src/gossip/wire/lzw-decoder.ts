/**
 * LZW as Go's compress/lzw reads it with LSB order and 8-bit literals (memberlist-wire.md section 2.2), in steps.
 *
 * A code stands for a string seen before: the previous code's string plus one byte. So an entry of the table is a code
 * to go on from and a last byte, and a string is written from its end, following the codes back. The classic odd case (a
 * code used in the very step that defines it) is the previous string and its own first byte.
 *
 * Nothing of the output is looked at again, so it may be taken away as it comes: what a decoder holds is its table,
 * 24 KiB, whatever it expands to. A step ends when the input is used up, when the output has no room for the longest
 * string there can be, or at the end; the caller decides how much more it wants. 20 MB of text take 0.1 s.
 *
 * Codes are 9 to 12 bits; 256 clears the table, 257 ends the data. Like Go, a missing end is an error, bytes behind it
 * are ignored, a leading clear is optional, and a full table stays as it is until cleared.
 */
const CLEAR = 256
const END = 257
const WIDTH_MIN = 9
const WIDTH_MAX = 12
const TABLE_SIZE = 1 << WIDTH_MAX
/** No string is longer: each entry adds a byte to an earlier one. An output with this much room takes any code. */
export const LZW_STRING_BYTES_MAX: number = TABLE_SIZE
const NONE = -1

export class LzwDecoder {
  readonly #prefix = new Uint16Array(TABLE_SIZE)
  readonly #last = new Uint8Array(TABLE_SIZE)
  readonly #first = new Uint8Array(TABLE_SIZE)
  readonly #length = new Uint16Array(TABLE_SIZE)
  #bits = 0
  #bitCount = 0
  #width = WIDTH_MIN
  /** The code that the next step defines. */
  #next = END
  /** `NONE` when the next step defines no code: after a clear, and with a full table. */
  #previous = NONE
  /** First byte of the input not read yet, after a step. */
  position = 0
  /** End of the output so far, after a step. */
  written = 0

  constructor() {
    for (let code = 0; code < CLEAR; code++) {
      this.#last[code] = code
      this.#first[code] = code
      this.#length[code] = 1
    }
  }

  /** Makes ready for other data. */
  reset(): void {
    this.#bits = 0
    this.#bitCount = 0
    this.#clear()
  }

  #clear(): void {
    this.#width = WIDTH_MIN
    this.#next = END
    this.#previous = NONE
  }

  /**
   * Reads from `input[start]` on and writes from `output[at]` on; `position` and `written` tell how far it came.
   *
   * @returns `need-input`: all of it is used up; `need-output`: less than `LZW_STRING_BYTES_MAX` is left of it, and
   *   perhaps not enough for the next string
   */
  step(
    input: Uint8Array,
    start: number,
    end: number,
    output: Uint8Array,
    at: number,
  ): 'need-input' | 'need-output' | 'ended' | 'lzw-malformed' {
    let position = start
    let written = at
    let bits = this.#bits
    let bitCount = this.#bitCount
    let outcome: 'need-input' | 'need-output' | 'ended' | 'lzw-malformed' | undefined
    while (outcome === undefined) {
      while (bitCount < this.#width && position < end) {
        bits |= (input[position++] as number) << bitCount
        bitCount += 8
      }
      if (bitCount < this.#width) {
        outcome = 'need-input'
        break
      }
      const code = bits & ((1 << this.#width) - 1)
      if (code === END) outcome = 'ended'
      else if (code > this.#next) outcome = 'lzw-malformed'
      else if (code !== CLEAR && output.length - written < this.#lengthOf(code)) {
        outcome = 'need-output'
        break
      }
      bits >>>= this.#width
      bitCount -= this.#width
      if (outcome !== undefined) break
      if (code === CLEAR) this.#clear()
      else written = this.#expand(code, output, written)
    }
    this.#bits = bits
    this.#bitCount = bitCount
    this.position = position
    this.written = written
    return outcome
  }

  /** Of a code that is there, or defined by being used now. */
  #lengthOf(code: number): number {
    if (code !== this.#next || this.#previous === NONE) return this.#length[code] as number
    return (this.#length[this.#previous] as number) + 1
  }

  #expand(code: number, output: Uint8Array, at: number): number {
    const next = this.#next
    const previous = this.#previous
    if (previous !== NONE) {
      this.#prefix[next] = previous
      this.#last[next] = this.#first[code === next ? previous : code] as number
      this.#first[next] = this.#first[previous] as number
      this.#length[next] = (this.#length[previous] as number) + 1
    }
    const end = at + (this.#length[code] as number)
    let rest = code
    for (let to = end - 1; to >= at; to--) {
      output[to] = this.#last[rest] as number
      rest = this.#prefix[rest] as number
    }
    this.#previous = code
    this.#next = next + 1
    if (this.#next < 1 << this.#width) return end
    if (this.#width < WIDTH_MAX) this.#width++
    else {
      this.#next--
      this.#previous = NONE
    }
    return end
  }
}

// Shared by all calls, which are synchronous: what cannot be read must not cost memory each time.
const whole = new LzwDecoder()
const SCRATCH_BYTES_MAX = 64 * 1024
const scratch = new Uint8Array(SCRATCH_BYTES_MAX + LZW_STRING_BYTES_MAX)

/** @param maxBytes bound on the output; one byte more is `too-large` */
export function lzwDecode(input: Uint8Array, maxBytes: number): Uint8Array | 'lzw-malformed' | 'too-large' {
  whole.reset()
  let output = scratch
  let written = 0
  for (let position = 0; ; ) {
    const outcome = whole.step(input, position, input.length, output, written)
    position = whole.position
    written = whole.written
    if (written > maxBytes) return 'too-large'
    if (outcome === 'ended') return output.slice(0, written)
    if (outcome !== 'need-output') return 'lzw-malformed'
    const larger = new Uint8Array(output.length * 2)
    larger.set(output.subarray(0, written))
    output = larger
  }
}
