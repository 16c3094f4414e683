import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  ByteReader,
  BytesError,
  ByteWriter,
  compareBytes,
  utf8Decode,
  utf8Encode,
} from '../../../src/base/bytes.ts'

const safeInteger = fc.nat({ max: Number.MAX_SAFE_INTEGER })

describe('byte writer and reader', () => {
  it.each([0, 1, 63, 64, 65, 127, 128])(
    'write a string of %d characters as its UTF-8, ASCII or not',
    (length) => {
      const ascii = 'a'.repeat(length)
      for (const text of [ascii, `${ascii}\u007f`, `${ascii}é`, `é${ascii}`, `${ascii}\u{1f600}`]) {
        const expected = new ByteWriter().bytes(utf8Encode(text)).u8(9).finish()
        expect([...new ByteWriter(1).string(text).u8(9).finish()]).toEqual([...expected])
      }
    },
  )

  it('give back what was written, in order', () => {
    const i64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
    fc.assert(
      fc.property(
        safeInteger,
        fc.uint8Array(),
        fc.string({ unit: 'grapheme' }),
        i64,
        (n, bytes, text, big) => {
          const written = new ByteWriter(1)
            .varint(n)
            .bytes(bytes)
            .string(text)
            .i64(big)
            .u32(n % 2 ** 32)
            .finish()
          const reader = new ByteReader(written)
          expect(reader.varint()).toBe(n)
          expect([...reader.bytes()]).toEqual([...bytes])
          expect(reader.string()).toBe(text)
          expect(reader.i64()).toBe(big)
          expect(reader.u32()).toBe(n % 2 ** 32)
          expect(reader.remaining).toBe(0)
        },
      ),
    )
  })

  it('write 200 as c8 01', () => {
    expect([...new ByteWriter().varint(200).finish()]).toEqual([0xc8, 0x01])
  })

  it('never read past the end, whatever the length claims', () => {
    const claimsMuch = new ByteWriter()
      .varint(2 ** 40)
      .u8(1)
      .finish()
    expect(() => new ByteReader(claimsMuch).bytes()).toThrow(
      expect.objectContaining({ code: 'BYTES_TRUNCATED' }),
    )
  })

  it('refuse an integer above 2^53', () => {
    const tooLarge = Uint8Array.of(255, 255, 255, 255, 255, 255, 255, 255, 1)
    expect(() => new ByteReader(tooLarge).varint()).toThrow(
      expect.objectContaining({ code: 'BYTES_MALFORMED' }),
    )
  })

  it('throw nothing but BytesError on garbage', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (garbage) => {
        const reader = new ByteReader(garbage)
        try {
          for (;;) {
            reader.string()
            reader.varint()
          }
        } catch (error) {
          expect(error).toBeInstanceOf(BytesError)
        }
      }),
    )
  })

  it('hand out a copy, so that later writes do not change it', () => {
    const writer = new ByteWriter().u8(1)
    const first = writer.finish()
    writer.u8(2)
    expect([...first]).toEqual([1])
    expect([...writer.finish()]).toEqual([1, 2])
  })
})

describe('utf8Decode', () => {
  it('refuses invalid UTF-8 instead of replacing it', () => {
    expect(() => utf8Decode(Uint8Array.of(0xff))).toThrow(
      expect.objectContaining({ code: 'BYTES_MALFORMED' }),
    )
  })

  it('keeps a byte order mark', () => {
    expect(utf8Decode(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61))).toBe('\ufeffa')
  })
})

describe('compareBytes', () => {
  it('orders unsigned, a prefix first', () => {
    const sorted = [[], [0], [0, 0], [0, 255], [127], [128], [255]].map((bytes) => Uint8Array.from(bytes))
    fc.assert(
      fc.property(fc.nat({ max: 6 }), fc.nat({ max: 6 }), (i, j) => {
        expect(Math.sign(compareBytes(sorted[i] as Uint8Array, sorted[j] as Uint8Array))).toBe(
          Math.sign(i - j),
        )
      }),
    )
  })
})

describe('text without its length', () => {
  it('is the UTF-8 of it, short or long, ASCII or not, after what was there', () => {
    for (const text of ['', 'abc', 'aé\0€😀', 'x'.repeat(500), `${'x'.repeat(60)}é`]) {
      const bytes = new ByteWriter(1).u8(7).text(text).u8(9).finish()
      expect(bytes).toEqual(Uint8Array.of(7, ...utf8Encode(text), 9))
    }
  })
})

describe('a reader', () => {
  it('reads text of any length and kind back, and refuses what is no UTF-8', () => {
    for (const length of [0, 1, 63, 64, 65, 500]) {
      for (const text of ['a'.repeat(length), `${'a'.repeat(length)}é`, `😀${'a'.repeat(length)}\0`]) {
        const bytes = utf8Encode(text)
        const reader = new ByteReader(Uint8Array.of(1, ...bytes, 2), 1)
        expect(reader.text(bytes.length)).toBe(text)
        expect(reader.u8()).toBe(2)
      }
      const cut = Uint8Array.of(...utf8Encode('a'.repeat(length)), 0xc3)
      expect(() => new ByteReader(cut).text(cut.length)).toThrow(
        expect.objectContaining({ code: 'BYTES_MALFORMED' }),
      )
    }
  })

  it('never reads beyond its end, though the buffer goes on', () => {
    const page = Uint8Array.of(9, 9, 1, 2, 3, 9, 9)
    const reader = new ByteReader(page, 2, 5)
    expect(reader.remaining).toBe(3)
    expect(() => reader.raw(4)).toThrow(expect.objectContaining({ code: 'BYTES_TRUNCATED' }))
    expect(() => reader.text(4)).toThrow(expect.objectContaining({ code: 'BYTES_TRUNCATED' }))
    expect(reader.takes(Uint8Array.of(1, 2, 3, 9))).toBe(false)
    expect([...reader.raw(3)]).toEqual([1, 2, 3])
    expect(() => reader.u8()).toThrow(expect.objectContaining({ code: 'BYTES_TRUNCATED' }))
    expect(new ByteReader(page, 0, 100).remaining).toBe(page.length)
  })

  it('steps over what it expected, and only that', () => {
    const reader = new ByteReader(Uint8Array.of(1, 2, 3))
    expect(reader.takes(Uint8Array.of(1, 3))).toBe(false)
    expect(reader.takes(Uint8Array.of(1, 2))).toBe(true)
    expect(reader.position).toBe(2)
    reader.reset(Uint8Array.of(7, 8), 1)
    expect(reader.u8()).toBe(8)
  })
})
