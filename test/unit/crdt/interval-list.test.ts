import { describe, expect, it } from 'vitest'
import { seededRandom, shuffle } from '../../../src/base/random.ts'
import { type Interval, IntervalList } from '../../../src/crdt/interval-list.ts'

function intervalsOf(numbers: ReadonlySet<number>): Interval[] {
  const intervals: { first: number; last: number }[] = []
  for (const n of [...numbers].sort((a, b) => a - b)) {
    const open = intervals.at(-1)
    if (open?.last === n - 1) open.last = n
    else intervals.push({ first: n, last: n })
  }
  return intervals
}

describe('a list of intervals', () => {
  it('holds what a set of numbers holds, over chunk borders too', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const random = seededRandom(seed)
      const list = new IntervalList()
      const numbers = new Set<number>()
      for (let step = 0; step < 1500; step++) {
        // Mostly single numbers, so that it grows to many chunks; now and then an interval that swallows some.
        const first = 1 + random.below(8000)
        const last = first + (random.below(300) === 0 ? random.below(2500) : 0)
        list.add({ first, last })
        for (let n = first; n <= last; n++) numbers.add(n)
        if (random.below(100) === 0 && list.first !== undefined) {
          for (let n = list.first.first; n <= list.first.last; n++) numbers.delete(n)
          list.shift()
        }
      }
      const expected = intervalsOf(numbers)
      expect([...list], `seed ${seed}`).toEqual(expected)
      expect([list.size, list.first, list.last]).toEqual([expected.length, expected[0], expected.at(-1)])
      for (let n = 0; n <= 10_600; n += 13) {
        expect(list.reaching(n)).toEqual(expected.find(({ last }) => last >= n))
      }
      expect([...list.clone()]).toEqual(expected)
    }
  })

  it('is empty after all of it was shifted out', () => {
    const list = new IntervalList()
    for (let n = 2; n <= 2000; n += 2) list.add({ first: n, last: n })
    for (let i = 0; i < 1001; i++) list.shift()
    expect([list.size, list.first, [...list]]).toEqual([0, undefined, []])
  })

  it('folds into one interval when everything has come, in any order', () => {
    const list = new IntervalList()
    const numbers = shuffle(
      Array.from({ length: 20_000 }, (_, i) => i + 1),
      seededRandom(1),
    )
    for (const n of numbers) list.add({ first: n, last: n })
    expect([...list]).toEqual([{ first: 1, last: 20_000 }])
  })
})
