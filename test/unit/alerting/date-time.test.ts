import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatDateTime, parseDateTime } from '../../../src/alerting/core/date-time.ts'
import {
  INSTANT_END_NS,
  instantFromNanos,
  nanosFromInstant,
  nanosFromMs,
  nanosToMsCeil,
  ZERO_TIME_NS,
} from '../../../src/alerting/core/nanos.ts'

describe('date-times', () => {
  it('agree with the host on every millisecond of the years 0 to 9999', () => {
    const range = { min: -62_167_219_200_000, max: 253_402_300_799_999 }
    fc.assert(
      fc.property(fc.integer(range), (ms) => {
        const text = new Date(ms).toISOString()
        expect(formatDateTime(nanosFromMs(ms))).toBe(text)
        expect(parseDateTime(text)).toBe(nanosFromMs(ms))
      }),
      { numRuns: 2000 },
    )
  })

  it('are cut to milliseconds, never rounded, before 1970 as well', () => {
    expect(formatDateTime(999_999_999n)).toBe('1970-01-01T00:00:00.999Z')
    expect(formatDateTime(-1n)).toBe('1969-12-31T23:59:59.999Z')
  })

  it('keep nanoseconds on the way in, and cut what is beyond', () => {
    expect(parseDateTime('1970-01-01T00:00:01.123456789Z')).toBe(1_123_456_789n)
    expect(parseDateTime('1970-01-01T00:00:01.1234567899Z')).toBe(1_123_456_789n)
  })

  it.each([
    ['', 0n],
    ['1970-01-02', 86_400_000_000_000n],
    ['1970-01-01T01:00:00+01:00', 0n],
    ['1970-01-01T01:00:00.000+0100', 0n],
    ['1969-12-31T23:00-', undefined],
    ['1970-01-01T00:00:01', 1_000_000_000n],
    ['1970-01-01T00:01', 60_000_000_000n],
    ['1970-01-01 00:00:01', 1_000_000_000n],
    ['1970-01-01T00:00:00+0100', undefined],
    ['1970-01-01T00:00+01:00', undefined],
    ['1970-01-01 00:00', undefined],
    ['1970-02-29', undefined],
    ['1900-02-29', undefined],
    ['2000-02-29', 951_782_400_000_000_000n],
    ['1970-00-01', undefined],
    ['1970-01-32', undefined],
    ['1970-01-01T24:00:00Z', undefined],
    ['1970-01-01T00:00:00+25:00', undefined],
    ['0001-01-01T00:00:00.000Z', ZERO_TIME_NS],
    ['tomorrow', undefined],
  ])('%j is read as %s', (text, expected) => {
    expect(parseDateTime(text)).toBe(expected)
  })
})

describe('instants', () => {
  it('survive the wire form', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: ZERO_TIME_NS, max: INSTANT_END_NS }), (ns) => {
        const instant = instantFromNanos(ns)
        expect(instant.nanos).toBeGreaterThanOrEqual(0)
        expect(nanosFromInstant(instant)).toBe(ns)
      }),
    )
  })

  it('round up to milliseconds, so that nothing expires early', () => {
    expect([0n, 1n, 1_000_000n, 1_000_001n, -1n].map(nanosToMsCeil)).toEqual([0, 1, 1, 2, 0])
  })
})
