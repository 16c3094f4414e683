import { describe, expect, it } from 'vitest'
import { KeptEntries } from '../../../src/alerting/kept-entries.ts'
import type { ForeignRecord } from '../../../src/store/core/delta.ts'

function record(versionNs: bigint, expiresAtMs = 60_000): ForeignRecord {
  return { versionNs, expiresAtMs, bytes: new Uint8Array([Number(versionNs)]) }
}

function setup(entriesMax: number, bytesMax = 1000) {
  const time = { nowMs: 0 }
  const clock = { monotonicMs: () => time.nowMs, wallMs: () => time.nowMs }
  const table = new Map<string, ForeignRecord>()
  return { kept: new KeptEntries((key) => table.get(key), clock, { entriesMax, bytesMax }), table, time }
}

describe('an entry that cannot be written', () => {
  it('is read like one that is in the table, where it is newer', () => {
    const { kept, table } = setup(10)
    table.set('k', record(5n))
    expect(kept.keep('k', record(5n))).toBe(false)
    expect(kept.keep('k', record(4n))).toBe(false)
    expect(kept.get('k')).toEqual(record(5n))
    expect(kept.keep('k', record(6n))).toBe(true)
    expect(kept.keep('k', record(6n))).toBe(false)
    expect(kept.get('k')).toEqual(record(6n))
    expect(kept.get('other')).toBeUndefined()
  })

  it('is forgotten as soon as the table has one that is not older', () => {
    const { kept, table } = setup(10)
    kept.keep('k', record(6n))
    table.set('k', record(6n, 70_000))
    expect([kept.get('k'), kept.size]).toEqual([record(6n, 70_000), 0])
  })

  it('is forgotten when it expires', () => {
    const { kept, time } = setup(10)
    kept.keep('k', record(6n))
    time.nowMs = 59_999
    expect(kept.get('k')).toBeDefined()
    time.nowMs = 60_000
    expect([kept.get('k'), kept.size]).toEqual([undefined, 0])
  })

  it('goes when there are more than may be kept, the oldest first', () => {
    const { kept } = setup(2)
    for (const key of ['a', 'b', 'c']) kept.keep(key, record(1n))
    expect(kept.size).toBe(2)
    expect([kept.get('a'), kept.get('c')]).toEqual([undefined, record(1n)])
  })

  it('goes when they take more room than there may be, the oldest first', () => {
    const { kept, table } = setup(10, 3)
    for (const key of ['a', 'b', 'c']) kept.keep(key, record(1n))
    for (let n = 2n; n < 9n; n++) kept.keep('c', record(n))
    expect(kept.size).toBe(3)
    table.set('b', record(1n))
    expect(kept.get('b')).toEqual(record(1n))
    kept.keep('d', record(1n))
    expect(kept.size).toBe(3)
    kept.keep('e', record(1n))
    expect([kept.size, kept.get('a')]).toEqual([3, undefined])
  })
})
