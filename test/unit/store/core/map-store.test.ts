import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../../../src/base/random.ts'
import { CausalContext } from '../../../../src/crdt/context.ts'
import type { MapEntry } from '../../../../src/store/core/delta.ts'
import { ItemDigest } from '../../../../src/store/core/item-digest.ts'
import { MapStore } from '../../../../src/store/core/map-store.ts'
import { A, dot, entry, NOW_MS } from './fixtures.ts'

function rig(): {
  readonly store: MapStore
  readonly put: (key: string, held: MapEntry, map?: string) => void
  readonly keys: (query?: { prefix?: string; after?: string; limit?: number }) => string[]
} {
  const store = new MapStore()
  const context = new CausalContext()
  return {
    store,
    put: (key, held, map = 'm') => void store.joinPut(context, { map, key, entry: held }),
    keys: (query = {}) => store.list('m', { limit: 100, ...query }, NOW_MS).items.map(([key]) => key),
  }
}

describe('a page of a map', () => {
  it('is in the order of UTF-16 code units, within its prefix and after its cursor', () => {
    const { put, keys } = rig()
    for (const [n, key] of ['b', 'a', 'é', 'ab', '', '\u{1f600}', '\uffff', 'aa'].entries())
      put(key, entry(n + 1, 5, 'v'))
    expect(keys()).toEqual(['', 'a', 'aa', 'ab', 'b', 'é', '\u{1f600}', '\uffff'])
    expect(keys({ prefix: 'a' })).toEqual(['a', 'aa', 'ab'])
    expect(keys({ after: 'a' })).toEqual(['aa', 'ab', 'b', 'é', '\u{1f600}', '\uffff'])
    expect(keys({ prefix: 'a', after: 'aa' })).toEqual(['ab'])
    expect(keys({ prefix: 'a', after: '' })).toEqual(['a', 'aa', 'ab'])
    expect(keys({ prefix: 'a', after: 'c' })).toEqual([])
    expect(keys({ after: '' })[0]).toBe('a')
  })

  it('names the next one only when there is more to see', () => {
    const { store, put } = rig()
    put('a', entry(1, 5, 'v'))
    put('b', entry(2, 5, 'v'))
    put('c', entry(3, 5))
    expect(store.list('m', { limit: 1 }, NOW_MS).next).toBe('a')
    expect(store.list('m', { limit: 2 }, NOW_MS).next).toBeUndefined()
    expect(store.list('none', { limit: 2 }, NOW_MS)).toEqual({ items: [], next: undefined })
  })

  it('joined to its followers gives every key once, while keys come and go', () => {
    const { store, put } = rig()
    const random = seededRandom(3)
    const expected = new Set<string>()
    for (let n = 1; n <= 500; n++) {
      const key = `k${random.below(300)}`
      const isValue = random.below(3) > 0
      put(key, entry(n, n, isValue ? 'v' : undefined))
      if (isValue) expected.add(key)
      else expected.delete(key)
      if (n % 50 > 0) continue
      const met: string[] = []
      for (let after: string | undefined, more = true; more; ) {
        const page = store.list('m', { limit: 7, ...(after === undefined ? {} : { after }) }, NOW_MS)
        met.push(...page.items.map(([found]) => found))
        after = page.next
        more = after !== undefined
      }
      expect(met).toEqual([...expected].sort((a, b) => (a < b ? -1 : 1)))
    }
  })

  it('forgets keys that are dropped, and finds them again when they return', () => {
    const { store, put, keys } = rig()
    put('a', entry(1, 5, 'v'))
    put('b', entry(2, 5, 'v'))
    expect(keys()).toEqual(['a', 'b'])
    store.drop('m', 'a')
    expect(keys()).toEqual(['b'])
    put('a', entry(3, 6, 'v'))
    expect(keys()).toEqual(['a', 'b'])
    for (const key of ['a', 'b', 'none']) store.drop('m', key)
    expect([keys(), store.maps(NOW_MS), [...store.puts()]]).toEqual([[], [], []])
  })
})

describe('counts', () => {
  it('follow every change without being counted anew', () => {
    const { store, put } = rig()
    put('a', entry(1, 5, 'v'))
    put('b', entry(2, 5, 'v'))
    put('x', entry(3, 5, 'v'), 'other')
    expect([store.values(NOW_MS), store.lifetimes.tombstones]).toEqual([3, 0])
    put('a', entry(4, 6))
    put('x', entry(5, 6), 'other')
    expect([store.values(NOW_MS), store.lifetimes.tombstones]).toEqual([1, 2])
    expect(store.maps(NOW_MS)).toEqual([{ name: 'm', count: 1 }])
    put('a', entry(6, 7, 'again'))
    expect(store.maps(NOW_MS)).toEqual([{ name: 'm', count: 2 }])
  })

  it('leave out what has expired, once', () => {
    const { store, put } = rig()
    put('a', entry(1, 5, 'v', { expiresAtMs: 2000 }))
    put('b', entry(2, 5, 'v'))
    expect(store.values(1999)).toBe(2)
    expect(store.values(2000)).toBe(1)
    put('a', entry(3, 6, 'renewed', { expiresAtMs: 3000 }))
    expect(store.values(2000)).toBe(2)
    expect(store.values(3000)).toBe(1)
    put('a', entry(4, 7))
    expect([store.values(3000), store.lifetimes.tombstones]).toEqual([1, 1])
    expect(store.maps(3000)).toEqual([{ name: 'm', count: 1 }])
  })
})

