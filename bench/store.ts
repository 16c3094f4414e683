/**
 * Micro benchmark of the durable store: synced puts a second at 1 and 64 concurrent writers, beside the same batches
 * written to LevelDB directly (the bound), and the time to open with 100,000 entries.
 *
 * Run: `npm run bench -- store`.
 */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LevelStorage } from '../src/store/level-storage.ts'
import { openStore } from '../src/store/open-store.ts'
import type { StateStore } from '../src/store/state-store.ts'

const VALUE = { contentType: 'application/octet-stream', bytes: new Uint8Array(randomBytes(100)) }
const DURATION_MS = 3000
const ENTRIES = 100_000

function open(path: string): Promise<StateStore> {
  return openStore({
    path,
    clock: { monotonicMs: () => performance.now(), wallMs: () => Date.now() },
    randomBytes,
  })
}

/** @returns writes a second */
async function putsPerSecond(store: StateStore, writers: number): Promise<number> {
  let puts = 0
  const startedMs = performance.now()
  const endMs = startedMs + DURATION_MS
  const writer = async (name: number): Promise<void> => {
    for (let i = 0; performance.now() < endMs; i++) {
      await store.kv.put('bench', `${name}-${i % 1000}`, VALUE)
      puts++
    }
  }
  await Promise.all(Array.from({ length: writers }, (_, name) => writer(name)))
  return (puts / (performance.now() - startedMs)) * 1000
}

/** The engine alone: batches of `size` 150-byte records, each synced. */
async function levelPutsPerSecond(path: string, size: number): Promise<number> {
  const storage = new LevelStorage(path)
  await storage.open()
  const value = new Uint8Array(150)
  let puts = 0
  const startedMs = performance.now()
  while (performance.now() < startedMs + DURATION_MS) {
    const ops = Array.from({ length: size }, (_, i) => {
      const key = new TextEncoder().encode(`bench/${(puts + i) % 64_000}`)
      return { type: 'put', key, value } as const
    })
    await storage.write(ops)
    puts += size
  }
  await storage.close()
  return (puts / (performance.now() - startedMs)) * 1000
}

async function fill(store: StateStore): Promise<void> {
  for (let from = 0; from < ENTRIES; from += 1000) {
    const keys = Array.from({ length: 1000 }, (_, i) => `key-${from + i}`)
    await Promise.all(keys.map((key) => store.kv.put('bench', key, VALUE)))
  }
}

const folder = mkdtempSync(join(tmpdir(), 'hearsay-bench-'))
try {
  for (const size of [1, 64]) {
    const rate = await levelPutsPerSecond(join(folder, `level-${size}`), size)
    console.log(`LevelDB alone, synced batches of ${size}: ${Math.round(rate)} puts/s`)
  }
  const store = await open(join(folder, 'rate'))
  for (const writers of [1, 64]) {
    const rate = await putsPerSecond(store, writers)
    console.log(`store, ${writers} concurrent writers: ${Math.round(rate)} durable puts/s`)
  }
  const { batches, batchOps } = store.status()
  console.log(`  ${(batchOps / batches).toFixed(1)} records a batch`)
  await store.close()

  const big = await open(join(folder, 'big'))
  await fill(big)
  await big.close()
  const startedMs = performance.now()
  const again = await open(join(folder, 'big'))
  const openMs = performance.now() - startedMs
  console.log(`open with ${again.status().entries} entries: ${openMs.toFixed(0)} ms`)
  await again.close()
} finally {
  rmSync(folder, { recursive: true, force: true })
}
