/** Maps, sets and record tables of an open store: results, preconditions, limits, watchers, failing disks. */

import { beforeEach, describe, expect, it } from 'vitest'
import { HearsayError } from '../../../src/base/errors.ts'
import { actorId } from '../../../src/base/names.ts'
import type { Delta } from '../../../src/store/core/delta.ts'
import { MemoryStorage } from '../../../src/store/memory-storage.ts'
import type { StateStore } from '../../../src/store/state-store.ts'
import { joinFull } from '../../../src/testing/full-join.ts'
import { openHostStore } from '../../support/host-store.ts'
import { until } from '../../support/until.ts'

const text = (value: string): { contentType: string; bytes: Uint8Array } => ({
  contentType: 'text/plain',
  bytes: new TextEncoder().encode(value),
})

let storage: MemoryStorage
let store: StateStore

beforeEach(async () => {
  storage = new MemoryStorage()
  store = await openHostStore({
    storage: () => storage,
    limits: { keyBytesMax: 8, valueBytesMax: 10, entriesMax: 5 },
  })
})

describe('key-value maps', () => {
  it('say whether a put created, and give versions that grow', async () => {
    const first = await store.kv.put('m', 'a', text('1'))
    const second = await store.kv.put('m', 'a', text('2'), { expiresAtMs: 4e12 })
    expect([first.created, second.created]).toEqual([true, false])
    expect(second.item.version).not.toBe(first.item.version)
    expect(store.kv.get('m', 'a')).toEqual(second.item)
    expect(second.item.expiresAtMs).toBe(4e12)
  })

  it('delete what is there, and say so when nothing was', async () => {
    await store.kv.put('m', 'a', text('1'))
    expect(await store.kv.delete('m', 'a')).toMatchObject({ existed: true })
    expect(await store.kv.delete('m', 'a')).toMatchObject({ existed: false })
    expect(store.kv.get('m', 'a')).toBeUndefined()
    expect(store.kv.maps()).toEqual([])
  })

  it('tell what was written, and for a deletion tried again what the first one wrote', async () => {
    const put = await store.kv.put('m', 'a', text('1'))
    expect(put.deltas.map(({ puts }) => puts.map(({ key }) => key))).toEqual([['a']])
    const first = await store.kv.delete('m', 'a')
    const again = await store.kv.delete('m', 'a')
    expect(again.deltas.map(({ puts }) => puts)).toEqual(first.deltas.map(({ puts }) => puts))
    expect((await store.kv.delete('m', 'never')).deltas).toEqual([])
    const { deltas } = await store.sets.add('s', 'x')
    expect((await store.sets.remove('s', 'x')).deltas[0]?.covered).toEqual([deltas[0]?.adds[0]?.dot])
    expect((await store.sets.remove('s', 'x')).deltas[0]?.covered).toEqual([deltas[0]?.adds[0]?.dot])
    expect((await store.sets.remove('s', 'never')).deltas).toEqual([])
  })

  it('keep their own copy of the bytes', async () => {
    const value = text('1')
    await store.kv.put('m', 'a', value)
    value.bytes[0] = 0x39
    expect(store.kv.get('m', 'a')?.value.bytes).toEqual(Uint8Array.of(0x31))
  })

  it('list pages by prefix', async () => {
    for (const key of ['b2', 'a', 'b1', 'b3']) await store.kv.put('m', key, text(key))
    const page = store.kv.list('m', { prefix: 'b', limit: 2 })
    expect(page.items.map((item) => item.key)).toEqual(['b1', 'b2'])
    const rest = store.kv.list('m', { prefix: 'b', limit: 2, after: page.next ?? '' })
    expect(rest.items.map((item) => item.key)).toEqual(['b3'])
    expect(rest.next).toBeUndefined()
    expect(store.kv.maps()).toEqual([{ name: 'm', count: 4 }])
  })

  it('compare preconditions with the version current when the write happens', async () => {
    const failed = { code: 'STORE_PRECONDITION_FAILED' }
    await expect(store.kv.put('m', 'a', text('1'), { ifVersion: '*' })).rejects.toMatchObject(failed)
    await expect(store.kv.delete('m', 'a', { ifVersion: ['1.1.1.x'] })).rejects.toMatchObject(failed)
    const { item } = await store.kv.put('m', 'a', text('1'), { ifAbsent: true })
    await expect(store.kv.put('m', 'a', text('2'), { ifAbsent: true })).rejects.toMatchObject(failed)
    await expect(store.kv.put('m', 'a', text('2'), { ifVersion: ['0.0.0.x'] })).rejects.toMatchObject(failed)
    await store.kv.put('m', 'a', text('2'), { ifVersion: ['0.0.0.x', item.version] })
    await expect(store.kv.delete('m', 'a', { ifVersion: [item.version] })).rejects.toMatchObject(failed)
    await store.kv.delete('m', 'a', { ifVersion: '*' })
    await store.kv.put('m', 'a', text('3'), { ifAbsent: true })
  })

  it('let exactly one of many concurrent creators win', async () => {
    const puts = Array.from({ length: 20 }, (_, i) =>
      store.kv.put('m', 'a', text(`${i}`), { ifAbsent: true }),
    )
    const outcomes = await Promise.allSettled(puts)
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  })

  it('take any key that has a UTF-8 form and fits, and no other', async () => {
    for (const key of ['', '__proto__'.slice(0, 8), '../', '😀😀', '\0']) {
      await store.kv.put('m', key, text('1'))
      expect(store.kv.get('m', key)?.key).toBe(key)
    }
    await expect(store.kv.put('m', '\ud800', text('1'))).rejects.toMatchObject({
      code: 'STORE_KEY_MALFORMED',
    })
    await expect(store.kv.put('m', '123456789', text('1'))).rejects.toMatchObject({
      code: 'STORE_KEY_TOO_LARGE',
    })
    await expect(store.kv.put('m', '😀😀é', text('1'))).rejects.toMatchObject({ code: 'STORE_KEY_TOO_LARGE' })
    await expect(store.kv.put('x'.repeat(1025), 'a', text('1'))).rejects.toMatchObject({
      code: 'STORE_KEY_TOO_LARGE',
    })
  })

  it('refuse a value over the limit, and one entry more than fit', async () => {
    await expect(store.kv.put('m', 'a', text('12345678901'))).rejects.toMatchObject({
      code: 'STORE_VALUE_TOO_LARGE',
    })
    for (let i = 0; i < 5; i++) await store.kv.put('m', `${i}`, text('1234567890'))
    await expect(store.kv.put('m', '5', text('1'))).rejects.toMatchObject({ code: 'STORE_ENTRIES_MAX' })
    await expect(store.sets.add('s', 'x')).rejects.toMatchObject({ code: 'STORE_ENTRIES_MAX' })
    await store.kv.put('m', '4', text('other'))
    await store.kv.delete('m', '4')
    await store.kv.put('m', '5', text('1'))
  })
})

