/** Snapshots: what is saved comes back, also when saved under load; what was spoilt is refused with nothing left behind. */

import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { actorId } from '../../../src/base/names.ts'
import { seededRandom } from '../../../src/base/random.ts'
import { SnapshotReader } from '../../../src/store/snapshot-reader.ts'
import { type Restored, restoreSnapshot, verifySnapshot } from '../../../src/store/snapshot-restore.ts'
import type { StateStore } from '../../../src/store/state-store.ts'
import { canonicalState } from '../../../src/testing/canonical-state.ts'
import { joinFull } from '../../../src/testing/full-join.ts'
import { readCells, writeCell } from '../../crash/store-cells.ts'
import { openHostStore } from '../../support/host-store.ts'
import { tempDir } from '../../support/temp-dir.ts'

const ENTRIES = 10_000
const NEW_ACTOR = actorId('0123456789abcdef0123456789abcdef')

async function* pieces(bytes: Uint8Array, pieceBytes = 50_000): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < bytes.length; from += pieceBytes) yield bytes.subarray(from, from + pieceBytes)
}

async function saved(store: StateStore): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for await (const piece of store.snapshot()) parts.push(piece)
  return Buffer.concat(parts)
}

function restored(bytes: Uint8Array, path: string, pieceBytes?: number): Promise<Restored> {
  return restoreSnapshot(pieces(bytes, pieceBytes), { path, mint: () => NEW_ACTOR })
}

async function reopened(bytes: Uint8Array): Promise<StateStore> {
  const path = tempDir()
  await restored(bytes, path)
  return openHostStore({ path })
}

/** Cells of all kinds, some of them deleted again. */
async function fill(store: StateStore, count: number, round = 0): Promise<void> {
  const cells = Array.from({ length: count }, (_, i) => `${['map', 'map', 'set', 'table'][i % 4]} c${i}`)
  const content = (cell: string): string => (cell.startsWith('set') ? 'present' : `${cell} in round ${round}`)
  for (let from = 0; from < count; from += 1000) {
    await Promise.all(cells.slice(from, from + 1000).map((cell) => writeCell(store, cell, content(cell))))
  }
  const gone = cells.filter((cell, i) => i % 7 === 0 && !cell.startsWith('table'))
  await Promise.all(gone.map((cell) => writeCell(store, cell, undefined)))
}

describe('a snapshot', () => {
  it('of 10,000 cells, tombstones, sets and records among them, comes back as it was, as somebody else', async () => {
    const store = await openHostStore()
    await fill(store, ENTRIES)
    await store.kv.put(
      'ttl',
      'k',
      { contentType: 'a/b', bytes: Uint8Array.of(0, 255) },
      { expiresAtMs: 4e12 },
    )
    const bytes = await saved(store)
    const summary = await verifySnapshot(pieces(bytes))
    const status = store.status()
    expect(summary).toMatchObject({
      bytes: bytes.length,
      entries: status.entries,
      tombstones: status.tombstones,
      setMembers: status.setMembers,
      foreignRecords: status.records,
      contextActors: 1,
    })
    const again = await reopened(bytes)
    expect(again.actor).toBe(NEW_ACTOR)
    // Not shown when it fails: it is long.
    expect(canonicalState(again.fullState()) === canonicalState(store.fullState())).toBe(true)
    expect(again.status()).toMatchObject({ damagedRecords: 0, tombstones: status.tombstones })
    await again.kv.put('m', 'k', { contentType: 'a/b', bytes: Uint8Array.of(1) })
    await again.close()
    await store.close()
  })

  it('of an empty store is a store', async () => {
    const store = await openHostStore()
    const again = await reopened(await saved(store))
    expect(again.status()).toMatchObject({ entries: 0, damagedRecords: 0 })
    await again.close()
    await store.close()
  })

  it('arrives in pieces of any size, a value larger than a frame among them', async () => {
    const store = await openHostStore()
    await store.kv.put('m', 'large', { contentType: 'a/b', bytes: new Uint8Array(300_000).fill(7) })
    await fill(store, 100)
    const bytes = await saved(store)
    for (const pieceBytes of [997, 65_536, bytes.length]) {
      expect(await verifySnapshot(pieces(bytes, pieceBytes))).toMatchObject({ bytes: bytes.length })
    }
    const path = tempDir()
    await restored(bytes, path, 4099)
    const again = await openHostStore({ path })
    // Not shown when it fails: it is long.
    expect(canonicalState(again.fullState()) === canonicalState(store.fullState())).toBe(true)
    await again.close()
    await store.close()
  })

  it('saved under load has every write acknowledged before it began, and invents none', async () => {
    const store = await openHostStore()
    await fill(store, 4000)
    const before = readCells(store)
    const tried = new Map<string, Set<string | undefined>>()
    const random = seededRandom(11)
    let saving = true
    let writes = 0
    const writer = async (): Promise<void> => {
      while (saving) {
        const i = random.below(5000)
        const cell = `${['map', 'map', 'set', 'table'][i % 4]} c${i}`
        const content =
          cell.startsWith('table') || random.below(3) > 0 ? `${cell} late ${writes++}` : undefined
        const shown = cell.startsWith('set') && content !== undefined ? 'present' : content
        tried.set(cell, (tried.get(cell) ?? new Set()).add(shown))
        await writeCell(store, cell, content)
      }
    }
    const writers = Array.from({ length: 16 }, writer)
    const parts: Uint8Array[] = []
    for await (const piece of store.snapshot()) {
      parts.push(piece)
      // A reader that takes its time, so that writes come in between.
      for (let goal = writes + 40; writes < goal; ) await new Promise((resolve) => setImmediate(resolve))
    }
    saving = false
    await Promise.all(writers)
    const again = await reopened(Buffer.concat(parts))
    const found = readCells(again)
    for (const cell of new Set([...before.keys(), ...tried.keys(), ...found.keys()])) {
      const allowed = new Set([before.get(cell), ...(tried.get(cell) ?? [])])
      expect(allowed.has(found.get(cell)), `${cell}: ${found.get(cell)}`).toBe(true)
    }
    expect(tried.size).toBeGreaterThan(100)
    // And it claims nothing that it lacks: the store it came from loses nothing to it.
    const now = readCells(store)
    joinFull(store, again.fullState())
    joinFull(again, store.fullState())
    expect(readCells(store)).toEqual(now)
    expect(readCells(again)).toEqual(now)
    await again.close()
    await store.close()
  })

  it('restored into a cluster that went on brings nothing deleted back and takes nothing new away', async () => {
    const cluster = await openHostStore()
    await fill(cluster, 200)
    const bytes = await saved(cluster)
    for (const i of [1, 2, 5, 6]) await writeCell(cluster, `${['map', 'map', 'set'][i % 4]} c${i}`, undefined)
    await writeCell(cluster, 'map c9', 'newer')
    await writeCell(cluster, 'map fresh', 'since')
    await writeCell(cluster, 'set fresh', 'present')
    const expected = readCells(cluster)
    const old = await reopened(bytes)
    await writeCell(old, 'map own', 'of the restored one')
    expected.set('map own', 'of the restored one')
    joinFull(cluster, old.fullState())
    joinFull(old, cluster.fullState())
    expect(readCells(cluster)).toEqual(expected)
    expect(readCells(old)).toEqual(expected)
    await old.close()
    await cluster.close()
  })
})

