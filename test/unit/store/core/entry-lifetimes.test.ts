import { describe, expect, it } from 'vitest'
import { EntryLifetimes, huskOf } from '../../../../src/store/core/entry-lifetimes.ts'
import { HeldEntry } from '../../../../src/store/core/held-entry.ts'
import { entry as plainEntry } from './fixtures.ts'

function entry(...args: Parameters<typeof plainEntry>): HeldEntry {
  return new HeldEntry(plainEntry(...args), 0, 0)
}

function husk(...args: Parameters<typeof plainEntry>): HeldEntry {
  return new HeldEntry(huskOf(plainEntry(...args)), 0, 0)
}

describe('values with a time to live', () => {
  it('are counted by map once it is over', () => {
    const lifetimes = new EntryLifetimes()
    lifetimes.add('a', 'k', entry(1, 1, 'v', { expiresAtMs: 10 }))
    lifetimes.add('b', 'k', entry(2, 1, 'v', { expiresAtMs: 20 }))
    lifetimes.add('b', 'k', entry(3, 1, 'v'))
    lifetimes.advance(9)
    expect(lifetimes.expired()).toBe(0)
    lifetimes.advance(20)
    expect([lifetimes.expired(), lifetimes.expired('a'), lifetimes.expired('b')]).toEqual([2, 1, 1])
  })

  it('are forgotten when they are replaced, before their time and after', () => {
    const lifetimes = new EntryLifetimes()
    const [early, late] = [entry(1, 1, 'v', { expiresAtMs: 10 }), entry(2, 1, 'v', { expiresAtMs: 20 })]
    lifetimes.add('a', 'k', early)
    lifetimes.add('a', 'k', late)
    lifetimes.remove('a', early)
    lifetimes.advance(20)
    expect(lifetimes.expired()).toBe(1)
    lifetimes.remove('a', late)
    expect([lifetimes.expired(), lifetimes.expired('a')]).toEqual([0, 0])
    expect(lifetimes.due(20)).toBeUndefined()
  })

  it('are told of once, whoever looked, unless they were replaced before', () => {
    const lifetimes = new EntryLifetimes()
    const heard: string[] = []
    const [replaced, early] = [entry(1, 1, 'v', { expiresAtMs: 10 }), entry(2, 1, 'v', { expiresAtMs: 20 })]
    lifetimes.add('a', 'replaced', replaced)
    lifetimes.add('a', 'early', early)
    lifetimes.add('a', 'late', entry(3, 1, 'v', { expiresAtMs: 30 }))
    lifetimes.remove('a', replaced)
    lifetimes.onExpired((map, key) => void heard.push(`${map}/${key}`))
    expect(lifetimes.nextExpiryMs).toBe(20)
    lifetimes.advance(25)
    lifetimes.advance(25)
    expect([heard, lifetimes.nextExpiryMs]).toEqual([['a/early'], 30])
    lifetimes.advance(30)
    expect([heard, lifetimes.nextExpiryMs]).toEqual([['a/early', 'a/late'], undefined])
  })

  it('are met in parts when very many expire at once', () => {
    const lifetimes = new EntryLifetimes()
    for (let n = 1; n <= 10; n++) lifetimes.add('a', `${n}`, entry(n, 1, 'v', { expiresAtMs: 10 }))
    expect([lifetimes.advance(10, 4), lifetimes.expired()]).toEqual([4, 4])
    expect([lifetimes.advance(10, 40), lifetimes.expired()]).toEqual([6, 10])
  })
})

describe('what is due at a sweep', () => {
  it('are first values to become husks, then what is past its grace, the oldest first', () => {
    const lifetimes = new EntryLifetimes({ tombstoneGraceMs: 100 })
    const value = entry(1, 1, 'v', { expiresAtMs: 250 })
    lifetimes.add('m', 'value', value)
    lifetimes.add('m', 'tombstone', entry(3, 160))
    lifetimes.add('m', 'husk', husk(2, 1, 'v', { expiresAtMs: 150 }))
    lifetimes.add('m', 'young', entry(4, 161))
    expect(lifetimes.oldestTombstoneMs).toBe(150)
    lifetimes.advance(260)
    const met: string[] = []
    for (let due = lifetimes.due(260); due !== undefined; due = lifetimes.due(260)) {
      met.push(due.key)
      lifetimes.remove(due.map, due.entry)
    }
    expect(met).toEqual(['value', 'husk', 'tombstone'])
    expect([lifetimes.tombstones, lifetimes.husks, lifetimes.collected]).toEqual([1, 0, 2])
  })

  it('are the oldest tombstones and husks beyond their bound, whatever their age, and counted', () => {
    const lifetimes = new EntryLifetimes({ tombstonesMax: 2 })
    lifetimes.add('m', 'c', entry(3, 30))
    lifetimes.add('m', 'a', entry(1, 10))
    expect(lifetimes.due(0)).toBeUndefined()
    lifetimes.add('m', 'b', husk(2, 1, 'v', { expiresAtMs: 20 }))
    const due = lifetimes.due(0)
    expect(due).toMatchObject({ key: 'a' })
    if (due !== undefined) lifetimes.remove(due.map, due.entry)
    expect(lifetimes.due(0)).toBeUndefined()
    expect([lifetimes.collected, lifetimes.earlyCollected]).toEqual([1, 1])
  })
})

describe('the index of lifetimes', () => {
  it('stays small when one key is rewritten for ever', () => {
    const lifetimes = new EntryLifetimes()
    let heldMax = 0
    for (let n = 1; n <= 10_000; n++) {
      const current = n % 2 === 0 ? entry(n, n, 'v', { expiresAtMs: 1_000_000 }) : entry(n, n)
      lifetimes.add('a', 'k', current)
      heldMax = Math.max(heldMax, lifetimes.held)
      lifetimes.remove('a', current)
    }
    expect(heldMax).toBeLessThan(2200)
  })
})
