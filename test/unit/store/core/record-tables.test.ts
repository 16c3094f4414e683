import { describe, expect, it } from 'vitest'
import type { ForeignRecord } from '../../../../src/store/core/delta.ts'
import { RecordTables } from '../../../../src/store/core/record-tables.ts'
import { NOW_MS, record } from './fixtures.ts'

function joins(tables: RecordTables, next: ForeignRecord): boolean {
  return tables.join({ table: 't', key: 'k', record: next })
}

describe('foreign records', () => {
  it('let the larger version win, then the larger bytes, whatever came first', () => {
    const [low, tieLow, tieHigh] = [record(1n, 'z'), record(2n, 'a'), record(2n, 'b')]
    for (const order of [
      [low, tieLow, tieHigh],
      [tieHigh, tieLow, low],
      [tieLow, tieHigh, low],
    ]) {
      const tables = new RecordTables()
      for (const next of order) joins(tables, next)
      expect(tables.held('t', 'k')).toEqual(tieHigh)
    }
  })

  it('are not taken in again when expired at the last sweep', () => {
    const tables = new RecordTables()
    tables.sweep(NOW_MS, 1, () => undefined)
    expect(joins(tables, record(9n, 'a', NOW_MS - 1))).toBe(false)
    expect(joins(tables, record(9n, 'a', NOW_MS))).toBe(true)
  })

  it('go when a sweep finds them expired, in bounded parts', () => {
    const tables = new RecordTables()
    for (let i = 0; i < 10; i++) {
      tables.join({ table: 't', key: `k${i}`, record: record(1n, 'r', i < 7 ? NOW_MS : NOW_MS + 1) })
    }
    const gone: string[] = []
    const parts = [0, 1, 2].map(() => tables.sweep(NOW_MS + 1, 4, (_table, key) => gone.push(key)))
    expect([parts, gone.length, tables.size]).toEqual([[4, 4, 2], 7, 3])
    expect(tables.sweep(NOW_MS + 1, 4, (_table, key) => gone.push(key))).toBe(0)
    expect(tables.sweep(NOW_MS + 2, 4, (_table, key) => gone.push(key))).toBe(3)
    expect([gone.length, tables.size]).toEqual([10, 0])
  })

  it.each([Number.NaN, Number.POSITIVE_INFINITY, NOW_MS + 0.5, 2 ** 53])(
    'with an expiry of %d ms are refused',
    (expiresAtMs) => {
      expect(joins(new RecordTables(), record(1n, 'a', expiresAtMs))).toBe(false)
    },
  )

  it('with a version beyond 64 bits are refused', () => {
    expect(joins(new RecordTables(), record(2n ** 63n, 'a'))).toBe(false)
    expect(joins(new RecordTables(), record(2n ** 63n - 1n, 'a'))).toBe(true)
    expect(joins(new RecordTables(), record(-(2n ** 63n), 'a'))).toBe(true)
  })
})