describe('the limit of entries', () => {
  it('counts what is held: values that have expired until they are swept away, and no tombstones', async () => {
    let wallMs = 1000
    const clock = { monotonicMs: () => wallMs, wallMs: () => wallMs }
    const small = await openHostStore({ clock, limits: { entriesMax: 2 } })
    await small.kv.put('m', 'a', text('1'), { expiresAtMs: 2000 })
    await small.kv.put('m', 'b', text('1'))
    await small.kv.delete('m', 'b')
    await small.sets.add('s', 'x')
    wallMs = 2001
    expect(small.status().entries).toBe(0)
    await expect(small.kv.put('m', 'c', text('1'))).rejects.toMatchObject({ code: 'STORE_ENTRIES_MAX' })
    await small.sets.remove('s', 'x')
    await small.kv.put('m', 'c', text('1'))
    await small.close()
  })
})

describe('string sets', () => {
  it('add, remove and list members in order', async () => {
    expect(await store.sets.add('s', 'b')).toMatchObject({ added: true })
    expect(await store.sets.add('s', 'b')).toMatchObject({ added: false })
    await store.sets.add('s', 'a')
    expect(store.sets.members('s')).toEqual(['a', 'b'])
    expect(store.sets.has('s', 'b')).toBe(true)
    expect(await store.sets.remove('s', 'b')).toMatchObject({ existed: true })
    expect(await store.sets.remove('s', 'b')).toMatchObject({ existed: false })
    expect(store.sets.sets()).toEqual([{ name: 's', count: 1 }])
  })
})

describe('too many writes at once', () => {
  it('are bounded in bytes with their keys, also those without a value', async () => {
    const large = await openHostStore()
    const adding = Array.from({ length: 60_000 }, (_, i) => large.sets.add('s', `${i}`.padStart(1024)))
    const outcomes = await Promise.allSettled(adding)
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected')
    expect(refused.length).toBeGreaterThan(0)
    expect(refused[0]?.reason).toMatchObject({ code: 'STORE_OVERLOADED' })
    expect(large.status().setMembers).toBe(60_000 - refused.length)
    await large.close()
  })
})

describe('record tables', () => {
  const record = (versionNs: bigint): { versionNs: bigint; bytes: Uint8Array; expiresAtMs: number } => ({
    versionNs,
    bytes: Uint8Array.of(Number(versionNs)),
    expiresAtMs: 4e12,
  })

  it('write all or nothing, and see what the same write has put before', async () => {
    const seen = await store.records.write('t', (stage) => {
      stage.put('a', record(1n))
      return stage.get('a')?.versionNs
    })
    expect(seen.result).toBe(1n)
    const failing = store.records.write('t', (stage) => {
      stage.put('a', record(2n))
      throw new Error('changed my mind')
    })
    await expect(failing).rejects.toThrow('changed my mind')
    expect(store.records.get('t', 'a')?.versionNs).toBe(1n)
    expect([...store.records.entries('t')]).toHaveLength(1)
  })

  it('tell watchers of their table about own and merged records, until stopped', async () => {
    const heard: string[] = []
    const stop = store.records.watch('t', (key, found) => heard.push(`${key} ${found?.versionNs}`))
    await store.records.write('t', (stage) => stage.put('a', record(1n)))
    await store.records.write('other', (stage) => stage.put('a', record(1n)))
    store.join({ puts: [], adds: [], covered: [], records: [{ table: 't', key: 'b', record: record(7n) }] })
    stop()
    await store.records.write('t', (stage) => stage.put('c', record(1n)))
    expect(heard).toEqual(['a 1', 'b 7'])
  })
})

