/**
 * Every file of a database cut and flipped, at a few hundred bytes by default, at thousands in CI (6,000 cuts and 8,000
 * flips of the log), at every one with HEARSAY_TEST=long: the log (reliability.md section 2, rows 3 and 4), the manifest
 * (8), the tables (9). What is read is the truth, or an earlier moment of it, or less with a notice; never anything else,
 * and never part of a batch.
 */

import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { errorCode } from '../../src/base/errors.ts'
import { LevelStorage } from '../../src/store/level-storage.ts'
import { RecordStorage } from '../../src/store/record-storage.ts'
import type { StateStore } from '../../src/store/state-store.ts'
import { joinFull } from '../../src/testing/full-join.ts'
import {
  type DatabaseFiles,
  fileLike,
  flipped,
  layDatabase,
  offsets,
  readDatabase,
  scratchDir,
} from '../support/database-copy.ts'
import { openHostStore } from '../support/host-store.ts'
import { inCi, inLong } from '../support/requirement.ts'
import { readCells, writeCell } from './store-cells.ts'

const SEED = Number(process.env.HEARSAY_SEED ?? Date.now() % 1_000_000)
/** Trials; all there are when there are fewer bytes. */
const CUTS = inLong ? Number.MAX_SAFE_INTEGER : inCi ? 6000 : 400
const FLIPS = inLong ? Number.MAX_SAFE_INTEGER : inCi ? 8000 : 400
const BLOCK_BYTES = 32 * 1024
/** Records of one batch. */
const PARTS = 3

/** A log that goes on in a second block: numbered batches of three records each. */
async function batchesInLog(path: string): Promise<{ files: DatabaseFiles; batches: number }> {
  const disk = new RecordStorage(new LevelStorage(path), path)
  await disk.open()
  await disk.writeMark()
  const batches = 130
  for (let batch = 2; batch <= batches; batch++) {
    await disk.write(
      Array.from({ length: PARTS }, (_, part) => ({
        type: 'put',
        key: keyOf(batch, part),
        value: payloadOf(batch, part),
      })),
    )
  }
  await disk.close()
  const files = readDatabase(path)
  expect(fileLike(files, /\.log$/)[1].length).toBeGreaterThan(BLOCK_BYTES)
  return { files, batches }
}

function keyOf(batch: number, part: number): Uint8Array {
  return Uint8Array.of(16, batch >> 8, batch & 255, part)
}

function payloadOf(batch: number, part: number): Uint8Array {
  return new Uint8Array(60 + ((batch * 7) % 40)).fill(batch + part)
}

interface Reading {
  /** Batches of which every record is there. */
  readonly whole: readonly number[]
  readonly partial: number
  readonly wrong: number
  readonly noticed: boolean
}

/** @returns undefined when it was refused as damaged */
async function readLog(path: string, batches: number): Promise<Reading | undefined> {
  const disk = new RecordStorage(new LevelStorage(path), path)
  const parts = new Map<number, number>()
  let wrong = 0
  try {
    await disk.open()
    const report = await disk.load((key, payload) => {
      const batch = ((key[1] ?? 0) << 8) | (key[2] ?? 0)
      if (Buffer.compare(payload, payloadOf(batch, key[3] ?? 0)) !== 0) wrong++
      parts.set(batch, (parts.get(batch) ?? 0) + 1)
    })
    const whole = [...parts].filter(([, count]) => count === PARTS).map(([batch]) => batch)
    const inRun = whole.every((batch) => batch <= Math.max(report.lastBatch, batches))
    expect(inRun).toBe(true)
    return {
      whole: whole.sort((a, b) => a - b),
      partial: parts.size - whole.length,
      wrong,
      noticed: report.missingBatches + report.damagedKeys.length > 0,
    }
  } catch (error) {
    expect(errorCode(error)).toBe('STORE_DAMAGED')
    return undefined
  } finally {
    await disk.close()
  }
}

function isPrefix(whole: readonly number[]): boolean {
  return whole.every((batch, i) => batch === i + 2)
}

/** Several at a time: most of a trial is waiting for LevelDB's threads. */
async function eachOffset(
  all: readonly number[],
  trial: (at: number, path: string) => Promise<void>,
): Promise<void> {
  const queue = all.values()
  const lane = async (): Promise<void> => {
    const path = scratchDir()
    for (const at of queue) await trial(at, path)
  }
  await Promise.all(Array.from({ length: 6 }, lane))
}

