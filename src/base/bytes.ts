/**
 * A byte writer and a bounded byte reader for our own fixed layouts: disk records and the private wire.
 *
 * Integers are LEB128 varints (7 bits a byte, low group first); 200 is `c8 01`. Strings are UTF-8 after a varint
 * length. The reader never trusts a length: every take is checked against what is left, and a malformed value throws
 * `BytesError`, which callers turn into "counted and dropped" or "record damaged".
 */
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

export class ByteWriter {
  #buffer: Uint8Array
  #length = 0

  constructor(capacity = 256) {
    this.#buffer = new Uint8Array(capacity)
  }

  get length(): number {
    return this.#length
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
}

export class ByteReader {
  readonly #bytes: Uint8Array
  #position: number

  constructor(bytes: Uint8Array, position = 0) {
    this.#bytes = bytes
    this.#position = position
  }

  get position(): number {
    return this.#position
  }

  get remaining(): number {
    return this.#bytes.length - this.#position
  }

  u8(): number {
    const value = this.#bytes[this.#position]
    if (value === undefined) throw new BytesError('BYTES_TRUNCATED', 'ended inside a value')
    this.#position++
    return value
  }

  u32(): number {
    return ((this.u8() << 24) | (this.u8() << 16) | (this.u8() << 8) | this.u8()) >>> 0
  }

  /** @throws BytesError `BYTES_MALFORMED` above 2^53 - 1 */
  varint(): number {
    let value = 0
    let scale = 1
    for (let i = 0; i < 8; i++) {
      const byte = this.u8()
      value += (byte & 127) * scale
      if (byte < 128) {
        if (!Number.isSafeInteger(value)) break
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
    if (length > this.remaining) throw new BytesError('BYTES_TRUNCATED', 'ended inside a value')
    const view = this.#bytes.subarray(this.#position, this.#position + length)
    this.#position += length
    return view
  }

  bytes(): Uint8Array {
    return this.raw(this.varint())
  }

  string(): string {
    return utf8Decode(this.bytes())
  }
}
