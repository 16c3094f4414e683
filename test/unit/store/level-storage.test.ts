/** LevelDB's sharp edges: what must be refused before LevelDB gets to see it, and that nothing is touched then. */
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { LevelStorage } from '../../../src/store/level-storage.ts'
import { RecordStorage } from '../../../src/store/record-storage.ts'
import { allPairs } from '../../contract/storage.contract.ts'
import { tempDir } from '../../support/temp-dir.ts'

/** Names and content of a directory in one value. */
function fingerprint(path: string): string[] {
  return readdirSync(path).map((name) => {
    const hash = createHash('sha256')
      .update(readFileSync(join(path, name)))
      .digest('hex')
    return `${name} ${hash}`
  })
}

async function filledDatabase(): Promise<string> {
  const path = join(tempDir(), 'db')
  const storage = new LevelStorage(path)
  await storage.open()
  await storage.write([{ type: 'put', key: Uint8Array.of(1), value: Uint8Array.of(1) }])
  await storage.close()
  return path
}

/** Found when it is opened again: LevelDB writes what its log holds into a table then. */
async function databaseWithTable(): Promise<string> {
  const path = await filledDatabase()
  const storage = new LevelStorage(path)
  await storage.open()
  await storage.write([{ type: 'put', key: Uint8Array.of(2), value: new Uint8Array(5_000_000) }])
  await storage.close()
  const again = new LevelStorage(path)
  await again.open()
  await again.close()
  return path
}

describe('level storage', () => {
  it('makes its directory private to its user', async () => {
    const path = await filledDatabase()
    expect(statSync(path).mode & 0o777).toBe(0o700)
  })

  it('refuses a database without CURRENT and leaves every file as it was', async () => {
    const path = await filledDatabase()
    rmSync(join(path, 'CURRENT'))
    const before = fingerprint(path)
    await expect(new LevelStorage(path).open()).rejects.toMatchObject({ code: 'STORE_DAMAGED' })
    expect(fingerprint(path)).toEqual(before)
  })

  it('starts anew where a creation was cut short before anything could be written', async () => {
    const path = join(tempDir(), 'db')
    mkdirSync(path)
    for (const name of ['LOCK', 'LOG', 'MANIFEST-000001', '000001.dbtmp', '000003.log']) {
      writeFileSync(join(path, name), '')
    }
    const storage = new LevelStorage(path)
    await storage.open()
    expect(await allPairs(storage)).toEqual([])
    await storage.close()
  })

  it('refuses a directory that holds anything else, naming it', async () => {
    const path = join(tempDir(), 'db')
    mkdirSync(path)
    writeFileSync(join(path, 'thesis.tex'), 'do not lose')
    const opening = new LevelStorage(path).open()
    await expect(opening).rejects.toMatchObject({
      code: 'STORE_NOT_OURS',
      message: expect.stringContaining('thesis.tex'),
    })
    expect(readdirSync(path)).toEqual(['thesis.tex'])
  })

  it('calls a path it cannot use unreadable', async () => {
    const file = join(tempDir(), 'file')
    writeFileSync(file, '')
    await expect(new LevelStorage(file).open()).rejects.toMatchObject({ code: 'STORE_UNREADABLE' })
    await expect(new LevelStorage(join(file, 'db')).open()).rejects.toMatchObject({
      code: 'STORE_UNREADABLE',
    })
  })

  it('gives up on a place where no directory can be made, instead of trying for ever', async () => {
    // procfs answers ENOENT to mkdir under a directory that exists; Node's recursive mkdir then spins.
    await expect(new LevelStorage('/proc/hearsay/db').open()).rejects.toMatchObject({
      code: 'STORE_UNREADABLE',
    })
  })

  it('calls a database whose manifest is gone or cut damaged, and does not repair it', async () => {
    for (const spoil of [
      (manifest: string) => rmSync(manifest),
      (manifest: string) => writeFileSync(manifest, readFileSync(manifest).subarray(0, 10)),
    ]) {
      const path = await filledDatabase()
      const manifest = readdirSync(path).find((name) => name.startsWith('MANIFEST')) ?? 'none'
      spoil(join(path, manifest))
      await expect(new LevelStorage(path).open()).rejects.toMatchObject({ code: 'STORE_DAMAGED' })
      expect(existsSync(join(path, 'lost'))).toBe(false)
    }
  })

  it('calls a table that cannot be opened for want of something else unreadable, not damaged', async () => {
    const path = await databaseWithTable()
    const storage = new LevelStorage(path)
    await storage.open()
    const [table = ''] = readdirSync(path).filter((name) => name.endsWith('.ldb'))
    expect(table).not.toBe('')
    rmSync(join(path, table))
    // ELOOP stands for EMFILE, ENFILE and ENOMEM, which a test cannot bring about in its own process.
    symlinkSync(table, join(path, table))
    await expect(allPairs(storage)).rejects.toMatchObject({ code: 'STORE_UNREADABLE' })
    rmSync(join(path, table))
    await expect(allPairs(storage)).rejects.toMatchObject({ code: 'STORE_DAMAGED' })
    await storage.close()
  })

  it('makes no new database where the one that was open is gone', async () => {
    const path = await filledDatabase()
    const disk = new RecordStorage(new LevelStorage(path), path)
    await disk.open()
    await disk.writeMark()
    await disk.close()
    renameSync(path, `${path}.elsewhere`)
    await expect(disk.open()).rejects.toMatchObject({ code: 'STORE_UNREADABLE' })
    renameSync(`${path}.elsewhere`, path)
    await disk.open()
    await disk.close()
  })
})