describe('the log of a store', { timeout: 1_200_000 }, () => {
  it('cut at any byte holds the batches up to some moment, whole', async () => {
    const path = scratchDir()
    const { files, batches } = await batchesInLog(path)
    const [name, log] = fileLike(files, /\.log$/)
    let longest = 0
    const cuts = offsets(log.length, CUTS, SEED)
    await eachOffset(cuts, async (at, place) => {
      layDatabase(place, files, new Map([[name, log.subarray(0, at)]]))
      const reading = await readLog(place, batches)
      expect(reading, `cut at ${at}`).toMatchObject({ partial: 0, wrong: 0, noticed: false })
      expect(isPrefix(reading?.whole ?? [0]), `cut at ${at}`).toBe(true)
      longest = Math.max(longest, reading?.whole.length ?? 0)
    })
    expect(longest).toBeGreaterThan(batches * 0.9)
    process.stdout.write(`log cut at ${cuts.length} offsets of ${log.length}: always a prefix\n`)
  })

  it('with a flipped bit at any byte gives no wrong value; what is missing from the middle is noticed', async () => {
    const path = scratchDir()
    const { files, batches } = await batchesInLog(path)
    const [name, log] = fileLike(files, /\.log$/)
    const counts = { noticed: 0, prefix: 0, refused: 0 }
    const flips = offsets(log.length, FLIPS, SEED)
    await eachOffset(flips, async (at, place) => {
      layDatabase(place, files, new Map([[name, flipped(log, at)]]))
      const reading = await readLog(place, batches)
      expect(reading?.wrong ?? 0, `flip at ${at}`).toBe(0)
      expect(reading?.partial ?? 0, `flip at ${at}`).toBe(0)
      if (reading === undefined) counts.refused++
      else if (reading.noticed) counts.noticed++
      else {
        counts.prefix++
        expect(isPrefix(reading.whole), `flip at ${at}`).toBe(true)
      }
    })
    expect(counts.noticed).toBeGreaterThan(flips.length / 3)
    process.stdout.write(
      `log flipped at ${flips.length} of ${log.length} bytes: ${counts.noticed} noticed by themselves, ` +
        `${counts.prefix} an earlier moment (only an orderly close or a peer tells), ${counts.refused} refused\n`,
    )
  })
})

/** A store with tables and a log, closed in order; its cells. */
async function filled(path: string): Promise<{ files: DatabaseFiles; truth: ReadonlyMap<string, string> }> {
  for (let round = 0; round < 3; round++) {
    const store = await openHostStore({ path })
    for (let i = 0; i < 60; i++)
      await writeCell(store, `map k${i % 40}`, `${round} of ${i} ${'x'.repeat(100)}`)
    await store.close()
  }
  const store = await openHostStore({ path })
  const truth = readCells(store)
  await store.close()
  return { files: readDatabase(join(path, 'hearsay', 'db')), truth }
}

/** A replica alone: refused, or everything is there, or it says that something is not. */
async function alone(
  path: string,
  truth: ReadonlyMap<string, string>,
): Promise<'refused' | 'intact' | 'noticed'> {
  let store: StateStore
  try {
    store = await openHostStore({ path })
  } catch (error) {
    expect(errorCode(error)).toBe('STORE_DAMAGED')
    return 'refused'
  }
  const cells = readCells(store)
  const { actor } = store
  const { damagedRecords } = store.status()
  await store.close()
  for (const [cell, content] of cells) expect(content, cell).toBe(truth.get(cell))
  if (cells.size === truth.size) return 'intact'
  expect(damagedRecords > 0 || actor !== FIRST_ACTOR).toBe(true)
  return 'noticed'
}

/** Minted first in each test; a store that goes on under it has noticed nothing. */
let FIRST_ACTOR = ''

async function withPeer(
  path: string,
  truth: ReadonlyMap<string, string>,
  healthy: StateStore,
): Promise<void> {
  const store = await openHostStore({ path, hasPeers: true })
  const peer = await openHostStore()
  joinFull(peer, healthy.fullState())
  joinFull(peer, store.fullState())
  joinFull(store, peer.fullState())
  expect(readCells(store)).toEqual(truth)
  expect(readCells(peer)).toEqual(truth)
  await peer.close()
  await store.close()
}

describe('the other files of a store', { timeout: 300_000 }, () => {
  async function trials(
    spoilers: (
      files: DatabaseFiles,
    ) => Iterable<readonly [what: string, name: string, bytes: Uint8Array | undefined]>,
  ): Promise<{ refused: number; intact: number; noticed: number }> {
    const path = scratchDir()
    const db = join(path, 'hearsay', 'db')
    const { files, truth } = await filled(path)
    const actorFile = readFileSync(join(path, 'hearsay', 'actor'))
    const healthy = await openHostStore({ path })
    FIRST_ACTOR = healthy.actor
    await healthy.close()
    const counts = { refused: 0, intact: 0, noticed: 0 }
    for (const [, name, bytes] of spoilers(files)) {
      for (const run of ['alone', 'with peer'] as const) {
        rmSync(join(path, 'hearsay'), { recursive: true })
        mkdirSync(join(path, 'hearsay'))
        layDatabase(db, files, new Map([[name, bytes]]))
        writeFileSync(join(path, 'hearsay', 'actor'), actorFile)
        if (run === 'alone') counts[await alone(path, truth)]++
        else await withPeer(path, truth, healthy)
      }
    }
    return counts
  }

  it('a manifest cut or flipped at any byte is refused, harmless, or noticed; with a peer it is healed', async () => {
    const counts = await trials(function* (files) {
      const [name, manifest] = fileLike(files, /^MANIFEST/)
      for (const at of offsets(manifest.length, CUTS / 8, SEED)) {
        yield [`cut at ${at}`, name, manifest.subarray(0, at)]
        yield [`flip at ${at}`, name, flipped(manifest, at)]
      }
    })
    process.stdout.write(`manifest cut and flipped: ${JSON.stringify(counts)}\n`)
    expect(counts.refused).toBeGreaterThan(counts.intact)
  })

  it('a table that is gone or cut short is refused; with a peer it is healed', async () => {
    const counts = await trials(function* (files) {
      for (const [name, bytes] of files) {
        if (!name.endsWith('.ldb')) continue
        yield ['deleted', name, undefined]
        for (const share of [0, 0.25, 0.5, 0.99]) yield ['cut', name, bytes.subarray(0, bytes.length * share)]
      }
    })
    expect(counts.refused).toBeGreaterThanOrEqual(5)
    expect(counts).toMatchObject({ intact: 0, noticed: 0 })
  })
})
