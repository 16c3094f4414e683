import { describe, expect, it } from 'vitest'
import { ExpiryIndex } from '../../../../src/store/core/expiry-index.ts'
import { entry } from './fixtures.ts'

describe('an expiry index', () => {
  it('counts by map what is due', () => {
    const index = new ExpiryIndex()
    index.add('a', 'k', entry(1, 1, 'v', { expiresAtMs: 10 }))
    index.add('b', 'k', entry(2, 1, 'v', { expiresAtMs: 20 }))
    index.add('b', 'k', entry(3, 1, 'v'))
    index.advance(9)
    expect(index.expired()).toBe(0)
    index.advance(20)
    expect([index.expired(), index.expired('a'), index.expired('b')]).toEqual([2, 1, 1])
  })

  it('forgets an entry that was replaced, before its time and after', () => {
    const index = new ExpiryIndex()
    const [early, late] = [entry(1, 1, 'v', { expiresAtMs: 10 }), entry(2, 1, 'v', { expiresAtMs: 20 })]
    index.add('a', 'k', early)
    index.add('a', 'k', late)
    index.remove('a', early)
    index.advance(20)
    expect(index.expired()).toBe(1)
    index.remove('a', late)
    expect([index.expired(), index.expired('a')]).toEqual([0, 0])
  })

  it('tells once of each entry that passes its time, whoever looked, and of none that was replaced before', () => {
    const index = new ExpiryIndex()
    const heard: string[] = []
    const [replaced, early] = [entry(1, 1, 'v', { expiresAtMs: 10 }), entry(2, 1, 'v', { expiresAtMs: 20 })]
    index.add('a', 'replaced', replaced)
    index.add('a', 'early', early)
    index.add('a', 'late', entry(3, 1, 'v', { expiresAtMs: 30 }))
    index.remove('a', replaced)
    index.onExpired((map, key) => void heard.push(`${map}/${key}`))
    expect(index.nextAtMs).toBe(10)
    index.advance(25)
    index.advance(25)
    expect([heard, index.nextAtMs]).toEqual([['a/early'], 30])
    index.advance(30)
    expect([heard, index.nextAtMs]).toEqual([['a/early', 'a/late'], undefined])
  })

  it('stays small when one key is rewritten for ever', () => {
    const index = new ExpiryIndex()
    let sizeMax = 0
    for (let n = 1; n <= 10_000; n++) {
      const current = entry(n, n, 'v', { expiresAtMs: 1_000_000 })
      index.add('a', 'k', current)
      sizeMax = Math.max(sizeMax, index.size)
      index.remove('a', current)
    }
    expect(sizeMax).toBeLessThan(1100)
  })
})
