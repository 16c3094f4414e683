/** Which tables a manifest names, on databases that LevelDB made. */
import { readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Level } from 'level'
import { describe, expect, it } from 'vitest'
import { liveTables, tablesOf } from '../../../src/store/live-tables.ts'
import { checkTables } from '../../../src/store/table-check.ts'
import { tempDir } from '../../support/temp-dir.ts'

/** Enough rewriting that tables are made, compacted and deleted again. */
async function rewritten(): Promise<string> {
  const path = tempDir()
  const db = new Level(path, { writeBufferSize: 64 * 1024 })
  await db.open()
  for (let round = 0; round < 6; round++) {
    const batch = db.batch()
    for (let i = 0; i < 2000; i++) batch.put(`key-${i}`, String(i * (round + 7919)).repeat(10))
    await batch.write()
  }
  await db.close()
  return path
}

function tableNumbers(path: string): number[] {
  return readdirSync(path)
    .filter((name) => name.endsWith('.ldb'))
    .map((name) => Number.parseInt(name, 10))
    .sort((a, b) => a - b)
}

describe('the tables of a manifest', () => {
  it('are all that LevelDB needs, after tables were made, moved and deleted', async () => {
    const path = await rewritten()
    const live = await liveTables(path)
    expect(live?.size).toBeGreaterThan(0)
    expect(tableNumbers(path)).toEqual(expect.arrayContaining([...(live ?? [])]))
    for (const number of tableNumbers(path)) {
      if (live?.has(number) === false) rmSync(join(path, `${String(number).padStart(6, '0')}.ldb`))
    }
    const db = new Level(path)
    expect(await db.keys().all()).toHaveLength(2000)
    await db.close()
  })

  it('do not include a table that a compaction left without its end', async () => {
    const path = await rewritten()
    const [first = 0] = (await liveTables(path)) ?? []
    const name = `${String(first).padStart(6, '0')}.ldb`
    const whole = readFileSync(join(path, name))
    writeFileSync(join(path, '999999.ldb'), whole.subarray(0, whole.length >> 1))
    await checkTables(path)
    truncateSync(join(path, name), whole.length >> 1)
    await expect(checkTables(path)).rejects.toThrow(name)
  })

  it('are read from records that go over several blocks', () => {
    const manifest = new Uint8Array(40_000)
    const comparator = Uint8Array.of(1, 0x80, 0x80, 0x02, ...new Uint8Array(32_768))
    const added = Uint8Array.of(7, 0, 42, 100, 0, 0)
    const edit = Uint8Array.of(...comparator, ...added)
    const head = 32_768 - 7
    manifest.set([0, 0, 0, 0, head & 255, head >> 8, 2])
    manifest.set(edit.subarray(0, head), 7)
    const rest = edit.length - head
    manifest.set([0, 0, 0, 0, rest & 255, rest >> 8, 4], 32_768)
    manifest.set(edit.subarray(head), 32_768 + 7)
    expect([...tablesOf(manifest)]).toEqual([42])
  })

  it('are unknown without a manifest, and when it makes no sense', async () => {
    const path = tempDir()
    expect(await liveTables(path)).toBeUndefined()
    writeFileSync(join(path, 'CURRENT'), 'MANIFEST-000001\n')
    expect(await liveTables(path)).toBeUndefined()
    writeFileSync(join(path, 'MANIFEST-000001'), Uint8Array.of(0, 0, 0, 0, 2, 0, 1, 77, 0))
    expect(await liveTables(path)).toBeUndefined()
  })
})
