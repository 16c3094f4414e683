import { describe, expect, it } from 'vitest'
import { Histogram } from '../../../src/base/histogram.ts'

describe('a histogram', () => {
  it('counts each observation in its bucket and all above', () => {
    const histogram = new Histogram([1, 5, 10])
    for (const value of [0, 1, 1.5, 5, 11]) histogram.observe(value)
    expect(histogram.cumulative()).toEqual([2, 4, 4])
    expect(histogram.count).toBe(5)
    expect(histogram.sum).toBe(18.5)
  })

  it('counts one observation for many when told so', () => {
    const histogram = new Histogram([1])
    histogram.observe(0.5, 64)
    histogram.observe(2, 64)
    expect(histogram.cumulative()).toEqual([64])
    expect([histogram.count, histogram.sum]).toEqual([128, 160])
  })

  it('takes only bounds that ascend', () => {
    expect(() => new Histogram([])).toThrow()
    expect(() => new Histogram([1, 1])).toThrow()
    expect(() => new Histogram([2, 1])).toThrow()
  })
})
