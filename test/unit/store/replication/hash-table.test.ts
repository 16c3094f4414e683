/** The table of a peer's hashes: what it holds, and that no choice of hashes makes it slow. */
import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../../../src/base/random.ts'
import {
  ABSENT,
  CONTESTED,
  HashTable,
  LISTED,
  MATCHED,
} from '../../../../src/store/replication/hash-table.ts'

describe('a table of hashes', () => {
  it('holds what was added, under its mark, and nothing else', () => {
    const random = seededRandom(1)
    const table = new HashTable()
    const added = Array.from(
      { length: 5000 },
      () => [random.below(2 ** 32 - 1), random.below(2 ** 32 - 1)] as const,
    )
    for (const [hi, lo] of added) expect(table.add(hi, lo, LISTED)).toBe(true)
    for (const [hi, lo] of added) table.add(hi, lo, LISTED)
    expect(table.size).toBe(5000)
    for (const [i, [hi, lo]] of added.entries()) if (i % 2 === 0) table.setMark(hi, lo, MATCHED)
    for (const [i, [hi, lo]] of added.entries()) {
      expect(table.mark(hi, lo)).toBe(i % 2 === 0 ? MATCHED : LISTED)
      expect(table.mark(hi, (lo ^ 1) >>> 0)).toBe(ABSENT)
    }
    expect([...table.withMark(LISTED)]).toHaveLength(2500)
  })

  it('finds all that bear one name, and contests only those that were not met', () => {
    const table = new HashTable()
    table.add(7, 1, LISTED)
    table.add(7, 2, MATCHED)
    table.add(8, 3, LISTED)
    expect(table.contest(7)).toBe(true)
    expect(table.contest(9)).toBe(false)
    expect([table.mark(7, 1), table.mark(7, 2), table.mark(8, 3)]).toEqual([CONTESTED, MATCHED, LISTED])
  })

  it('keeps hashes of one bucket apart as well as any', () => {
    const table = new HashTable()
    for (let i = 0; i < 100_000; i++) expect(table.add((i * 1024) >>> 0, i, LISTED)).toBe(true)
  })

  it('gives up on hashes that all want one place', () => {
    const table = new HashTable()
    let added = 0
    while (table.add(7, added, LISTED)) added++
    expect(added).toBeLessThanOrEqual(1025)
    expect(table.mark(7, 5)).toBe(LISTED)
  })
})
