import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CausalContext } from '../../../../src/crdt/context.ts'
import { DotBag } from '../../../../src/store/core/dot-bag.ts'
import { A, B, dot } from './fixtures.ts'

const dots = fc.array(fc.record({ actor: fc.constantFrom(A, B), n: fc.integer({ min: 1, max: 60 }) }), {
  maxLength: 80,
})

describe('a bag of dots', () => {
  it('adds the same as each dot by itself, whatever the context has seen', () => {
    fc.assert(
      fc.property(dots, dots, (before, gathered) => {
        const expected = new CausalContext()
        expected.addAll([...before, ...gathered])
        const context = new CausalContext()
        context.addAll(before)
        const bag = new DotBag()
        for (const each of gathered) bag.add(each)
        bag.addTo(context)
        expect(context.equals(expected)).toBe(true)
      }),
    )
  })

  it('holds numbers up to the largest', () => {
    const bag = new DotBag()
    bag.add(dot(Number.MAX_SAFE_INTEGER))
    bag.add(dot(2 ** 33))
    const context = new CausalContext()
    bag.addTo(context)
    expect(context.intervals(A)).toEqual([
      { first: 2 ** 33, last: 2 ** 33 },
      { first: Number.MAX_SAFE_INTEGER, last: Number.MAX_SAFE_INTEGER },
    ])
  })
})
