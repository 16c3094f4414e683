import { describe, expect, it } from 'vitest'
import { LineRation } from '../../../src/base/line-ration.ts'

describe('a line that may be repeated once a minute', () => {
  it('comes at once, then after a minute with how many were left out, each name for itself', () => {
    const ration = new LineRation(60_000)
    expect(ration.take('a', 0)).toBe(0)
    expect([1, 2, 59_999].map((atMs) => ration.take('a', atMs))).toEqual([undefined, undefined, undefined])
    expect(ration.take('b', 3)).toBe(0)
    expect(ration.take('a', 60_000)).toBe(3)
    expect(ration.take('a', 60_001)).toBeUndefined()
    expect(ration.take('a', 180_000)).toBe(1)
  })
})
