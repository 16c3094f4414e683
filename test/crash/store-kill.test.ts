/**
 * `kill -9` under load, again and again on one directory: after each restart every acknowledged write is there and
 * nothing else is. 15 rounds, 120 with HEARSAY_TEST=ci, 10,000 with HEARSAY_TEST=long (about 200 a minute on an idle
 * machine); a failure prints the seed of the kill moments.
 */
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { seededRandom } from '../../src/base/random.ts'
import { type CompiledScript, compileScript } from '../support/compiled-script.ts'
import { CrashLedger } from '../support/crash-ledger.ts'
import { openHostStore } from '../support/host-store.ts'
import { LineProcess } from '../support/line-process.ts'
import { inCi, inLong } from '../support/requirement.ts'
import { tempDir } from '../support/temp-dir.ts'
import { readCells } from './store-cells.ts'

const ROUNDS = inLong ? 10_000 : inCi ? 90 : 15
const WRITERS = 16
const SEED = Number(process.env.HEARSAY_SEED ?? Date.now() % 1_000_000)

let worker: CompiledScript

beforeAll(() => {
  worker = compileScript('test/crash/store-worker.ts')
})

afterAll(() => worker.remove())

describe('a store killed under load', () => {
  it(
    'has every acknowledged write and invents none',
    async () => {
      const random = seededRandom(SEED)
      const path = tempDir()
      const ledger = new CrashLedger()
      const actors = new Set<string>()
      for (let round = 0; round < ROUNDS; round++) {
        const ledgerPath = join(path, 'ledger')
        const child = new LineProcess([worker.path, 'load', path, ledgerPath, String(WRITERS), String(round)])
        // Every fourth one dies around its start, wherever in its recovery that may be.
        if (random.below(4) > 0) await child.expect('ready')
        await pause(random.below(150))
        await child.kill()
        ledger.read(readLedger(ledgerPath))
        rmSync(ledgerPath, { force: true })
        const store = await openHostStore({ path })
        expect(ledger.settle(readCells(store)).slice(0, 5), `round ${round}, HEARSAY_SEED=${SEED}`).toEqual(
          [],
        )
        expect(store.status().damagedRecords).toBe(0)
        actors.add(store.actor)
        await store.close()
      }
      expect(ledger.acks).toBeGreaterThan(ROUNDS * 20)
      // A crash alone is no reason to doubt who we are; only one before the first identity was on disk may mint another.
      expect(actors.size).toBeLessThanOrEqual(2)
      process.stdout.write(`store: ${ROUNDS} kills, ${ledger.acks} acknowledged writes, all present\n`)
    },
    20_000 + ROUNDS * 3000,
  )
})

function readLedger(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return '' // killed before it opened the ledger
  }
}