describe('an entry that came from the disk twice', () => {
  it('counts with its newer line, in either order', () => {
    const lines = [
      { map: 'm', key: 'k', entry: entry(1, 5, 'old') },
      { map: 'm', key: 'k', entry: entry(2, 6, 'new') },
    ]
    for (const puts of [lines, [...lines].reverse()]) {
      const store = new MapStore()
      for (const put of puts) store.restore(put)
      expect(store.entry('m', 'k')?.dot.n).toBe(2)
    }
  })
})

describe('a sweep', () => {
  const GRACE_MS = 100

  function sweeper(): ReturnType<typeof rig> & {
    readonly sweep: (minuteMs: number, max?: number) => string[]
  } {
    const store = new MapStore(new ItemDigest(), { tombstoneGraceMs: GRACE_MS })
    const context = new CausalContext()
    return {
      store,
      put: (key, held, map = 'm') => void store.joinPut(context, { map, key, entry: held }),
      keys: () => [...store.puts()].map(({ key }) => key),
      sweep: (minuteMs, max = 1000) => {
        const changed: string[] = []
        store.sweep(minuteMs, max, (_map, key) => changed.push(key))
        return changed
      },
    }
  }

  it('leaves a husk of what has expired, and nothing of it after the grace', () => {
    const { store, put, sweep } = sweeper()
    put('k', entry(1, 5, 'v', { expiresAtMs: 60 }))
    expect(sweep(59)).toEqual([])
    expect(sweep(60)).toEqual(['k'])
    expect(store.entry('m', 'k')).toMatchObject({ value: undefined, expiresAtMs: 60, dot: dot(1) })
    expect(store.lifetimes.husks).toBe(1)
    expect(sweep(60)).toEqual([])
    expect(sweep(160)).toEqual(['k'])
    expect(store.entry('m', 'k')).toBeUndefined()
    expect([store.lifetimes.husks, store.lifetimes.collected]).toEqual([0, 1])
  })

  it('drops a tombstone after its grace, and the map with the last of it', () => {
    const { store, put, sweep } = sweeper()
    put('k', entry(1, 5))
    expect(sweep(104)).toEqual([])
    expect(sweep(105)).toEqual(['k'])
    expect([...store.puts()]).toEqual([])
  })

  it('does a bounded part at a time, and says when it is complete', () => {
    const { store, put } = sweeper()
    for (let n = 1; n <= 10; n++) put(`${n}`, entry(n, 5, 'v', { expiresAtMs: 60 }))
    const changed: string[] = []
    const parts: number[] = []
    do parts.push(store.sweep(60, 8, (_map, key) => changed.push(key)))
    while (parts.at(-1) === 8)
    // Each is met twice: its time is over, and its bytes go.
    expect([parts, changed.length]).toEqual([[8, 8, 4], 10])
  })

  it('sets the time by which later joins are judged: expired comes in as a husk, past the grace not at all', () => {
    const { store, put, sweep } = sweeper()
    sweep(200)
    put('late', entry(1, 5, 'v', { expiresAtMs: 150 }))
    put('past', entry(2, 5, 'v', { expiresAtMs: 100 }))
    put('gone', entry(3, 100))
    put('deleted', entry(4, 101))
    expect([...store.puts()].map(({ key, entry: held }) => [key, held.value])).toEqual([
      ['late', undefined],
      ['deleted', undefined],
    ])
    expect([store.lifetimes.husks, store.lifetimes.tombstones]).toEqual([1, 1])
  })

  it('takes the entry away that something past its grace has replaced', () => {
    const { store, put, sweep } = sweeper()
    put('k', entry(1, 5, 'old'))
    sweep(200)
    put('k', entry(2, 100))
    expect(store.entry('m', 'k')).toBeUndefined()
  })

  it('lets a husk win against older writes, and lose to newer ones', () => {
    const { store, put, sweep } = sweeper()
    put('k', entry(1, 50, 'brief', { expiresAtMs: 60 }))
    sweep(60)
    put('k', entry(2, 49, 'older'))
    expect(store.entry('m', 'k')?.dot.n).toBe(1)
    put('k', entry(3, 51, 'newer'))
    expect(store.entry('m', 'k')?.value).toBeDefined()
    expect(store.lifetimes.husks).toBe(0)
  })

  it('gets its value back, with a sweep that stands at an earlier time, from a peer that still holds it', () => {
    const { store, put, sweep } = sweeper()
    const value = entry(1, 5, 'v', { expiresAtMs: 60 })
    put('k', value)
    sweep(60)
    put('k', value)
    expect(store.entry('m', 'k')?.value).toBeUndefined()
    sweep(30)
    put('k', value)
    expect(store.entry('m', 'k')?.value).toEqual(value.value)
  })

  it('early drops the oldest tombstones beyond their bound', () => {
    const store = new MapStore(new ItemDigest(), { tombstonesMax: 2 })
    const context = new CausalContext()
    for (let n = 1; n <= 4; n++) store.joinPut(context, { map: 'm', key: `${n}`, entry: entry(n, n) })
    const gone: string[] = []
    store.sweep(0, 1000, (_map, key) => gone.push(key))
    expect(gone).toEqual(['1', '2'])
    expect([store.lifetimes.tombstones, store.lifetimes.earlyCollected]).toEqual([2, 2])
    expect(context.upTo(A)).toBe(4)
  })
})
