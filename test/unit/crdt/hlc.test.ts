import { describe, expect, it } from 'vitest'
import { actorId } from '../../../src/base/names.ts'
import {
  CLOCK_START,
  compareStamps,
  formatStamp,
  LOGICAL_MAX,
  observe,
  parseStamp,
  STAMP_MS_MAX,
  type Stamp,
  stampWrite,
  tickLocal,
} from '../../../src/crdt/hlc.ts'

const A = actorId('a'.repeat(32))
const B = actorId('b'.repeat(32))
const stamp = (epoch: number, ms: number, logical: number, actor = A): Stamp => ({
  epoch,
  ms,
  logical,
  actor,
})

describe('a hybrid clock', () => {
  it('follows the wall when the wall is ahead', () => {
    expect(tickLocal({ ms: 5, logical: 9 }, 8.7)).toEqual({ ms: 8, logical: 0 })
  })

  it('counts on when the wall stands still or goes back', () => {
    expect(tickLocal({ ms: 5, logical: 9 }, 5)).toEqual({ ms: 5, logical: 10 })
    expect(tickLocal({ ms: 5, logical: 9 }, 1)).toEqual({ ms: 5, logical: 10 })
  })

  it('goes on in the next ms after 65,536 stamps within one', () => {
    expect(tickLocal({ ms: 5, logical: LOGICAL_MAX }, 5)).toEqual({ ms: 6, logical: 0 })
    expect(LOGICAL_MAX).toBe(65_535)
  })

  it('is not behind what it has seen, and does not go back for it', () => {
    expect(observe({ ms: 5, logical: 9 }, { ms: 5, logical: 10 })).toEqual({ ms: 5, logical: 10 })
    expect(observe({ ms: 5, logical: 9 }, { ms: 4, logical: 99 })).toEqual({ ms: 5, logical: 9 })
  })
})

describe('the stamp of a write', () => {
  it('is the clock when the write replaces nothing or something older', () => {
    expect(stampWrite({ ms: 7, logical: 1 }, A, undefined)).toEqual(stamp(0, 7, 1))
    expect(stampWrite({ ms: 7, logical: 1 }, A, stamp(0, 7, 0, B))).toEqual(stamp(0, 7, 1))
  })

  it('lies above the stamp it overwrites, also one from the far future', () => {
    const poisoned = stamp(0, 4e12, 3, B)
    expect(stampWrite({ ms: 7, logical: 1 }, A, poisoned)).toEqual(stamp(0, 4e12, 4))
    expect(stampWrite({ ms: 7, logical: 1 }, A, stamp(0, 7, 1, B))).toEqual(stamp(0, 7, 2))
    expect(stampWrite(CLOCK_START, A, stamp(0, 9, LOGICAL_MAX, B))).toEqual(stamp(0, 10, 0))
  })

  it('is refused above the last one that the disk can hold', () => {
    const last = stamp(0, STAMP_MS_MAX, LOGICAL_MAX - 1, B)
    expect(stampWrite({ ms: 7, logical: 1 }, A, last)).toEqual(stamp(0, STAMP_MS_MAX, LOGICAL_MAX))
    expect(() => stampWrite({ ms: 7, logical: 1 }, A, { ...last, logical: LOGICAL_MAX })).toThrow(
      'last possible',
    )
  })

  it('keeps the epoch of the entry', () => {
    expect(stampWrite({ ms: 7, logical: 1 }, A, stamp(3, 1, 0, B))).toEqual(stamp(3, 7, 1))
  })
})

describe('stamps', () => {
  it('compare by epoch, then physical, then logical, then actor', () => {
    const ordered = [stamp(0, 1, 1), stamp(0, 1, 1, B), stamp(0, 1, 2), stamp(0, 2, 0), stamp(1, 0, 0)]
    for (const [i, low] of ordered.entries()) {
      for (const high of ordered.slice(i + 1)) {
        expect(compareStamps(low, high)).toBeLessThan(0)
        expect(compareStamps(high, low)).toBeGreaterThan(0)
      }
      expect(compareStamps(low, { ...low })).toBe(0)
    }
  })

  it('have one text form, which reads back', () => {
    const text = `1.1700000000000.65535.${B}`
    expect(formatStamp(parseStamp(text))).toBe(text)
  })

  it.each([
    '',
    '0.1.2',
    `0.1.65536.${A}`,
    `00.1.2.${A}`,
    `0.-1.2.${A}`,
    `0.9999999999999999.0.${A}`,
    `0.1.2.${A}x`,
  ])('are not read from %j', (text) => {
    expect(() => parseStamp(text)).toThrow(expect.objectContaining({ code: 'STAMP_MALFORMED' }))
  })
})
