import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Heap } from '../../../src/base/heap.ts'

describe('heap', () => {
  it('gives items back by time, and by insertion among equal times', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 9 })), (times) => {
        const heap = new Heap<number>()
        times.forEach((at, index) => {
          heap.push(at, index)
        })
        const popped: { at: number; value: number }[] = []
        for (let item = heap.pop(); item !== undefined; item = heap.pop())
          popped.push({ at: item.at, value: item.value })
        const expected = times
          .map((at, value) => ({ at, value }))
          .sort((a, b) => a.at - b.at || a.value - b.value)
        expect(popped).toEqual(expected)
      }),
    )
  })

  it('shows the earliest time without taking it', () => {
    const heap = new Heap<string>()
    expect(heap.peekAt()).toBeUndefined()
    heap.push(7, 'late')
    heap.push(3, 'early')
    expect(heap.peekAt()).toBe(3)
    expect(heap.size).toBe(2)
  })
})
