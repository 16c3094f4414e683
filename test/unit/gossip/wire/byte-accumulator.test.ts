import { describe, expect, it } from 'vitest'
import { ByteAccumulator } from '../../../../src/gossip/wire/byte-accumulator.ts'

describe('byte accumulator', () => {
  it('keeps the order of what was pushed and not consumed', () => {
    const input = new ByteAccumulator()
    let pushed = 0
    let consumed = 0
    for (let round = 1; round < 200; round++) {
      input.push(Uint8Array.from({ length: round % 7 }, () => pushed++ & 255))
      const take = Math.min(input.length, round % 5)
      expect(Array.from(input.bytes.subarray(input.start, input.start + take))).toEqual(
        Array.from({ length: take }, (_, i) => (consumed + i) & 255),
      )
      input.consume(take)
      consumed += take
      expect(input.length).toBe(pushed - consumed)
    }
  })

  it('moves to a larger array a logarithmic number of times', () => {
    const input = new ByteAccumulator()
    const arrays = new Set<Uint8Array>()
    for (let i = 0; i < 10_000; i++) {
      input.push(Uint8Array.of(i))
      arrays.add(input.bytes)
    }
    expect(arrays.size).toBeLessThan(20)
  })

  it('uses the space of consumed bytes again', () => {
    const input = new ByteAccumulator()
    for (let i = 0; i < 10_000; i++) {
      input.push(new Uint8Array(100))
      input.consume(100)
    }
    expect(input.bytes.length).toBeLessThan(1000)
  })

  it('of a reserved size is one array, and gives all of it as a view', () => {
    const input = new ByteAccumulator()
    input.push(Uint8Array.of(9, 1, 2))
    input.consume(1)
    input.reserve(2_000_000)
    const { bytes } = input
    for (let i = 0; i < 1_999_998; i++) input.push(Uint8Array.of(7))
    expect([input.bytes === bytes, input.capacity]).toEqual([true, 2_000_000])
    const taken = input.take(2_000_000)
    expect([taken.length, taken[0], taken[1_999_999], taken.buffer === bytes.buffer]).toEqual([
      2_000_000,
      1,
      7,
      true,
    ])
  })

  it('gives a small part of it as a copy', () => {
    const input = new ByteAccumulator()
    input.push(new Uint8Array(50_000))
    expect(input.take(5000).buffer.byteLength).toBe(5000)
    expect(input.length).toBe(45_000)
  })
})
