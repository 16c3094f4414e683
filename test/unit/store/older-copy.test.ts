/**
 * A replica that is started on an older copy of its directory, on a clone, or on nothing (reliability.md section 2, rows
 * 35 and 36): no number is used twice, nothing acknowledged is lost, nothing deleted comes back.
 */
import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Dot } from '../../../src/crdt/dot.ts'
import type { StateStore } from '../../../src/store/state-store.ts'
import { joinFull } from '../../../src/testing/full-join.ts'
import { readCells, writeCell } from '../../crash/store-cells.ts'
import { openHostStore } from '../../support/host-store.ts'
import { tempDir } from '../../support/temp-dir.ts'

/** Both ways. */
function exchange(a: StateStore, b: StateStore): void {
  joinFull(a, b.fullState())
  joinFull(b, a.fullState())
}

function dotsOf(store: StateStore): string[] {
  const { puts, adds } = store.fullState()
  const name = ({ actor, n }: Dot): string => `${actor} ${n}`
  return [...puts.map(({ entry }) => name(entry.dot)), ...adds.map(({ dot }) => name(dot))]
}

async function writeAll(
  store: StateStore,
  cells: readonly (readonly [string, string | undefined])[],
): Promise<void> {
  await Promise.all(cells.map(([cell, content]) => writeCell(store, cell, content)))
}

const MANY = Array.from({ length: 300 }, (_, i) => [`map later${i}`, `later ${i}`] as const)

describe('a replica on an older copy of its directory', () => {
  for (const [what, closes] of [
    ['made after an orderly close', true],
    ['made of a running one', false],
  ] as const) {
    it(`is somebody new, and its first writes are not taken for old ones (${what})`, async () => {
      const path = tempDir()
      const copy = join(tempDir(), 'yesterday')
      const peer = await openHostStore()
      let store = await openHostStore({ path })
      await writeAll(store, [
        ['map kept', '1'],
        ['map deleted', '1'],
        ['set kept', 'present'],
        ['set gone', 'present'],
      ])
      exchange(store, peer)
      if (closes) await store.close()
      cpSync(path, copy, { recursive: true })
      if (closes) store = await openHostStore({ path })
      await writeAll(store, [...MANY, ['map deleted', undefined], ['set gone', undefined]])
      exchange(store, peer)
      const former = store.actor
      await store.close()
      rmSync(path, { recursive: true })
      cpSync(copy, path, { recursive: true })

      const restored = await openHostStore({ path, hasPeers: true })
      expect(restored.actor).not.toBe(former)
      expect(restored.status().awaitingPeers).toMatch(/copied/)
      // Before it has heard of anybody.
      await writeAll(restored, [
        ['map early', 'first'],
        ['set early', 'present'],
      ])
      exchange(restored, peer)
      const expected = new Map([
        ...MANY,
        ['map kept', '1'],
        ['map early', 'first'],
        ['set kept', 'present'],
        ['set early', 'present'],
      ])
      for (const side of [restored, peer]) {
        expect(readCells(side)).toEqual(expected)
        expect(new Set(dotsOf(side)).size).toBe(dotsOf(side).length)
      }
      await restored.close()
      const again = await openHostStore({ path, hasPeers: true })
      expect(again.actor).toBe(restored.actor)
      await again.close()
      await peer.close()
    })
  }

  it('and the original, both alive, never use the same number', async () => {
    const path = tempDir()
    const copy = join(tempDir(), 'clone')
    const seed = await openHostStore({ path })
    await writeCell(seed, 'map common', '1')
    await seed.close()
    cpSync(path, copy, { recursive: true })
    const [original, clone] = await Promise.all([openHostStore({ path }), openHostStore({ path: copy })])
    expect(original.actor).toBe(seed.actor)
    expect(clone.actor).not.toBe(seed.actor)
    await Promise.all([writeAll(original, [['map a', 'original']]), writeAll(clone, [['map b', 'clone']])])
    exchange(original, clone)
    for (const side of [original, clone]) {
      expect(readCells(side)).toEqual(
        new Map([
          ['map common', '1'],
          ['map a', 'original'],
          ['map b', 'clone'],
        ]),
      )
    }
    await original.close()
    await clone.close()
  })
})

describe('a replica on an emptied directory', () => {
  it('is somebody new, loses what peers hold to nobody, and gets it back', async () => {
    const path = tempDir()
    const peer = await openHostStore()
    const store = await openHostStore({ path })
    await writeAll(store, [...MANY, ['set kept', 'present']])
    exchange(store, peer)
    await store.close()
    rmSync(join(path, 'hearsay'), { recursive: true })
    const emptied = await openHostStore({ path, hasPeers: true })
    expect(emptied.actor).not.toBe(store.actor)
    await writeCell(emptied, 'map later0', 'anew')
    exchange(emptied, peer)
    const expected = new Map([...MANY, ['set kept', 'present'], ['map later0', 'anew']])
    for (const side of [emptied, peer]) expect(readCells(side)).toEqual(expected)
    await emptied.close()
    await peer.close()
  })
})
