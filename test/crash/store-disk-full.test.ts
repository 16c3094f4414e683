/** A full disk, then a freed one: raw LevelDB loses every write after it (reliability.md section 0, item 1). */
import { execFileSync } from 'node:child_process'
import { rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'
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
  let path: string

  beforeEach(() => {
    worker = compileScript('test/crash/store-worker.ts')
    path = tempDir()
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', path])
  })

  afterEach(() => {
    execFileSync('umount', [path])
    worker.remove()
  })

  it('refuses by code, takes writes again once there is room, and loses none of those', async () => {
    const child = new LineProcess([worker.path, 'serve', path])
    await child.expect('ready')
    expect(await child.ask('put before 1')).toMatchObject({ ok: true })
    const ballast = join(path, 'ballast')
    const { bavail, bsize } = statfsSync(path)
    writeFileSync(ballast, Buffer.alloc(bavail * bsize))
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
})
