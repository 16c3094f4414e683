/**
 * What `kill -9` cannot show: that a write waits for the disk. A shim under the process makes every sync slow, or fail
 * once, and the acknowledgement must follow.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type CompiledScript, compileScript } from '../support/compiled-script.ts'
import { openHostStore } from '../support/host-store.ts'
import { type Answer, LineProcess } from '../support/line-process.ts'
import { buildShim, compiler } from '../support/preload-shim.ts'
import { requirement } from '../support/requirement.ts'
import { tempDir } from '../support/temp-dir.ts'
import { readCells } from './store-cells.ts'

const SYNC_MS = 300

requirement(compiler)('a store on a disk that misbehaves', () => {
  let worker: CompiledScript

  beforeAll(() => {
    worker = compileScript('test/crash/store-worker.ts')
  })

  afterAll(() => worker.remove())

  it('acknowledges a lone put only after the sync', async () => {
    const child = new LineProcess([worker.path, 'serve', tempDir()], {
      LD_PRELOAD: buildShim('slow-fdatasync'),
      HEARSAY_SHIM_SYNC_MS: String(SYNC_MS),
    })
    await child.expect('ready')
    for (let i = 0; i < 3; i++) {
      const answer = await child.ask(`put key-${i} value`)
      expect(answer).toMatchObject({ ok: true })
      expect(answer.ms).toBeGreaterThanOrEqual(SYNC_MS)
    }
    await child.kill()
  })

  it('lets 64 concurrent writers share a sync', async () => {
    const child = new LineProcess([worker.path, 'serve', tempDir()], {
      LD_PRELOAD: buildShim('slow-fdatasync'),
      HEARSAY_SHIM_SYNC_MS: String(SYNC_MS),
    })
    await child.expect('ready')
    const answers = await Promise.all(Array.from({ length: 64 }, (_, i) => child.ask(`put key-${i} value`)))
    for (const answer of answers) {
      expect(answer.ms).toBeGreaterThanOrEqual(SYNC_MS)
      // At most the batch in flight and the one behind it.
      expect(answer.ms).toBeLessThan(4 * SYNC_MS)
    }
    expect(await child.ask('status')).toMatchObject({ setMembers: 0, entries: 64 })
    await child.kill()
  })

  it('acknowledges nothing that a failed sync carried, and what follows survives', async () => {
    const path = tempDir()
    const trigger = join(tempDir(), 'trigger')
    const child = new LineProcess([worker.path, 'serve', path], {
      LD_PRELOAD: buildShim('fail-fdatasync'),
      HEARSAY_SHIM_ONCE: '1',
      HEARSAY_SHIM_TRIGGER: trigger,
    })
    await child.expect('ready')
    expect(await child.ask('put before 1')).toMatchObject({ ok: true })
    writeFileSync(trigger, '')
    const hit = await Promise.all(Array.from({ length: 8 }, (_, i) => child.ask(`put hit-${i} 1`)))
    for (const answer of hit) expect(answer).toMatchObject({ ok: false, code: 'STORE_WRITE_FAILED' })
    const after: string[] = []
    for (let i = 0; i < 100; i++) {
      await untilAccepted(child, `put after-${i} ${i}`)
      after.push(`map after-${i}`)
    }
    expect(await child.ask('status')).toMatchObject({ writeErrors: 1, reopens: 1 })
    await child.kill()
    const store = await openHostStore({ path })
    const cells = readCells(store)
    await store.close()
    expect(cells.get('map before')).toBe('1')
    for (const [i, cell] of after.entries()) expect(cells.get(cell)).toBe(String(i))
    expect(store.status().damagedRecords).toBe(0)
  })
})

/** Repeats a command while it is refused; each answer is awaited, so this ends as soon as the store has reopened. */
async function untilAccepted(child: LineProcess, command: string): Promise<Answer> {
  for (;;) {
    const answer = await child.ask(command)
    if (answer.ok === true) return answer
    expect(answer.code).toMatch(/^STORE_(WRITE_FAILED|DISK_FULL)$/)
  }
}
