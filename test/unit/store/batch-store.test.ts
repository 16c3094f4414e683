import { beforeEach, describe, expect, it } from 'vitest'
import type { BatchOp } from '../../../src/store/batch.ts'
import type { Delta } from '../../../src/store/core/delta.ts'
import { MemoryStorage } from '../../../src/store/memory-storage.ts'
import { RECENT_REMOVALS_MAX, RecentRemovals } from '../../../src/store/recent-removals.ts'
import type { StateStore } from '../../../src/store/state-store.ts'
import { openHostStore } from '../../support/host-store.ts'

let storage: MemoryStorage
let store: StateStore

beforeEach(async () => {
  storage = new MemoryStorage()
  store = await openHostStore({ storage: () => storage })
})

const value = (text: string): { contentType: string; bytes: Uint8Array } => ({
  contentType: 'text/plain',
  bytes: new TextEncoder().encode(text),
})
const put = (key: string, text = '1'): BatchOp => ({ op: 'put', map: 'm', key, value: value(text) })
const remove = (key: string): BatchOp => ({ op: 'delete', map: 'm', key })

describe('a batch', () => {
  it('runs its operations in order, each seeing those before it, as one durable unit', async () => {
    await store.kv.put('m', 'old', value('0'))
    const before = store.status().batches
    const { results, deltas } = await store.batches.write([
      put('a'),
      put('a', '2'),
      { op: 'delete', map: 'm', key: 'old' },
      { op: 'add', set: 's', member: 'x' },
      { op: 'add', set: 's', member: 'y' },
      { op: 'remove', set: 's', member: 'x' },
      { op: 'remove', set: 's', member: 'never' },
    ])
    expect(results.map(({ op }) => op)).toEqual(['put', 'put', 'delete', 'add', 'add', 'remove', 'remove'])
    expect(results).toMatchObject([
      { created: true },
      { created: false },
      { existed: true },
      { added: true },
      { added: true },
      { existed: true },
      { existed: false },
    ])
    expect([store.status().batches - before, deltas.length]).toEqual([1, 6])
    expect(store.kv.list('m', { limit: 9 }).items.map(({ key }) => key)).toEqual(['a'])
    expect(store.sets.members('s')).toEqual(['y'])
  })

  it('changes nothing when one of its operations is refused', async () => {
    const small = await openHostStore({ limits: { entriesMax: 2, valueBytesMax: 3, keyBytesMax: 3 } })
    const bad: readonly (readonly [BatchOp, string])[] = [
      [put('long'), 'STORE_KEY_TOO_LARGE'],
      [put('\ud800'), 'STORE_KEY_MALFORMED'],
      [put('k', '1234'), 'STORE_VALUE_TOO_LARGE'],
      [{ op: 'put', map: 'm', key: 'k', value: value('1'), expiresAtMs: 0.5 }, 'STORE_EXPIRY_MALFORMED'],
    ]
    for (const [op, code] of bad) {
      await expect(small.batches.write([put('a'), op])).rejects.toMatchObject({ code })
    }
    const one = (member: string): BatchOp => ({ op: 'add', set: 's', member })
    await expect(small.batches.write([put('a'), one('x'), one('y')])).rejects.toMatchObject({
      code: 'STORE_ENTRIES_MAX',
      limit: 2,
    })
    expect([small.kv.maps(), small.sets.sets()]).toEqual([[], []])
    await small.batches.write([put('a'), one('x'), one('x'), put('a')])
    await small.close()
  })

  it('is lost as a whole when its write fails', async () => {
    storage.failWrites(() => ({ error: new Error('EIO') }))
    await expect(store.batches.write([put('a'), put('b')])).rejects.toMatchObject({
      code: 'STORE_WRITE_FAILED',
    })
    expect(store.kv.maps()).toEqual([])
  })

  it('takes 1,000 operations and 4 MiB by default, and not one more', async () => {
    const ops = Array.from({ length: 1000 }, (_, i) => put(`${i}`))
    expect((await store.batches.write(ops)).results).toHaveLength(1000)
    await expect(store.batches.write([...ops, put('x')])).rejects.toMatchObject({
      code: 'STORE_BATCH_TOO_LARGE',
      limit: 1000,
    })
    const large = (key: string, bytes: number): BatchOp => ({
      op: 'put',
      map: 'm',
      key,
      value: { contentType: '', bytes: new Uint8Array(bytes) },
    })
    const mebibyte = 1_048_576
    const fits = [1, 2, 3, 4].map((n) => large(`${n}`, n === 4 ? mebibyte - 8 : mebibyte))
    await store.batches.write(fits)
    await expect(store.batches.write([...fits, remove('')])).rejects.toMatchObject({
      code: 'STORE_BATCH_TOO_LARGE',
      limit: 4 * mebibyte,
    })
  })

  it('keeps its own copy of the bytes', async () => {
    const bytes = Uint8Array.of(1)
    const writing = store.batches.write([
      { op: 'put', map: 'm', key: 'k', value: { contentType: '', bytes } },
    ])
    bytes[0] = 2
    await writing
    expect(store.kv.get('m', 'k')?.value.bytes).toEqual(Uint8Array.of(1))
  })

  it('that is tried again gives the deltas of the first try for what it finds done', async () => {
    await store.batches.write([put('a'), { op: 'add', set: 's', member: 'x' }])
    const ops: BatchOp[] = [remove('a'), { op: 'remove', set: 's', member: 'x' }]
    const first = await store.batches.write(ops)
    const again = await store.batches.write(ops)
    expect(again.results).toEqual([
      { op: 'delete', existed: false },
      { op: 'remove', existed: false },
    ])
    expect(again.deltas[0]?.puts).toEqual(first.deltas[0]?.puts)
    expect(again.deltas[1]).toEqual(first.deltas[1])
    expect((await store.sets.remove('s', 'x')).deltas).toEqual([first.deltas[1]])
  })

  it('of nothing is nothing', async () => {
    expect(await store.batches.write([])).toEqual({ results: [], deltas: [] })
  })
})

describe('recent removals', () => {
  it('are the last of each element, and of the 10,000 elements that were removed last', () => {
    const removals = new RecentRemovals()
    const deltas = (n: number): Delta[] => [
      { puts: [], adds: [], covered: [{ actor: 'a'.repeat(32) as never, n }], records: [] },
    ]
    removals.remember('s', 'first', deltas(1))
    removals.remember('s', 'again', deltas(2))
    for (let i = 0; i < RECENT_REMOVALS_MAX - 2; i++) removals.remember('s', `${i}`, deltas(3))
    removals.remember('s', 'again', deltas(4))
    removals.remember('s', 'one more', deltas(5))
    expect(removals.of('s', 'first')).toEqual([])
    expect(removals.of('s', 'again')).toEqual(deltas(4))
    expect(removals.of('s', 'one more')).toEqual(deltas(5))
  })
})
