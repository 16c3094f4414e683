import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../../../src/base/random.ts'
import { CausalContext } from '../../../../src/crdt/context.ts'
import type { MapEntry } from '../../../../src/store/core/delta.ts'
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

  it('forgets keys that a full join drops, and finds them again when they return', () => {
    const { store, put, keys } = rig()
    put('a', entry(1, 5, 'v'))
    put('b', entry(2, 5, 'v'))
    expect(keys()).toEqual(['a', 'b'])
    const theirs = new CausalContext()
    theirs.add(dot(1))
    store.joinFull(new CausalContext(), [], theirs)
    expect(keys()).toEqual(['b'])
    put('a', entry(3, 6, 'v'))
    expect(keys()).toEqual(['a', 'b'])
  })
})

describe('counts', () => {
  it('follow every change without being counted anew', () => {
    const { store, put } = rig()
    put('a', entry(1, 5, 'v'))
    put('b', entry(2, 5, 'v'))
    put('x', entry(3, 5, 'v'), 'other')
    expect([store.values(NOW_MS), store.tombstones]).toEqual([3, 0])
    put('a', entry(4, 6))
    put('x', entry(5, 6), 'other')
    expect([store.values(NOW_MS), store.tombstones]).toEqual([1, 2])
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
    expect([store.values(3000), store.tombstones]).toEqual([1, 1])
    expect(store.maps(3000)).toEqual([{ name: 'm', count: 1 }])
  })
})

describe('a full state that lists a key twice', () => {
  it('counts with its newer line, in either order', () => {
    const lines = [
      { map: 'm', key: 'k', entry: entry(1, 5, 'old') },
      { map: 'm', key: 'k', entry: entry(2, 6, 'new') },
    ]
    const theirs = new CausalContext()
    theirs.addInterval(A, { first: 1, last: 2 })
    for (const puts of [lines, [...lines].reverse()]) {
      const store = new MapStore()
      store.joinFull(new CausalContext(), puts, theirs)
      expect(store.entry('m', 'k')?.dot.n).toBe(2)
    }
  })
})
