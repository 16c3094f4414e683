/** Opening, closing and opening again: who the replica is, what it holds, and what it refuses. */

import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { ByteWriter } from '../../../src/base/bytes.ts'
import { actorId } from '../../../src/base/names.ts'
import { sealRecord } from '../../../src/store/checked-record.ts'
import type { StoreLog } from '../../../src/store/core/store-log.ts'
import { LevelStorage } from '../../../src/store/level-storage.ts'
import type { StateStore } from '../../../src/store/state-store.ts'
import type { StoragePair } from '../../../src/store/storage.ts'
import { joinFull } from '../../../src/testing/full-join.ts'
import { allPairs } from '../../contract/storage.contract.ts'
import { openHostStore } from '../../support/host-store.ts'
import { tempDir } from '../../support/temp-dir.ts'

const text = (value: string): { contentType: string; bytes: Uint8Array } => ({
  contentType: 'text/plain',
  bytes: new TextEncoder().encode(value),
})

/** Keys that can be found in the bytes of the database, however it lays them out. */
function name(key: string): string {
  return `needle-${key}`
}

function read(store: StateStore, key: string): string | undefined {
  const item = store.kv.get('m', name(key))
  return item === undefined ? undefined : new TextDecoder().decode(item.value.bytes)
}

/** A closed store that holds `a`, `b` and `c`, a set and a record. */
async function filled(): Promise<string> {
  const path = tempDir()
  const store = await openHostStore({ path })
  for (const key of ['a', 'b', 'c']) await store.kv.put('m', name(key), text(`value of ${key}`))
  await store.sets.add('s', 'x')
  await store.records.write('t', (stage) =>
    stage.put('r', { versionNs: 5n, bytes: Uint8Array.of(7), expiresAtMs: 4e12 }),
  )
  await store.close()
  return path
}

function recordingLog(): { log: StoreLog; events: string[] } {
  const events: string[] = []
  const keep = (event: string, fields: object): void => {
    events.push(`${event} ${JSON.stringify(fields)}`)
  }
  return { log: { info: keep, warn: keep }, events }
}

/** Opens, gives the actor, closes. */
async function actorOf(path: string, log?: StoreLog): Promise<string> {
  const store = await openHostStore({ path, ...(log === undefined ? {} : { log }) })
  await store.close()
  return store.actor
}

/** Changes the pairs of a closed database behind the store's back. */
async function tamper(
  path: string,
  change: (pairs: StoragePair[], storage: LevelStorage) => Promise<void>,
): Promise<void> {
  const storage = new LevelStorage(join(path, 'hearsay', 'db'))
  await storage.open()
  await change(await allPairs(storage), storage)
  await storage.close()
}

/** Flips one bit in the stored value of a key of `filled`, which the engine will not notice. */
async function spoil(path: string, key: string): Promise<void> {
  await tamper(path, async (pairs, storage) => {
    const hits = pairs.filter(([stored]) => Buffer.from(stored).includes(name(key)))
    expect(hits).toHaveLength(1)
    const [stored, value] = hits[0] ?? []
    if (stored === undefined || value === undefined) return
    const spoilt = Uint8Array.from(value)
    spoilt[spoilt.length - 1] = (spoilt.at(-1) ?? 0) ^ 1
    await storage.write([{ type: 'put', key: stored, value: spoilt }])
  })
}

describe('a store on disk', () => {
  it('holds after a restart what it held before, under the same actor', async () => {
    const path = await filled()
    const actor = await actorOf(path)
    const store = await openHostStore({ path })
    expect(store.actor).toBe(actor)
    expect(read(store, 'a')).toBe('value of a')
    expect(store.sets.members('s')).toEqual(['x'])
    expect(store.records.get('t', 'r')).toMatchObject({ versionNs: 5n })
    expect(store.status()).toMatchObject({
      engine: 'level',
      entries: 3,
      setMembers: 1,
      records: 1,
      damagedRecords: 0,
    })
    await store.close()
  })

  it('keeps to hearsay/ below the storage path, private to its user, beside whatever else is there', async () => {
    const path = tempDir()
    writeFileSync(join(path, 'nflog'), 'of an Alertmanager')
    await actorOf(path)
    expect(readdirSync(path)).toEqual(['hearsay', 'nflog'])
    expect(readdirSync(join(path, 'hearsay'))).toEqual(['actor', 'db', 'place'])
    expect(statSync(join(path, 'hearsay')).mode & 0o777).toBe(0o700)
  })

  it('refuses a folder that holds something else, and sweeps its own temporary files', async () => {
    const path = tempDir()
    mkdirSync(join(path, 'hearsay'))
    writeFileSync(join(path, 'hearsay', 'actor.tmp-01234567'), 'half')
    await actorOf(path)
    expect(readdirSync(join(path, 'hearsay'))).toEqual(['actor', 'db', 'place'])
    writeFileSync(join(path, 'hearsay', 'photos.zip'), '')
    await expect(openHostStore({ path })).rejects.toMatchObject({ code: 'STORE_NOT_OURS' })
  })

  it('refuses a second open, and the first goes on', async () => {
    const path = tempDir()
    const store = await openHostStore({ path })
    await expect(openHostStore({ path })).rejects.toMatchObject({ code: 'STORE_LOCKED' })
    await store.kv.put('m', name('a'), text('1'))
    await store.close()
  })

  it('refuses a newer format by name, and leaves the lock free', async () => {
    const path = await filled()
    await tamper(path, async (pairs, storage) => {
      const key =
        pairs.find(([candidate]) => candidate[0] === 0xff && candidate.length === 2)?.[0] ?? new Uint8Array()
      const value = sealRecord(key, new ByteWriter().string('hearsay store').varint(2).finish())
      await storage.write([{ type: 'put', key, value }])
    })
    for (let i = 0; i < 2; i++) {
      await expect(openHostStore({ path })).rejects.toMatchObject({ code: 'STORE_FORMAT_NEWER' })
    }
  })

  it('keeps a peer name and incarnation that it was told to remember', async () => {
    const path = tempDir()
    const store = await openHostStore({ path })
    await store.identity.remember({ name: 'zz-one' })
    await store.identity.remember({ incarnation: 9 })
    await store.close()
    const again = await openHostStore({ path })
    expect(again.identity).toMatchObject({ name: 'zz-one', incarnation: 9 })
    await again.close()
  })
})

