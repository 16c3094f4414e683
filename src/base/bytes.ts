/**
 * A byte writer and a bounded byte reader for our own fixed layouts: disk records and the private wire.
 *
 * Integers are LEB128 varints (7 bits a byte, low group first); 200 is `c8 01`. Strings are UTF-8 after a varint
 * length. The reader never trusts a length: every take is checked against what is left, and a malformed value throws
 * `BytesError`, which callers turn into "counted and dropped" or "record damaged".
 */
import type { ByteSlab } from './byte-slab.ts'
import { HearsayError } from './errors.ts'

/** Codes: `BYTES_TRUNCATED`, `BYTES_MALFORMED`. */
export class BytesError extends HearsayError {
  override readonly name = 'BytesError'
}

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export function utf8Encode(text: string): Uint8Array {
  return encoder.encode(text)
}

/** Up to this length a loop over ASCII beats the host's encoder, which allocates; most keys and names are that short. */
const SHORT = 64

/** @throws BytesError `BYTES_MALFORMED` when `bytes` is not valid UTF-8 */
export function utf8Decode(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes)
  } catch (cause) {
    throw new BytesError('BYTES_MALFORMED', 'invalid UTF-8', { cause })
  }
}

/** Lexicographic order of unsigned bytes; a prefix sorts first. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const difference = (a[i] as number) - (b[i] as number)
    if (difference !== 0) return difference
  }
  return a.length - b.length
}

const KEPT_BYTES_MAX = 64 * 1024

export class ByteWriter {
  #buffer: Uint8Array
  #length = 0

  constructor(capacity = 256) {
    this.#buffer = new Uint8Array(capacity)
  }

  get length(): number {
    return this.#length
  }

  /** Starts over, keeping the buffer if it is no larger than 64 KiB. */
  reset(): this {
    if (this.#buffer.length > KEPT_BYTES_MAX) this.#buffer = new Uint8Array(KEPT_BYTES_MAX)
    this.#length = 0
    return this
  }

  #grow(extra: number): void {
    const needed = this.#length + extra
    if (needed <= this.#buffer.length) return
    const larger = new Uint8Array(Math.max(needed, this.#buffer.length * 2))
    larger.set(this.#buffer.subarray(0, this.#length))
    this.#buffer = larger
  }

  u8(value: number): this {
    this.#grow(1)
    this.#buffer[this.#length++] = value
    return this
  }

  u32(value: number): this {
    return this.u8((value >>> 24) & 255)
      .u8((value >>> 16) & 255)
      .u8((value >>> 8) & 255)
      .u8(value & 255)
  }

  /** Any integer in [0, 2^53). */
  varint(value: number): this {
    this.#grow(8)
    let rest = value
    while (rest > 127) {
      this.#buffer[this.#length++] = (rest % 128) | 128
      rest = Math.floor(rest / 128)
    }
    this.#buffer[this.#length++] = rest
    return this
  }

  /** Big-endian two's complement, 8 bytes. */
  i64(value: bigint): this {
    const unsigned = BigInt.asUintN(64, value)
    return this.u32(Number(unsigned >> 32n)).u32(Number(unsigned & 0xffff_ffffn))
  }

  raw(bytes: Uint8Array): this {
    this.#grow(bytes.length)
    this.#buffer.set(bytes, this.#length)
    this.#length += bytes.length
    return this
  }

  /** Varint length, then the bytes. */
  bytes(bytes: Uint8Array): this {
    return this.varint(bytes.length).raw(bytes)
  }

  /** What another writer holds, with its length before it. */
  nested(other: ByteWriter): this {
    return this.bytes(other.#buffer.subarray(0, other.#length))
  }

  string(text: string): this {
    return text.length <= SHORT && this.#shortAscii(text) ? this : this.bytes(utf8Encode(text))
  }

  /** UTF-8 without its length. */
  text(text: string): this {
    if (text.length > SHORT) return this.raw(utf8Encode(text))
    this.#grow(SHORT)
    const start = this.#length
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i)
      if (code > 127) {
        this.#length = start
        return this.raw(utf8Encode(text))
      }
      this.#buffer[this.#length++] = code
    }
    return this
  }

  /** Writes `text` as `string` does if it is ASCII only; otherwise leaves everything as it was. */
  #shortAscii(text: string): boolean {
    this.#grow(1 + SHORT)
    const start = this.#length + 1
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i)
      if (code > 127) return false
      this.#buffer[start + i] = code
    }
    this.#buffer[this.#length] = text.length
    this.#length = start + text.length
    return true
  }

  /** A copy of what was written; the writer may go on. */
  finish(): Uint8Array {
    return this.#buffer.slice(0, this.#length)
  }

  /** The same, among others of its kind. */
  finishIn(slab: ByteSlab): Uint8Array {
    return slab.copy(this.#buffer.subarray(0, this.#length))
  }
}