describe('a store whose disk fails', () => {
  it('acknowledges and gossips nothing of the failed batch, then goes on and survives a restart', async () => {
    const committed: Delta[] = []
    store.onCommitted((deltas) => committed.push(...deltas))
    await store.kv.put('m', 'a', text('1'))
    storage.failWrites(() => ({ error: new Error('No space left on device') }))
    await expect(store.kv.put('m', 'a', text('2'))).rejects.toMatchObject({ code: 'STORE_DISK_FULL' })
    expect(store.status().refusing).toMatch(/full/)
    await expect(store.sets.add('s', 'x')).rejects.toMatchObject({ code: 'STORE_DISK_FULL' })
    expect(committed).toHaveLength(1)
    expect(new TextDecoder().decode(store.kv.get('m', 'a')?.value.bytes)).toBe('1')
    storage.failWrites(undefined)
    await until(() => store.status().refusing === undefined)
    await store.kv.put('m', 'b', text('3'))
    await store.close()
    const again = await openHostStore({ storage: () => storage })
    expect(again.kv.list('m', { limit: 10 }).items.map((item) => item.key)).toEqual(['a', 'b'])
    expect(new TextDecoder().decode(again.kv.get('m', 'a')?.value.bytes)).toBe('1')
    expect(again.status().damagedRecords).toBe(0)
    await again.close()
  })

  it('undoes on disk what a failed batch has left there', async () => {
    await store.kv.put('m', 'a', text('1'))
    await store.kv.put('m', 'gone', text('1'))
    let fault: { error: Error; lands: boolean } | undefined = { error: new Error('EIO'), lands: true }
    storage.failWrites(() => {
      const once = fault
      fault = undefined
      return once
    })
    const failing = [
      store.kv.put('m', 'a', text('2')),
      store.kv.put('m', 'new', text('2')),
      store.sets.add('s', 'x'),
      store.kv.delete('m', 'gone'),
    ]
    for (const outcome of await Promise.allSettled(failing)) expect(outcome.status).toBe('rejected')
    await until(() => store.status().refusing === undefined)
    await store.kv.put('m', 'later', text('1'))
    const before = [...store.kv.list('m', { limit: 10 }).items]
    await store.close()
    const again = await openHostStore({ storage: () => storage })
    expect(again.kv.list('m', { limit: 10 }).items).toEqual(before)
    expect(again.sets.members('s')).toEqual(store.sets.members('s'))
    await again.close()
  })

  it('goes on merging in memory, and writes it down when the disk is back', async () => {
    const peer = await openHostStore()
    await peer.kv.put('m', 'from', text('peer'))
    storage.failWrites(() => ({ error: new Error('EIO') }))
    await expect(store.kv.put('m', 'a', text('1'))).rejects.toMatchObject({ code: 'STORE_WRITE_FAILED' })
    joinFull(store, peer.fullState())
    expect(store.kv.get('m', 'from')).toBeDefined()
    storage.failWrites(undefined)
    await until(() => store.status().refusing === undefined)
    await store.close()
    const again = await openHostStore({ storage: () => storage })
    expect(again.kv.get('m', 'from')).toBeDefined()
    await again.close()
    await peer.close()
  })
})

describe('a store that is told to refuse', () => {
  it('takes no local write and every remote one, until it is told otherwise', async () => {
    let refusal: HearsayError | undefined = new HearsayError('STORE_REFUSING_WRITES', 'the clock is off')
    const fenced = await openHostStore({ refusal: () => refusal })
    const refused = { code: 'STORE_REFUSING_WRITES' }
    await expect(fenced.kv.put('m', 'a', text('1'))).rejects.toMatchObject(refused)
    await expect(fenced.sets.add('s', 'a')).rejects.toMatchObject(refused)
    await expect(fenced.records.write('t', () => undefined)).rejects.toMatchObject(refused)
    expect(fenced.status().refusing).toBe('the clock is off')
    const dot = { actor: actorId('b'.repeat(32)), n: 1 }
    fenced.join({ puts: [], adds: [{ set: 's', member: 'remote', dot }], covered: [], records: [] })
    expect(fenced.sets.has('s', 'remote')).toBe(true)
    refusal = undefined
    await fenced.kv.put('m', 'a', text('1'))
    await fenced.close()
  })
})
