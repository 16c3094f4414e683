import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { lzwDecode } from '../../../../src/gossip/wire/lzw-decoder.ts'
import { lzwEncode } from '../../../../src/gossip/wire/lzw-encoder.ts'
import { ascii, fromHex, toHex } from './hex.ts'

const MEGABYTE = 1024 * 1024

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** xorshift32 of seed 1, low bytes. */
function noise(length: number, mask: number): Uint8Array {
  let x = 1
  return Uint8Array.from({ length }, () => {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    return x & mask
  })
}

/** Writes the codes given, at the widths given: for streams no encoder makes. */
function pack(codes: readonly (readonly [code: number, width: number])[]): Uint8Array {
  const bits = codes.flatMap(([code, width]) => Array.from({ length: width }, (_, i) => (code >>> i) & 1))
  return Uint8Array.from({ length: Math.ceil(bits.length / 8) }, (_, byte) =>
    bits.slice(byte * 8, byte * 8 + 8).reduce((sum, bit, i) => sum | (bit << i), 0),
  )
}

describe('LZW', () => {
  it.each([
    ['', '000302'],
    ['A', '00830404'],
    ['testing', '00e9949943278d9b330101'],
    ['aaaaaaaa', '00c3081c283020'],
  ])('makes Go bytes of %j', (text, hex) => {
    expect(toHex(lzwEncode(ascii(text)))).toBe(hex)
    expect(lzwDecode(fromHex(hex), 1000)).toEqual(ascii(text))
  })

  it('widens its codes where Go does', () => {
    const zeros = lzwEncode(new Uint8Array(1000))
    expect(zeros.length).toBe(53)
    expect(toHex(zeros.subarray(-5))).toBe('5cc9526140')
    const rising = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i)
    expect([254, 255, 256].map((length) => lzwEncode(rising(length)).length)).toEqual([288, 290, 291])
  })

  it.each([
    [255, 136_770, '6703edba7215e5e72919dd1c4052c1108c382d0fa76134d1d1df44b68d654765'],
    [3, 29_878, '7fd8cad461d36be767f8ebb10b10d9ec9c5c96f8ae27a321298462b3796a90f4'],
  ])('clears its table where Go does (mask %i)', (mask, length, hash) => {
    const plain = noise(100_000, mask)
    const packed = lzwEncode(plain)
    expect(packed.length).toBe(length)
    expect(sha256(packed)).toBe(hash)
    expect(sha256(lzwDecode(packed, MEGABYTE) as Uint8Array)).toBe(sha256(plain))
  })

  it('gives every input back', () => {
    const skewed = fc
      .array(fc.constantFrom(0, 0, 0, 1, 255), { maxLength: 2000 })
      .map((a) => Uint8Array.from(a))
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 2000 }), skewed), (plain) => {
        expect(lzwDecode(lzwEncode(plain), 2000)).toEqual(plain)
      }),
    )
    for (const length of [3838, 3839, 3840, 7677, 20_000])
      for (const mask of [0, 1, 15, 255]) {
        const plain = noise(length, mask)
        expect(sha256(lzwDecode(lzwEncode(plain), length) as Uint8Array)).toBe(sha256(plain))
      }
  })

  it('copies long runs whole', () => {
    const plain = Uint8Array.from({ length: 20_000 }, (_, i) => 1 + (i >> 12))
    expect(lzwDecode(lzwEncode(plain), plain.length)).toEqual(plain)
  })

  it('ends as Go does when the last code fills the table', () => {
    // 3,838 codes after a clear reach 4,095. No pair of neighbours comes twice, so every byte is a code of its own.
    let x = 0
    const plain = Uint8Array.from({ length: 3838 }, (_, i) => {
      x = (x + 2 * (i >> 8) + 1) & 255
      return x
    })
    const width = (sent: number): number => 32 - Math.clz32(257 + sent)
    const literals = Array.from(plain, (byte, i) => [byte, width(i)] as const)
    expect(lzwEncode(plain)).toEqual(pack([[256, 9], ...literals, [256, 12], [257, 9]]))
  })

  it('holds its output bound to the byte', () => {
    const packed = lzwEncode(new Uint8Array(5000))
    expect(lzwDecode(packed, 5000)).toHaveLength(5000)
    expect(lzwDecode(packed, 4999)).toBe('too-large')
  })

  it('does without a leading clear and ignores bytes behind the end', () => {
    expect(
      lzwDecode(
        pack([
          [65, 9],
          [257, 9],
        ]),
        10,
      ),
    ).toEqual(ascii('A'))
    expect(lzwDecode(fromHex('00830404 ffff'), 10)).toEqual(ascii('A'))
  })

  it('refuses data without an end, even if all of it came out', () => {
    const packed = lzwEncode(ascii('testing'))
    for (let length = 0; length < packed.length - 1; length++)
      expect(lzwDecode(packed.subarray(0, length), 100), String(length)).toBe('lzw-malformed')
  })

  it('refuses codes that are not defined yet', () => {
    expect(
      lzwDecode(
        pack([
          [256, 9],
          [258, 9],
          [257, 9],
        ]),
        10,
      ),
    ).toBe('lzw-malformed')
    expect(
      lzwDecode(
        pack([
          [256, 9],
          [65, 9],
          [259, 9],
          [257, 9],
        ]),
        10,
      ),
    ).toBe('lzw-malformed')
    expect(
      lzwDecode(
        pack([
          [256, 9],
          [65, 9],
          [258, 9],
          [257, 9],
        ]),
        10,
      ),
    ).toEqual(ascii('AAA'))
    expect(
      lzwDecode(
        pack([
          [65, 9],
          [256, 9],
          [258, 9],
          [257, 9],
        ]),
        10,
      ),
    ).toBe('lzw-malformed')
  })

  it('goes on at 12 bits with a full table, as Go does', () => {
    const width = (written: number): number => Math.min(12, 32 - Math.clz32(Math.max(257 + written, 256)))
    const codes: [number, number][] = Array.from({ length: 4000 }, (_, i) => [i % 256, width(i)])
    codes.push([4095, 12], [258, 12], [4095, 12], [257, 12])
    const plain = lzwDecode(pack(codes), MEGABYTE) as Uint8Array
    expect(plain).toHaveLength(4006)
    // 4095 was defined by the 3,838th literal and its successor.
    expect(Array.from(plain.subarray(4000))).toEqual([253, 254, 0, 1, 253, 254])
  })
})
