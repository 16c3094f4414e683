import { describe, expect, it } from 'vitest'
import { InvariantError } from '../../../src/base/assert.ts'
import { actorId } from '../../../src/base/names.ts'
import { seededRandom, shuffle } from '../../../src/base/random.ts'
import { CausalContext } from '../../../src/crdt/context.ts'

const A = actorId('a'.repeat(32))
const B = actorId('b'.repeat(32))

function contextOf(...numbers: readonly number[]): CausalContext {
  const context = new CausalContext()
  context.addAll(numbers.map((n) => ({ actor: A, n })))
  return context
}

describe('a causal context', () => {
  it('holds an unbroken run as one number', () => {
    const context = contextOf(1, 2, 3)
    expect(context.intervals(A)).toEqual([{ first: 1, last: 3 }])
    expect([context.upTo(A), context.maxOf(A), context.holes]).toEqual([3, 3, 0])
  })

  it('keeps what lies above a gap apart until the gap closes', () => {
    const context = contextOf(1, 2, 5, 6, 4)
    expect(context.intervals(A)).toEqual([
      { first: 1, last: 2 },
      { first: 4, last: 6 },
    ])
    expect([context.upTo(A), context.maxOf(A), context.holes]).toEqual([2, 6, 1])
    expect(context.has({ actor: A, n: 3 })).toBe(false)
    expect(context.add({ actor: A, n: 3 })).toBe(true)
    expect(context.intervals(A)).toEqual([{ first: 1, last: 6 }])
    expect(context.holes).toBe(0)
  })

  it('says whether a dot was new', () => {
    const context = contextOf(1, 4)
    expect(context.add({ actor: A, n: 1 })).toBe(false)
    expect(context.add({ actor: A, n: 4 })).toBe(false)
    expect(context.add({ actor: B, n: 1 })).toBe(true)
  })

  it('has one form for a set of dots, whatever the order they came in', () => {
    const random = seededRandom(7)
    for (let round = 0; round < 200; round++) {
      const numbers = Array.from({ length: random.below(30) }, () => 1 + random.below(30))
      const one = contextOf(...numbers)
      const other = contextOf(...shuffle([...numbers], random))
      expect(other.equals(one)).toBe(true)
      expect(other.intervals(A)).toEqual(one.intervals(A))
      for (let n = 1; n <= 31; n++) expect(one.has({ actor: A, n })).toBe(numbers.includes(n))
      expect(one.holes).toBe(one.intervals(A).filter(({ first }) => first > 1).length)
    }
  })

  it('takes in an interval that overlaps, touches and spans others', () => {
    const context = contextOf(1, 5, 6, 9, 12)
    context.addInterval(A, { first: 4, last: 10 })
    expect(context.intervals(A)).toEqual([
      { first: 1, last: 1 },
      { first: 4, last: 10 },
      { first: 12, last: 12 },
    ])
    context.addInterval(A, { first: 2, last: 11 })
    expect(context.intervals(A)).toEqual([{ first: 1, last: 12 }])
    context.addInterval(A, { first: 3, last: 5 })
    expect(context.intervals(A)).toEqual([{ first: 1, last: 12 }])
  })

  it('shares nothing with its clone', () => {
    const context = contextOf(1, 5)
    const clone = context.clone()
    clone.addInterval(A, { first: 2, last: 9 })
    expect(context.intervals(A)).toHaveLength(2)
    expect([context.holes, clone.holes]).toEqual([1, 0])
  })

  it('includes another one only when nothing of it is missing', () => {
    expect(contextOf(1, 2, 3, 5).includes(contextOf(2, 5))).toBe(true)
    expect(contextOf(1, 2, 3, 5).includes(contextOf(4))).toBe(false)
    expect(contextOf(1, 2).includes(contextOf(2, 3))).toBe(false)
    expect(new CausalContext().includes(contextOf(1))).toBe(false)
    expect(contextOf(1).equals(contextOf(2))).toBe(false)
  })

  it('lists actors sorted, and none of whom nothing was seen', () => {
    const context = new CausalContext()
    context.has({ actor: A, n: 1 })
    context.add({ actor: B, n: 2 })
    context.add({ actor: A, n: 1 })
    expect(context.actors()).toEqual([A, B])
    expect([context.actorCount, context.upTo(B), context.maxOf(B)]).toEqual([2, 0, 2])
  })

  it('foresees whether a dot would open a gap', () => {
    const context = contextOf(1, 2, 5)
    const opens = (n: number): boolean => context.wouldOpenHole({ actor: A, n })
    expect([1, 3, 4, 5, 6, 8].map(opens)).toEqual([false, false, false, false, false, true])
    expect(context.wouldOpenHole({ actor: B, n: 1 })).toBe(false)
    expect(context.wouldOpenHole({ actor: B, n: 2 })).toBe(true)
  })

  it('refuses numbers that no actor gives', () => {
    const context = new CausalContext()
    expect(() => context.add({ actor: A, n: 0 })).toThrow(InvariantError)
    expect(() => context.addInterval(A, { first: 0, last: 1 })).toThrow(InvariantError)
    expect(() => context.addInterval(A, { first: 3, last: 2 })).toThrow(InvariantError)
    expect(() => context.addInterval(A, { first: 1, last: 2 ** 53 })).toThrow(InvariantError)
  })
})
