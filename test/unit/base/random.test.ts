import { describe, expect, it } from 'vitest'
import { seededRandom, shuffle } from '../../../src/base/random.ts'

describe('seeded random', () => {
  it('repeats itself from the same seed and differs from another', () => {
    const draw = (seed: number): number[] => {
      const random = seededRandom(seed)
      return Array.from({ length: 20 }, () => random.below(1000))
    }
    expect(draw(7)).toEqual(draw(7))
    expect(draw(7)).not.toEqual(draw(8))
  })

  it('spreads evenly over its range', () => {
    const random = seededRandom(1)
    const counts = new Array<number>(10).fill(0)
    for (let i = 0; i < 100_000; i++) {
      const drawn = random.below(10)
      counts[drawn] = (counts[drawn] ?? 0) + 1
    }
    // 5 standard deviations of a fair draw are 474.
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(474)
  })

  it('shuffles to a permutation, each place equally likely', () => {
    const random = seededRandom(2)
    const firsts = [0, 0, 0, 0]
    for (let i = 0; i < 8000; i++) {
      const order = shuffle([0, 1, 2, 3], random)
      expect([...order].sort((a, b) => a - b)).toEqual([0, 1, 2, 3])
      const first = order[0] ?? 0
      firsts[first] = (firsts[first] ?? 0) + 1
    }
    for (const count of firsts) expect(Math.abs(count - 2000)).toBeLessThan(200)
  })
})