describe('a spoilt snapshot', () => {
  let bytes: Uint8Array = new Uint8Array()

  beforeAll(async () => {
    const store = await openHostStore()
    await fill(store, 40)
    bytes = await saved(store)
    await store.close()
  })

  async function refusal(spoilt: Uint8Array): Promise<unknown> {
    return verifySnapshot(pieces(spoilt, 700)).then(
      () => undefined,
      (error: unknown) => error,
    )
  }

  it('is refused for a flipped bit in any byte, and told where', async () => {
    for (let at = 0; at < bytes.length; at++) {
      const spoilt = Uint8Array.from(bytes)
      spoilt[at] = (spoilt[at] ?? 0) ^ (1 << (at % 8))
      const error = await refusal(spoilt)
      expect(error, `byte ${at}`).toMatchObject({ code: expect.stringMatching(/^SNAPSHOT_/) })
    }
    const spoilt = Uint8Array.from(bytes)
    spoilt[100] = (spoilt[100] ?? 0) ^ 1
    expect(await refusal(spoilt)).toMatchObject({
      message: expect.stringMatching(/at byte \d+: the checksum/),
    })
  })

  it('is refused when it was cut anywhere, or has something behind its end', async () => {
    for (let length = 0; length < bytes.length; length++) {
      expect(await refusal(bytes.subarray(0, length)), `${length}`).toMatchObject({
        code: 'SNAPSHOT_DAMAGED',
      })
    }
    expect(await refusal(Buffer.concat([bytes, Uint8Array.of(0)]))).toMatchObject({
      code: 'SNAPSHOT_DAMAGED',
    })
    expect(await refusal(Buffer.concat([bytes, bytes]))).toMatchObject({ code: 'SNAPSHOT_DAMAGED' })
    const reader = new SnapshotReader()
    await reader.take(bytes)
    await reader.take(Uint8Array.of(0))
    expect(() => reader.finish()).toThrow('something follows its end')
  })

  it('is refused when a whole frame was taken out of it', async () => {
    const store = await openHostStore()
    await fill(store, 3000)
    const large = await saved(store)
    await store.close()
    const view = new DataView(large.buffer, large.byteOffset)
    const headAt = 18
    const firstAt = headAt + 8 + view.getUint32(headAt)
    const secondAt = firstAt + 8 + view.getUint32(firstAt)
    expect(secondAt).toBeLessThan(large.length / 2)
    const without = Buffer.concat([large.subarray(0, firstAt), large.subarray(secondAt)])
    expect(await refusal(without)).toMatchObject({ code: 'SNAPSHOT_DAMAGED' })
  })

  it('of a newer format is refused by name', async () => {
    const newer = Uint8Array.from(bytes)
    newer[17] = 2
    expect(await refusal(newer)).toMatchObject({ code: 'SNAPSHOT_FORMAT_NEWER' })
  })

  it('leaves nothing behind where it was to be restored', async () => {
    const path = tempDir()
    for (const length of [0, 10, 1000, bytes.length - 1]) {
      await expect(restored(bytes.subarray(0, length), path)).rejects.toMatchObject({
        code: 'SNAPSHOT_DAMAGED',
      })
      expect(readdirSync(path)).toEqual([])
    }
    await restored(bytes, path)
    expect(readdirSync(path)).toEqual(['hearsay'])
  })

  it('is not restored over anything, nor beside what a restore that was killed has left', async () => {
    const path = tempDir()
    await restored(bytes, path)
    await expect(restored(bytes, path)).rejects.toMatchObject({ code: 'STORE_NOT_EMPTY' })
    const other = tempDir()
    mkdirSync(join(other, 'hearsay.restoring', 'db'), { recursive: true })
    writeFileSync(join(other, 'hearsay.restoring', 'db', 'junk'), 'x')
    await restored(bytes, other)
    expect(existsSync(join(other, 'hearsay.restoring'))).toBe(false)
    const store = await openHostStore({ path: other })
    expect(store.status().entries).toBeGreaterThan(0)
    await store.close()
  })
})
