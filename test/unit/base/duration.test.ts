import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatDuration, parseDuration } from '../../../src/base/duration.ts'

describe('durations', () => {
  it.each([
    ['0', 0],
    ['0s', 0],
    ['200ms', 200],
    ['1m', 60_000],
    ['1h30m', 5_400_000],
    ['1.5h', 5_400_000],
    ['120h', 432_000_000],
    ['1d', 86_400_000],
    ['1w', 604_800_000],
    ['1s500ms', 1500],
  ])('reads %s', (text, expectedMs) => {
    expect(parseDuration(text)).toBe(expectedMs)
  })

  it.each(['', '5', '-5s', '5 s', 's', '1h30', '5x', '1e3s', 'five', '1h 5m', '99999999999999999w'])(
    'refuses %j by name',
    (text) => {
      expect(() => parseDuration(text)).toThrow(expect.objectContaining({ code: 'DURATION_MALFORMED' }))
    },
  )

  it('are written in a form that reads back to the same', () => {
    fc.assert(
      fc.property(fc.nat({ max: 1_000_000_000_000 }), (durationMs) => {
        expect(parseDuration(formatDuration(durationMs))).toBe(durationMs)
      }),
    )
  })

  it('are written in the shortest units', () => {
    expect([0, 1500, 5_400_000].map(formatDuration)).toEqual(['0s', '1s500ms', '1h30m'])
  })
})
