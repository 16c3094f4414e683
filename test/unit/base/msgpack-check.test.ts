import { encode } from '@msgpack/msgpack'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { msgpackFault } from '../../../src/base/msgpack-check.ts'

const json = fc.jsonValue({ maxDepth: 5 })

describe('the check of MessagePack', () => {
  it('passes what another encoder writes, and nothing that is a byte short or long', () => {
    fc.assert(
      fc.property(json, fc.nat(), (value, cut) => {
        const bytes = encode(value)
        expect(msgpackFault(bytes, 64)).toBeUndefined()
        expect(msgpackFault(bytes.subarray(0, cut % bytes.length), 64)).toBe('it ends early')
        expect(msgpackFault(Uint8Array.of(...bytes, 0xc0), 64)).toBe('something follows it')
      }),
    )
  })

  it('passes every size of head: strings, binary, arrays and maps of 1, 300 and 70,000', () => {
    for (const size of [1, 300, 70_000]) {
      const values = ['x'.repeat(size), new Uint8Array(size), new Array<number>(size).fill(1)]
      const map = Object.fromEntries(Array.from({ length: size }, (_, n) => [`k${n}`, n]))
      for (const value of [...values, map]) expect(msgpackFault(encode(value), 64)).toBeUndefined()
    }
  })

  it('passes timestamps of each size, and no other extension', () => {
    for (const date of [new Date(1e12), new Date(1e12 + 1), new Date(-1), new Date(8.64e15)]) {
      expect(msgpackFault(encode([date]), 64)).toBeUndefined()
    }
    expect(msgpackFault(Uint8Array.of(0xd4, 0, 0), 64)).toBeUndefined()
    for (const extension of [
      [0xd4, 0x78, 0],
      [0xd6, 1, 0, 0, 0, 0],
      [0xc7, 11, 0xff],
      [0xc7, 12, 1],
      [0xc1],
    ]) {
      expect(msgpackFault(Uint8Array.of(...extension, ...new Array<number>(20)), 64)).toMatch(
        'a type that no value has',
      )
    }
  })

  it('costs nothing for what is only announced', () => {
    const bombs = [
      [0xdd, 0xff, 0xff, 0xff, 0xff],
      [0xdf, 0xff, 0xff, 0xff, 0xff],
      [0xdb, 0xff, 0xff, 0xff, 0xff],
    ]
    for (const bomb of bombs) expect(msgpackFault(Uint8Array.from(bomb), 64)).toBe('it ends early')
    const deep = new Uint8Array(1_000_000).fill(0x91)
    expect(msgpackFault(deep, 64)).toBe('it is nested deeper than 64')
    expect(msgpackFault(Uint8Array.of(0x91, 0x91, 1), 2)).toBeUndefined()
    expect(msgpackFault(Uint8Array.of(0x91, 0x91, 1), 1)).toBe('it is nested deeper than 1')
  })
})
