/**
 * The log of a crashed store cut at sampled offsets (a power cut in the middle of a write): it always opens, and holds
 * exactly the writes up to some moment. Bits flipped in it are another matter: what they drop is noticed.
 */
import { cpSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { seededRandom } from '../../src/base/random.ts'
import type { StateStore } from '../../src/store/state-store.ts'
import { type CompiledScript, compileScript } from '../support/compiled-script.ts'
import { openHostStore } from '../support/host-store.ts'
import { LineProcess } from '../support/line-process.ts'
import { tempDir } from '../support/temp-dir.ts'
import { readCells } from './store-cells.ts'

const WRITES = 400
const CUTS = 40
const FLIPS = 40

let worker: CompiledScript

beforeAll(() => {
  worker = compileScript('test/crash/store-worker.ts')
})

afterAll(() => worker.remove())

/** A store of numbered writes, one a batch, that was killed. @returns its path */
async function killedStore(): Promise<string> {
  const path = tempDir()
  const child = new LineProcess([worker.path, 'serve', path])
  await child.expect('ready')
  for (let i = 0; i < WRITES; i++) await child.ask(`put n${String(i).padStart(4, '0')} ${'x'.repeat(200)}`)
  await child.kill()
  return path
}

function logOf(path: string): string {
  const folder = join(path, 'hearsay', 'db')
  const logs = readdirSync(folder).filter((name) => name.endsWith('.log'))
  expect(logs).toHaveLength(1)
  return join(folder, logs[0] ?? '')
}

function copyOf(path: string): string {
  const copy = tempDir()
  cpSync(path, copy, { recursive: true })
  return copy
}

/** Which of the numbered writes are there. */
function held(store: StateStore): boolean[] {
  const cells = readCells(store)
  return Array.from({ length: WRITES }, (_, i) => cells.has(`map n${String(i).padStart(4, '0')}`))
}

describe('a torn log', () => {
  it('cut anywhere opens with a prefix of the writes', { timeout: 60_000 }, async () => {
    const path = await killedStore()
    const size = statSync(logOf(path)).size
    const random = seededRandom(7)
    let longest = 0
    for (let i = 0; i < CUTS; i++) {
      const copy = copyOf(path)
      truncateSync(logOf(copy), random.below(size))
      const store = await openHostStore({ path: copy })
      const present = held(store)
      await store.close()
      const length = present.indexOf(false) === -1 ? WRITES : present.indexOf(false)
      expect(present.lastIndexOf(true)).toBe(length - 1)
      longest = Math.max(longest, length)
    }
    expect(longest).toBeGreaterThan(WRITES / 2)
  })

  it('with a flipped bit never gives a wrong value, and a gap costs it its identity', {
    timeout: 60_000,
  }, async () => {
    const path = await killedStore()
    const size = statSync(logOf(path)).size
    const random = seededRandom(8)
    const { actor } = JSON.parse(readFileSync(join(path, 'hearsay', 'actor'), 'utf8').split('\n')[0] ?? '')
    let gaps = 0
    for (let i = 0; i < FLIPS; i++) {
      const copy = copyOf(path)
      const log = logOf(copy)
      const bytes = readFileSync(log)
      const at = random.below(size)
      bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8))
      writeFileSync(log, bytes)
      const store = await openHostStore({ path: copy })
      const present = held(store)
      const gap = present.lastIndexOf(true) !== present.indexOf(false) - 1 && present.includes(false)
      for (const content of readCells(store).values()) expect(content).toBe('x'.repeat(200))
      if (gap) {
        gaps++
        expect(store.status().damagedRecords).toBeGreaterThan(0)
        expect(store.actor).not.toBe(actor)
      }
      await store.close()
      const again = await openHostStore({ path: copy })
      expect(again.status()).toMatchObject({ actor: store.actor, damagedRecords: 0 })
      expect(held(again)).toEqual(present)
      await again.close()
    }
    expect(gaps).toBeGreaterThan(0)
  })
})
