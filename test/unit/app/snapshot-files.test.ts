/** A file under the name that was asked for is a whole snapshot, and no other file is touched. */
import { readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { saveSnapshotFile, verifySnapshotFile } from '../../../src/app/snapshot-files.ts'
import { openHostStore } from '../../support/host-store.ts'
import { tempDir } from '../../support/temp-dir.ts'

async function snapshotOf(entries: number): Promise<Uint8Array[]> {
  const store = await openHostStore()
  const bytes = new Uint8Array(1000)
  const keys = Array.from({ length: entries }, (_, i) => `key${i}`)
  await Promise.all(keys.map((key) => store.kv.put('m', key, { contentType: 'text/plain', bytes })))
  const pieces: Uint8Array[] = []
  for await (const piece of store.snapshot()) pieces.push(piece)
  await store.close()
  return pieces
}

async function* streamed(
  pieces: readonly Uint8Array[],
  midway?: () => Promise<void>,
): AsyncGenerator<Uint8Array> {
  for (const [index, piece] of pieces.entries()) {
    if (index === 1) await midway?.()
    yield piece
  }
}

describe('a snapshot file', () => {
  it('is written beside files of similar names, through no link, for its owner only', async () => {
    const folder = tempDir()
    const file = join(folder, 'backup')
    writeFileSync(join(folder, 'thesis'), 'do not lose')
    symlinkSync(join(folder, 'thesis'), `${file}.tmp`)
    await saveSnapshotFile(streamed(await snapshotOf(10)), { file, force: false })
    expect(readFileSync(join(folder, 'thesis'), 'utf8')).toBe('do not lose')
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(readdirSync(folder).sort()).toEqual(['backup', 'backup.tmp', 'thesis'])
  })

  it('is whole when two are saved under one name at once', async () => {
    const file = join(tempDir(), 'backup')
    const [long, short] = [await snapshotOf(300), await snapshotOf(200)]
    const inner = async (): Promise<void> => {
      await saveSnapshotFile(streamed(short), { file, force: true })
    }
    await saveSnapshotFile(streamed(long, inner), { file, force: true })
    expect((await verifySnapshotFile(file)).entries).toBe(300)
  })

  it('does not replace, without force, one that came into being meanwhile', async () => {
    const folder = tempDir()
    const file = join(folder, 'backup')
    const other = async (): Promise<void> => writeFileSync(file, 'somebody else')
    const saving = saveSnapshotFile(streamed(await snapshotOf(100), other), { file, force: false })
    await expect(saving).rejects.toMatchObject({ code: 'SNAPSHOT_FILE_EXISTS' })
    expect(readFileSync(file, 'utf8')).toBe('somebody else')
    expect(readdirSync(folder)).toEqual(['backup'])
  })
})