describe('a store whose past is in doubt', () => {
  it('becomes a new actor when its actor file is gone, damaged, or alone', async () => {
    const spoilers: ((folder: string) => void)[] = [
      (folder) => rmSync(join(folder, 'actor')),
      (folder) =>
        writeFileSync(
          join(folder, 'actor'),
          readFileSync(join(folder, 'actor'), 'utf8').replace('"leasedTo":', '"leasedTo":1'),
        ),
      (folder) => rmSync(join(folder, 'db'), { recursive: true }),
    ]
    for (const spoil of spoilers) {
      const path = await filled()
      const before = await actorOf(path)
      spoil(join(path, 'hearsay'))
      const { log, events } = recordingLog()
      const after = await actorOf(path, log)
      expect(after).not.toBe(before)
      expect(events.filter((event) => event.startsWith('store_new_actor'))).toHaveLength(1)
      expect(await actorOf(path)).toBe(after)
    }
  })

  it('becomes a new actor when its database is older than at its orderly close', async () => {
    const path = await filled()
    const older = tempDir()
    cpSync(join(path, 'hearsay', 'db'), join(older, 'db'), { recursive: true })
    const store = await openHostStore({ path })
    const { actor } = store
    await store.kv.put('m', 'later', text('1'))
    await store.close()
    rmSync(join(path, 'hearsay', 'db'), { recursive: true })
    cpSync(join(older, 'db'), join(path, 'hearsay', 'db'), { recursive: true })
    expect(await actorOf(path)).not.toBe(actor)
  })

  it('becomes a new actor when its actor file is older than its database', async () => {
    const path = await filled()
    const actorPath = join(path, 'hearsay', 'actor')
    const [line = ''] = readFileSync(actorPath, 'utf8').split('\n')
    const older = line.replace(/"leasedTo":\d+/, '"leasedTo":1').replace(/,"closedAtBatch":\d+/, '')
    writeFileSync(actorPath, `${older}\ncrc32 ${crc32(older).toString(16).padStart(8, '0')}\n`)
    const { actor } = JSON.parse(line)
    expect(await actorOf(path)).not.toBe(actor)
  })

  it('leaves out a damaged value, counts and names it, and keeps the rest', async () => {
    const path = await filled()
    const before = await actorOf(path)
    await spoil(path, 'b')
    const { log, events } = recordingLog()
    const store = await openHostStore({ path, log })
    expect(read(store, 'b')).toBeUndefined()
    expect(read(store, 'a')).toBe('value of a')
    expect(store.status()).toMatchObject({ entries: 2, damagedRecords: 1 })
    expect(store.actor).not.toBe(before)
    expect(events.some((event) => event.startsWith('store_record_damaged'))).toBe(true)
    await store.close()
    const again = await openHostStore({ path })
    expect(again.status()).toMatchObject({ entries: 2, damagedRecords: 0, actor: store.actor })
    await again.close()
  })

  it('takes back from a peer what was damaged, instead of making the peer delete it, also after another restart', async () => {
    const path = await filled()
    const peer = await openHostStore()
    const healthy = await openHostStore({ path })
    joinFull(peer, healthy.fullState())
    await healthy.close()
    await spoil(path, 'b')
    await actorOf(path)
    const store = await openHostStore({ path })
    joinFull(peer, store.fullState())
    expect(read(peer, 'b')).toBe('value of b')
    joinFull(store, peer.fullState())
    expect(read(store, 'b')).toBe('value of b')
    await store.close()
    await peer.close()
  })

  it('goes on as a new actor at once when a peer knows writes in its name that it did not make', async () => {
    const store = await openHostStore({ path: tempDir() })
    const former = store.actor
    await store.kv.put('m', name('a'), text('1'))
    store.join({ puts: [], adds: [], covered: [{ actor: actorId(former), n: 50_000 }], records: [] })
    expect(store.actor).not.toBe(former)
    const { item } = await store.kv.put('m', name('a'), text('2'))
    expect(item.version.endsWith(store.actor)).toBe(true)
    expect(read(store, 'a')).toBe('2')
    await store.close()
  })
})

describe('a store in memory', () => {
  it('works the same, is a new actor each time and leaves nothing', async () => {
    const store = await openHostStore()
    await store.kv.put('m', name('a'), text('1'))
    expect(read(store, 'a')).toBe('1')
    expect(store.status()).toMatchObject({ engine: 'memory', entries: 1 })
    await store.close()
    await store.close()
    await expect(store.kv.put('m', name('a'), text('1'))).rejects.toMatchObject({ code: 'STORE_CLOSED' })
    const other = await openHostStore()
    expect(other.actor).not.toBe(store.actor)
    expect(read(other, 'a')).toBeUndefined()
    await other.close()
  })
})
