/** Stamps never fall back over a restart, whatever the wall clock says and whatever batches were lost. */
import { randomBytes } from 'node:crypto'
import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { compareStamps, parseStamp, type Stamp } from '../../../src/crdt/hlc.ts'
import { readActorFile } from '../../../src/store/actor-file.ts'
import { STAMP_STEP_MS } from '../../../src/store/core/actor-record.ts'
import { openStore } from '../../../src/store/open-store.ts'
import { StampBound } from '../../../src/store/stamp-bound.ts'
import type { StateStore } from '../../../src/store/state-store.ts'
import { tempDir } from '../../support/temp-dir.ts'

const WALL_MS = 1_700_000_000_000

/** A disk that finishes a save only when told to. */
class HeldDisk {
  readonly saved: number[] = []
  readonly #waiting: (() => void)[] = []
  held = false
  error: Error | undefined

  save = async (boundMs: number): Promise<void> => {
    if (this.held) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    if (this.error !== undefined) throw this.error
    this.saved.push(boundMs)
  }

  async release(): Promise<void> {
    this.held = false
    for (const resolve of this.#waiting.splice(0)) resolve()
    await new Promise((resolve) => setImmediate(resolve))
  }
}

function boundOn(disk: HeldDisk, boundMs = 0): StampBound {
  return new StampBound(boundMs, disk.save)
}

describe('the stamp bound', () => {
  it('makes the first stamp wait until a time 5 s ahead is on disk, and the next ones not', async () => {
    const disk = new HeldDisk()
    const bound = boundOn(disk)
    disk.held = true
    const covered = bound.cover(WALL_MS, WALL_MS)
    expect([bound.ms, covered]).toEqual([0, expect.any(Promise)])
    await disk.release()
    await covered
    expect(disk.saved).toEqual([WALL_MS + STAMP_STEP_MS])
    expect(bound.cover(WALL_MS + 2000, WALL_MS + 2000)).toBeUndefined()
  })

  it('under steady writing is raised in the background every 2.5 s, and nobody waits', async () => {
    const disk = new HeldDisk()
    const bound = boundOn(disk)
    await bound.cover(WALL_MS, WALL_MS)
    for (let ms = 1; ms <= 60_000; ms += 10) {
      expect(bound.cover(WALL_MS + ms, WALL_MS + ms)).toBeUndefined()
      if (ms % 100 === 1) await new Promise((resolve) => setImmediate(resolve))
      expect(bound.ms).toBeGreaterThanOrEqual(WALL_MS + ms)
    }
    expect(disk.saved.length).toBeLessThan(30)
  })

  it('a stamp beyond what is being saved waits for a save of its own', async () => {
    const disk = new HeldDisk()
    const bound = boundOn(disk)
    disk.held = true
    const first = bound.cover(WALL_MS, WALL_MS)
    const later = bound.cover(WALL_MS + 3_600_000, WALL_MS + 3_600_000)
    await disk.release()
    await Promise.all([first, later])
    expect(bound.ms).toBe(WALL_MS + 3_600_000 + STAMP_STEP_MS)
  })

  it('tells whoever has to wait that the disk refuses, and goes on once it takes it', async () => {
    const disk = new HeldDisk()
    const bound = boundOn(disk)
    disk.error = new Error('no space left')
    await expect(bound.cover(WALL_MS, WALL_MS)).rejects.toThrow('no space left')
    disk.error = undefined
    await bound.cover(WALL_MS, WALL_MS)
    expect(bound.ms).toBeGreaterThan(WALL_MS)
  })

  it('a background save that fails disturbs nobody before the edge', async () => {
    const disk = new HeldDisk()
    const bound = boundOn(disk)
    await bound.cover(WALL_MS, WALL_MS)
    disk.error = new Error('no space left')
    expect(bound.cover(WALL_MS + 4000, WALL_MS + 4000)).toBeUndefined()
    await new Promise((resolve) => setImmediate(resolve))
    expect(bound.cover(WALL_MS + 5000, WALL_MS + 5000)).toBeUndefined()
    await expect(bound.cover(WALL_MS + 5001, WALL_MS + 5001)).rejects.toThrow('no space left')
  })

  it('a loop of crashes does not carry the stamps away from the wall', async () => {
    let boundMs = 0
    for (let life = 0; life < 1000; life++) {
      const bound = boundOn(new HeldDisk(), boundMs)
      const clockMs = Math.max(WALL_MS + life, boundMs + 1)
      await bound.cover(clockMs, WALL_MS + life)
      boundMs = bound.ms
    }
    expect(boundMs).toBeLessThanOrEqual(WALL_MS + 1000 + STAMP_STEP_MS)
  })

  it('can be lowered when the stamps were taken back, and covers the ones that come while it is', async () => {
    const disk = new HeldDisk()
    const bound = boundOn(disk)
    await bound.cover(WALL_MS + 3_600_000, WALL_MS + 3_600_000)
    disk.held = true
    const lowered = bound.turnBack(WALL_MS)
    await new Promise((resolve) => setImmediate(resolve))
    await disk.release()
    await lowered
    expect([bound.ms, disk.saved.at(-1)]).toEqual([WALL_MS + STAMP_STEP_MS, WALL_MS + STAMP_STEP_MS])
    expect(bound.cover(WALL_MS + 1, WALL_MS + 1)).toBeUndefined()
    await bound.cover(WALL_MS + 6000, WALL_MS + 6000)
    expect(disk.saved.at(-1)).toBe(WALL_MS + 6000 + STAMP_STEP_MS)
  })

  it('goes ahead of a clock that leads the wall, so that not every batch needs a save', async () => {
    const disk = new HeldDisk()
    const bound = boundOn(disk)
    for (let ms = 0; ms <= 60_000; ms += 10) await bound.cover(WALL_MS + 8000 + ms, WALL_MS + ms)
    expect(bound.ms).toBeGreaterThanOrEqual(WALL_MS + 68_000)
    expect(disk.saved.length).toBeLessThan(50)
  })
})

/** A store at `path` whose wall clock shows what `wall.ms` says. */
async function openAt(path: string, wall: { ms: number }): Promise<StateStore> {
  const store = await openStore({
    path,
    clock: { monotonicMs: () => performance.now(), wallMs: () => wall.ms },
    randomBytes,
  })
  onTestFinished(() => store.close())
  return store
}

async function put(store: StateStore, key: string): Promise<Stamp> {
  const value = { contentType: 'text/plain', bytes: Uint8Array.of(1) }
  return parseStamp((await store.kv.put('m', key, value)).item.version)
}

/** What a crash leaves: the files as they are, without an orderly end. */
function crashed(path: string): string {
  const copy = tempDir()
  cpSync(path, copy, { recursive: true })
  rmSync(join(copy, 'hearsay', 'db', 'LOCK'), { force: true })
  return copy
}

describe('after a restart with the wall clock an hour earlier', () => {
  const HOUR_MS = 3_600_000

  it.each([
    ['an orderly end', (path: string, store: StateStore) => store.close().then(() => path)],
    ['a crash', async (path: string) => crashed(path)],
  ])('and %s, no stamp lies below one of the life before', async (_end, ended) => {
    const wall = { ms: WALL_MS }
    const path = tempDir()
    const first = await openAt(path, wall)
    await put(first, 'a')
    wall.ms += 1000
    const last = await put(first, 'a')
    const left = await ended(path, first)
    const second = await openAt(left, { ms: WALL_MS - HOUR_MS })
    for (const key of ['a', 'b']) expect(compareStamps(await put(second, key), last)).toBeGreaterThan(0)
  })

  it('and without the last batches, new stamps lie above those that are forgotten here and known to peers', async () => {
    const wall = { ms: WALL_MS }
    const path = tempDir()
    const first = await openAt(path, wall)
    await put(first, 'a')
    const older = crashed(path)
    let last = await put(first, 'a')
    for (let i = 0; i < 10; i++) {
      wall.ms += 1700
      last = await put(first, 'a')
    }
    await first.close()
    // An older copy of the database under the newer actor file.
    rmSync(join(path, 'hearsay', 'db'), { recursive: true })
    cpSync(join(older, 'hearsay', 'db'), join(path, 'hearsay', 'db'), { recursive: true })
    const second = await openAt(path, { ms: WALL_MS - HOUR_MS })
    expect(compareStamps(await put(second, 'a'), last)).toBeGreaterThan(0)
  })

  it('and with nothing of the database, too', async () => {
    const path = tempDir()
    const first = await openAt(path, { ms: WALL_MS })
    const last = await put(first, 'a')
    await first.close()
    rmSync(join(path, 'hearsay', 'db'), { recursive: true })
    const second = await openAt(path, { ms: WALL_MS - HOUR_MS })
    expect(second.actor).not.toBe(first.actor)
    expect(compareStamps(await put(second, 'a'), last)).toBeGreaterThan(0)
  })

  it('unless they were taken back on purpose: then the next life keeps to the wall, too', async () => {
    const wall = { ms: WALL_MS + HOUR_MS }
    const path = tempDir()
    const first = await openAt(path, wall)
    const ahead = await put(first, 'a')
    wall.ms = WALL_MS
    expect(first.clockLeadMs()).toBe(HOUR_MS)
    await first.turnBackClock()
    const other = await put(first, 'b')
    expect(other.ms).toBe(WALL_MS)
    expect(compareStamps(await put(first, 'a'), ahead)).toBeGreaterThan(0)
    const second = await openAt(crashed(path), wall)
    const next = await put(second, 'b')
    expect(next.ms).toBeLessThanOrEqual(WALL_MS + STAMP_STEP_MS + 1)
    expect(compareStamps(next, other)).toBeGreaterThan(0)
  })

  it('and they are not taken back any more once the store is closed: the file may be of another process then', async () => {
    const wall = { ms: WALL_MS + HOUR_MS }
    const path = tempDir()
    const store = await openAt(path, wall)
    await put(store, 'a')
    await store.close()
    wall.ms = WALL_MS
    const before = await readActorFile(join(path, 'hearsay', 'actor'))
    await store.turnBackClock()
    expect(await readActorFile(join(path, 'hearsay', 'actor'))).toEqual(before)
  })

  it('the bound is on disk before a write is acknowledged', async () => {
    const wall = { ms: WALL_MS }
    const path = tempDir()
    const store = await openAt(path, wall)
    for (let i = 0; i < 5; i++) {
      wall.ms += 4000
      const stamp = await put(store, 'a')
      const reading = await readActorFile(join(path, 'hearsay', 'actor'))
      expect(reading).toMatchObject({ kind: 'intact' })
      if (reading.kind === 'intact') expect(reading.record.stampBoundMs).toBeGreaterThanOrEqual(stamp.ms)
    }
  })

  it('after an orderly end the clock is not ahead of what was issued', async () => {
    const wall = { ms: WALL_MS }
    const path = tempDir()
    const first = await openAt(path, wall)
    await put(first, 'a')
    await first.close()
    wall.ms += 50
    expect((await put(await openAt(path, wall), 'b')).ms).toBe(WALL_MS + 50)
  })
})
