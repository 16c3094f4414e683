/**
 * Msgpack as Go's memberlist writes it: the old specification only.
 *
 * Old peers read nothing newer, so strings and bytes are both *raw* (fixraw, da, db; never str8, never bin), integers
 * are unsigned and as short as possible, absent bytes are nil (memberlist-wire.md section 3). The caller writes map
 * keys in ASCII order, as Go does, which makes our bytes equal to Go's.
 */
import { assert } from '../../base/assert.ts'
import { ByteWriter, utf8Encode } from '../../base/bytes.ts'

/** A map key with its head, ready to be written. */
export function encodedKey(name: string): Uint8Array {
  const bytes = utf8Encode(name)
  assert(bytes.length < 32, 'a map key fits a fixraw')
  return Uint8Array.of(0xa0 | bytes.length, ...bytes)
}

export class MsgpackWriter {
  readonly #out: ByteWriter

  constructor(capacity = 256) {
    this.#out = new ByteWriter(capacity)
  }

  /** Bytes as they are, outside of msgpack: type bytes, prepared keys, user state. */
  verbatim(bytes: Uint8Array): this {
    this.#out.raw(bytes)
    return this
  }

  u8(value: number): this {
    this.#out.u8(value)
    return this
  }

  /** At most 15 entries: no struct of the protocol has more. */
  mapHead(entries: number): this {
    assert(entries < 16, 'a struct fits a fixmap')
    return this.u8(0x80 | entries)
  }

  /** An integer in [0, 2^32). */
  uint(value: number): this {
    assert(Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff, 'an unsigned 32-bit integer')
    const out = this.#out
    if (value < 0x80) out.u8(value)
    else if (value < 0x100) out.u8(0xcc).u8(value)
    else if (value < 0x1_0000)
      out
        .u8(0xcd)
        .u8(value >>> 8)
        .u8(value & 255)
    else out.u8(0xce).u32(value)
    return this
  }

  bool(value: boolean): this {
    return this.u8(value ? 0xc3 : 0xc2)
  }

  raw(bytes: Uint8Array): this {
    const out = this.#out
    if (bytes.length < 32) out.u8(0xa0 | bytes.length)
    else if (bytes.length < 0x1_0000)
      out
        .u8(0xda)
        .u8(bytes.length >>> 8)
        .u8(bytes.length & 255)
    else out.u8(0xdb).u32(bytes.length)
    out.raw(bytes)
    return this
  }

  /** Bytes, or nil when there are none, as Go writes a nil slice. */
  rawOrNil(bytes: Uint8Array): this {
    return bytes.length === 0 ? this.u8(0xc0) : this.raw(bytes)
  }

  text(text: string): this {
    return this.raw(utf8Encode(text))
  }

  finish(): Uint8Array {
    return this.#out.finish()
  }
}
