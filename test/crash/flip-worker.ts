/**
 * The process in which damaged tables are opened, since LevelDB may abort it: `flip-worker <store> <truth> <seed> <from>
 * <to>`. For each trial it flips one bit in a table of a copy of the store, says which (so that its end can be told),
 * opens the copy, exchanges whole states with a peer that is intact, and says what it saw.
 */

import { webcrypto } from 'node:crypto'
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { errorCode } from '../../src/base/errors.ts'
import { type Random, seededRandom } from '../../src/base/random.ts'
import { type OpenStoreOptions, openStore } from '../../src/store/open-store.ts'
import type { StateStore } from '../../src/store/state-store.ts'
import { joinFull } from '../../src/testing/full-join.ts'
import { readCells } from './store-cells.ts'

export interface FlipOutcome {
  readonly trial: number
  /** Of the error that refused it as a lone replica; it is opened again with peers then. */
  readonly refused?: string
  /** Cells with a content that is not the true one: served. */
  readonly wrong: number
  readonly missing: number
  /** The store said that it had lost something. */
  readonly noticed: boolean
  /** Cells that differ from the truth after the exchange, here and at the peer. */
  readonly unhealed: number
  readonly harmed: number
}

const [source = '', truthPath = '', seed = '', from = '', to = ''] = process.argv.slice(2)
const truth = new Map(JSON.parse(readFileSync(truthPath, 'utf8')) as [string, string][])

/** In memory where there is such a place: thousands of copies, each with a dozen syncs. */
const SCRATCH = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

function say(line: object): void {
  writeSync(1, `${JSON.stringify(line)}\n`)
}

function open(path?: string, hasPeers = false): Promise<StateStore> {
  const options: OpenStoreOptions = {
    hasPeers,
    clock: { monotonicMs: () => performance.now(), wallMs: () => Date.now() },
    randomBytes: (length) => webcrypto.getRandomValues(new Uint8Array(length)),
    ...(path === undefined ? {} : { path }),
  }
  return openStore(options)
}

/** Every byte of every table is equally likely. */
function flip(folder: string, random: Random): { file: string; offset: number } {
  const files = readdirSync(folder).filter((name) => name.endsWith('.ldb'))
  const contents = files.map((name) => readFileSync(join(folder, name)))
  let offset = random.below(contents.reduce((sum, { length }) => sum + length, 0))
  for (const [i, bytes] of contents.entries()) {
    if (offset < bytes.length) {
      bytes[offset] = (bytes[offset] ?? 0) ^ (1 << random.below(8))
      writeFileSync(join(folder, files[i] ?? ''), bytes)
      return { file: files[i] ?? '', offset }
    }
    offset -= bytes.length
  }
  throw new Error('the store has no table')
}

function differences(cells: ReadonlyMap<string, string>): { wrong: number; missing: number } {
  let [wrong, missing] = [0, 0]
  for (const [cell, content] of truth) {
    if (!cells.has(cell)) missing++
    else if (cells.get(cell) !== content) wrong++
  }
  for (const cell of cells.keys()) if (!truth.has(cell)) wrong++
  return { wrong, missing }
}

async function outcome(trial: number, path: string, healthy: StateStore): Promise<FlipOutcome> {
  let store: StateStore
  let refused: { refused: string } | undefined
  try {
    store = await open(path)
  } catch (error) {
    refused = { refused: errorCode(error) ?? String(error) }
    store = await open(path, true)
  }
  const found = differences(readCells(store))
  // A copy is somebody new in any case: that alone is no notice.
  const { damagedRecords, damagedCopies } = store.status()
  const noticed = damagedRecords + damagedCopies > 0
  const peer = await open()
  joinFull(peer, healthy.fullState())
  joinFull(peer, store.fullState())
  joinFull(store, peer.fullState())
  const [here, there] = [differences(readCells(store)), differences(readCells(peer))]
  await store.close()
  await peer.close()
  return {
    trial,
    ...refused,
    ...found,
    noticed,
    unhealed: here.wrong + here.missing,
    harmed: there.wrong + there.missing,
  }
}

const healthyCopy = mkdtempSync(join(SCRATCH, 'hearsay-flip-'))
cpSync(source, healthyCopy, { recursive: true })
const healthy = await open(healthyCopy)
for (let trial = Number(from); trial < Number(to); trial++) {
  const copy = mkdtempSync(join(SCRATCH, 'hearsay-flip-'))
  cpSync(source, copy, { recursive: true })
  const random = seededRandom(Number(seed) * 1_000_000 + trial)
  say({ trial, ...flip(join(copy, 'hearsay', 'db'), random), path: copy })
  say(await outcome(trial, copy, healthy))
  rmSync(copy, { recursive: true })
}
await healthy.close()
rmSync(healthyCopy, { recursive: true })
