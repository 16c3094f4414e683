/** The checks of LevelDB's tables, on tables that LevelDB made. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Level } from 'level'
import { beforeAll, describe, expect, it } from 'vitest'
import { crc32c } from '../../../src/store/crc32c.ts'
import { unpackSnappy } from '../../../src/store/snappy.ts'
import { checkTables, tableFault } from '../../../src/store/table-check.ts'
import { tempDir } from '../../support/temp-dir.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

/** A database whose pairs are in tables, each of `count` pairs. */
async function tables(count: number, value: (i: number) => string): Promise<Uint8Array[]> {
  const path = mkdtempSync(join(tmpdir(), 'hearsay-test-'))
  const db = new Level(path)
  for (let i = 0; i < count; i++) await db.put(`key-${String(i).padStart(6, '0')}`, value(i))
  await db.close()
  await db.open()
  await db.close()
  await checkTables(path)
  const names = readdirSync(path).filter((name) => name.endsWith('.ldb'))
  const made = names.map((name) => new Uint8Array(readFileSync(join(path, name))))
  rmSync(path, { recursive: true })
  return made
}

describe('the check of a table', () => {
  let table: Uint8Array = new Uint8Array()

  beforeAll(async () => {
    // Compressible and not, so that blocks of both kinds are met; the index is long enough to be compressed.
    const [first] = await tables(600, (i) => (i % 2 ? 'x'.repeat(100) : String(i * 7919).repeat(10)))
    table = first ?? table
  })

  it('finds nothing wrong with what LevelDB wrote', () => {
    expect(table.length).toBeGreaterThan(10_000)
    expect(tableFault(table)).toBeUndefined()
  })

  it('finds a flipped bit in every byte but the padding of the footer', () => {
    const missed: number[] = []
    for (let at = 0; at < table.length; at++) {
      const spoilt = table.slice()
      spoilt[at] = (spoilt[at] ?? 0) ^ (1 << (at % 8))
      if (tableFault(spoilt) === undefined) missed.push(at)
    }
    expect(missed.length).toBeLessThan(48 - 8)
    expect(missed.filter((at) => at < table.length - 48 || at >= table.length - 8)).toEqual([])
  })

  it('finds that it was cut, wherever', () => {
    for (let length = 0; length < table.length; length += 97) {
      expect(tableFault(table.subarray(0, length)), String(length)).toBeDefined()
    }
  })

  it('has nothing to say where there is no database yet', async () => {
    await checkTables(join(tempDir(), 'absent'))
  })
})

describe('CRC-32C', () => {
  it('is the one of RFC 3720', () => {
    expect(crc32c(bytes('123456789'))).toBe(0xe3069283)
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa)
    expect(crc32c(new Uint8Array(32).fill(255))).toBe(0x62a8ab43)
  })

  it('takes a part of an array, of any length', () => {
    const all = bytes('..the quick brown fox..')
    for (let length = 0; length < 20; length++) {
      expect(crc32c(all, 2, 2 + length)).toBe(crc32c(all.slice(2, 2 + length)))
    }
  })
})

describe('Snappy', () => {
  it('unpacks literals and copies, also ones that overlap', () => {
    // 10 bytes: "ab" as a literal, then 8 bytes from 2 back.
    expect(unpackSnappy(Uint8Array.of(10, 1 << 2, 97, 98, ((8 - 4) << 2) | 1, 2), 100)).toEqual(
      bytes('ababababab'),
    )
    expect(unpackSnappy(Uint8Array.of(4, 1 << 2, 97, 98, (1 << 2) | 2, 2, 0), 100)).toEqual(bytes('abab'))
  })

  it('refuses what is too long, too short, or points outside', () => {
    for (const packed of [[200, 1], [3, 0, 97], [1, 4, 97, 98], [5, 0, 97, 1, 9], [5, 0, 97, 1, 0], [9]]) {
      expect(() => unpackSnappy(Uint8Array.from(packed), 100)).toThrow(/BYTES|Snappy|ended|unpacked/)
    }
  })
})