/** Filled with the codes of a short text before it is made: one array a length, so that none is ever resized. */
const CODES: readonly number[][] = Array.from({ length: SHORT + 1 }, (_, length) =>
  new Array<number>(length).fill(0),
)

/** `bytes[from..to)` as ASCII, or undefined where it is none. A quarter of the time of the host's decoder when short. */
function shortAscii(bytes: Uint8Array, from: number, to: number): string | undefined {
  const codes = CODES[to - from]
  if (codes === undefined) return undefined
  for (let i = from; i < to; i++) {
    const code = bytes[i] as number
    if (code > 127) return undefined
    codes[i - from] = code
  }
  return String.fromCharCode.apply(undefined, codes)
}

export class ByteReader {
  #bytes: Uint8Array
  #position: number
  #end: number

  /** Reads `bytes` from `position` up to `end`. */
  constructor(bytes: Uint8Array, position = 0, end: number = bytes.length) {
    this.#bytes = bytes
    this.#position = position
    this.#end = Math.min(end, bytes.length)
  }

  /** Starts over with other bytes, for callers that read very many small ones. */
  reset(bytes: Uint8Array, position = 0, end: number = bytes.length): void {
    this.#bytes = bytes
    this.#position = position
    this.#end = Math.min(end, bytes.length)
  }

  get position(): number {
    return this.#position
  }

  get remaining(): number {
    return this.#end - this.#position
  }

  u8(): number {
    if (this.#position >= this.#end) throw truncated()
    return this.#bytes[this.#position++] as number
  }

  u32(): number {
    return ((this.u8() << 24) | (this.u8() << 16) | (this.u8() << 8) | this.u8()) >>> 0
  }

  /** @throws BytesError `BYTES_MALFORMED` above 2^53 - 1 */
  varint(): number {
    let byte = this.u8()
    if (byte < 128) return byte
    let value = byte & 127
    let scale = 128
    for (let i = 1; i < 8; i++) {
      byte = this.u8()
      value += (byte & 127) * scale
      if (byte < 128) {
        if (value > Number.MAX_SAFE_INTEGER) break
        return value
      }
      scale *= 128
    }
    throw new BytesError('BYTES_MALFORMED', 'integer above 2^53')
  }

  i64(): bigint {
    return BigInt.asIntN(64, (BigInt(this.u32()) << 32n) | BigInt(this.u32()))
  }

  /** A view, not a copy, of the next `length` bytes. */
  raw(length: number): Uint8Array {
    const from = this.skip(length)
    return new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset + from, length)
  }

  /** Steps over `length` bytes. @returns where they began */
  skip(length: number): number {
    if (length > this.#end - this.#position) throw truncated()
    const from = this.#position
    this.#position += length
    return from
  }

  bytes(): Uint8Array {
    return this.raw(this.varint())
  }

  string(): string {
    return this.text(this.varint())
  }

  /** The next `length` bytes as UTF-8. @throws BytesError `BYTES_MALFORMED` where they are none */
  text(length: number): string {
    const from = this.skip(length)
    return (
      shortAscii(this.#bytes, from, from + length) ?? utf8Decode(this.#bytes.subarray(from, from + length))
    )
  }

  /** Steps over the next bytes if they are `expected`; otherwise stays. */
  takes(expected: Uint8Array): boolean {
    const from = this.#position
    if (expected.length > this.#end - from) return false
    for (let i = 0; i < expected.length; i++) if (this.#bytes[from + i] !== expected[i]) return false
    this.#position += expected.length
    return true
  }
}

function truncated(): BytesError {
  return new BytesError('BYTES_TRUNCATED', 'ended inside a value')
}
