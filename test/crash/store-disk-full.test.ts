/**
 * A full disk, then a freed one: raw LevelDB loses every write after it (reliability.md section 0, item 1). Also full in the
 * middle of a compaction, and of a snapshot (section 2, rows 11 and 12).
 */
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { saveSnapshotFile, verifySnapshotFile } from '../../src/app/snapshot-files.ts'
import { type CompiledScript, compileScript } from '../support/compiled-script.ts'
import { openHostStore } from '../support/host-store.ts'
import { LineProcess } from '../support/line-process.ts'
import { requirement } from '../support/requirement.ts'
import { tempDir } from '../support/temp-dir.ts'
import { canMount } from '../support/tmpfs.ts'
import { readCells } from './store-cells.ts'

const WRITES_AFTER = 150

requirement(canMount)('a store on a disk that fills up', () => {
  let worker: CompiledScript

  beforeAll(() => {
    worker = compileScript('test/crash/store-worker.ts')
  })

  afterAll(() => worker.remove())

  /** A file system of one's own, gone with the test. */
  function smallDisk(size: string): string {
    const path = tempDir()
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', path])
    onTestFinished(() => void execFileSync('umount', [path]))
    return path
  }

  /** Takes all the room there is but `leaving` bytes. @returns what to delete */
  function fillUp(path: string, leaving = 0): string {
    const ballast = join(path, 'ballast')
    const { bavail, bsize } = statfsSync(path)
    writeFileSync(ballast, Buffer.alloc(bavail * bsize - leaving))
    return ballast
  }

  it('refuses by code, takes writes again once there is room, and loses none of those', async () => {
    const path = smallDisk('2m')
    const child = new LineProcess([worker.path, 'serve', path])
    await child.expect('ready')
    expect(await child.ask('put before 1')).toMatchObject({ ok: true })
    const ballast = fillUp(path)
    const text = 'x'.repeat(3000)
    let refused = await child.ask(`put full-0 ${text}`)
    for (let i = 1; refused.ok === true; i++) refused = await child.ask(`put full-${i} ${text}`)
    expect(refused).toMatchObject({ ok: false, code: 'STORE_DISK_FULL' })
    expect(await child.ask('put full-again 1')).toMatchObject({ ok: false, code: 'STORE_DISK_FULL' })
    expect((await child.ask('status')).refusing).toMatch(/full/)
    rmSync(ballast)
    const expected = new Map([['map before', '1']])
    for (let i = 0; i < WRITES_AFTER; i++) {
      while ((await child.ask(`put after-${i} ${i}`)).ok !== true) await pause(10)
      expected.set(`map after-${i}`, String(i))
    }
    await child.kill()
    const store = await openHostStore({ path })
    const cells = readCells(store)
    const { damagedRecords } = store.status()
    await store.close()
    expect(damagedRecords).toBe(0)
    for (const [cell, content] of expected) expect(cells.get(cell), cell).toBe(content)
  })

  it('that fills up while tables are being written keeps what it acknowledged before, meanwhile and after', {
    timeout: 60_000,
  }, async () => {
    const path = smallDisk('24m')
    const child = new LineProcess([worker.path, 'serve', path])
    await child.expect('ready')
    // Room for a log of 4 MiB, at whose end LevelDB writes a table, and not for that as well.
    const ballast = fillUp(path, 6_000_000)
    const expected = new Map<string, string>()
    const text = (i: number): string => randomBytes(1500).toString('hex') + i
    let refused = 0
    for (let i = 0; refused < 3; i++) {
      const content = text(i)
      const answer = await child.ask(`put k${i % 700} ${content}`)
      if (answer.ok === true) expected.set(`map k${i % 700}`, content)
      else {
        refused++
        expect(answer.code).toBe('STORE_DISK_FULL')
        // It may be there or not.
        expected.delete(`map k${i % 700}`)
      }
    }
    expect(expected.size).toBeGreaterThan(500)
    rmSync(ballast)
    for (let i = 0; i < WRITES_AFTER; i++) {
      while ((await child.ask(`put after-${i} ${i}`)).ok !== true) await pause(10)
      expected.set(`map after-${i}`, String(i))
    }
    await child.kill()
    const store = await openHostStore({ path })
    const cells = readCells(store)
    const { damagedRecords } = store.status()
    await store.close()
    expect(damagedRecords).toBe(0)
    for (const [cell, content] of expected) expect(cells.get(cell) === content, cell).toBe(true)
  })

  it('that is full when a snapshot is saved keeps the one before', async () => {
    const path = smallDisk('4m')
    const file = join(path, 'state.snapshot')
    const store = await openHostStore()
    const bytes = (): Uint8Array => randomBytes(200_000)
    for (let i = 0; i < 5; i++) await store.kv.put('m', `k${i}`, { contentType: 'a/b', bytes: bytes() })
    const first = await saveSnapshotFile(store.snapshot(), { file, force: false })
    for (let i = 5; i < 18; i++) await store.kv.put('m', `k${i}`, { contentType: 'a/b', bytes: bytes() })
    for (let i = 0; i < 10; i++) {
      await expect(saveSnapshotFile(store.snapshot(), { file, force: true })).rejects.toMatchObject({
        code: 'ENOSPC',
      })
      expect(await verifySnapshotFile(file)).toEqual(first)
      expect(readdirSync(path)).toEqual(['state.snapshot'])
    }
    await store.close()
  })
})
