import { describe, expect, it } from 'vitest'
import { seededRandom, shuffle } from '../../../../src/base/random.ts'
import { pickDistinct, Rotation } from '../../../../src/gossip/core/node-selection.ts'

const TEN = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]

describe('random picks', () => {
  it('are distinct and obey the filter', () => {
    const random = seededRandom(7)
    for (let i = 0; i < 200; i++) {
      const picked = pickDistinct(TEN, 3, random, (n) => n % 2 === 0)
      expect(new Set(picked).size).toBe(3)
      expect(picked.every((n) => n % 2 === 0)).toBe(true)
    }
  })

  it('find every candidate of a tiny list', () => {
    const picked = pickDistinct([1, 2, 3], 5, seededRandom(1), (n) => n !== 2)
    expect(picked.sort((a, b) => a - b)).toEqual([1, 3])
    expect(pickDistinct([], 3, seededRandom(1), () => true)).toEqual([])
  })

  it('favour nobody', () => {
    const random = seededRandom(3)
    const counts = TEN.map(() => 0)
    for (let i = 0; i < 10_000; i++) {
      for (const n of pickDistinct(TEN, 2, random, () => true)) counts[n] = (counts[n] ?? 0) + 1
    }
    expect(Math.min(...counts)).toBeGreaterThan(1800)
    expect(Math.max(...counts)).toBeLessThan(2200)
  })
})

describe('rotation', () => {
  it('reaches everyone before anyone twice', () => {
    const rotation = new Rotation<'a'>()
    const turns = [1, 2, 3, 4, 5].flatMap(() => rotation.next('a', TEN, 2, () => true))
    expect(turns).toEqual(TEN)
    expect(rotation.next('a', TEN, 2, () => true)).toEqual([0, 1])
  })

  it('keeps a place for each purpose and survives a shrunken list', () => {
    const rotation = new Rotation<'a' | 'b'>()
    rotation.next('a', TEN, 8, () => true)
    expect(rotation.next('b', TEN, 1, () => true)).toEqual([0])
    expect(rotation.next('a', [5, 6], 3, () => true)).toEqual([5, 6])
  })
})

describe('shuffle', () => {
  it('changes the order and loses nothing', () => {
    const shuffled = shuffle([...TEN], seededRandom(2))
    expect(shuffled).not.toEqual(TEN)
    expect([...shuffled].sort((a, b) => a - b)).toEqual(TEN)
  })
})
