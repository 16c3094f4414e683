import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isBetterLot, rendezvousOrder, rendezvousOwner } from '../../../src/base/rendezvous.ts'

const names = fc.uniqueArray(fc.string(), { minLength: 2, maxLength: 12 })
const keys = fc.array(fc.string(), { minLength: 1, maxLength: 50 })

function replicas(count: number): string[] {
  return Array.from({ length: count }, (_, n) => `replica-${n}`)
}

function work(count: number): string[] {
  return Array.from({ length: count }, (_, n) => `{alertname="Disk${n}"}`)
}

describe('rendezvous hashing', () => {
  it('names one of those who are there, the same whatever the order', () => {
    fc.assert(
      fc.property(fc.string(), names, (key, all) => {
        const owner = rendezvousOwner(key, all)
        expect(all).toContain(owner)
        expect(rendezvousOwner(key, [...all].reverse())).toBe(owner)
        expect(rendezvousOwner(key, [...all, ...all])).toBe(owner)
      }),
    )
    expect(rendezvousOwner('k', [])).toBeUndefined()
  })

  it('moves, when one leaves, its keys and no other', () => {
    fc.assert(
      fc.property(keys, names, fc.nat(), (all, present, pick) => {
        const gone = present[pick % present.length] ?? ''
        const left = present.filter((name) => name !== gone)
        for (const key of all) {
          const before = rendezvousOwner(key, present)
          const after = rendezvousOwner(key, left)
          if (before === gone) expect(left).toContain(after)
          else expect(after).toBe(before)
        }
      }),
    )
  })

  it('gives, when one comes, some keys to it and moves no other', () => {
    fc.assert(
      fc.property(keys, names, fc.string(), (all, present, newcomer) => {
        for (const key of all) {
          const before = rendezvousOwner(key, present)
          expect([before, newcomer]).toContain(rendezvousOwner(key, [...present, newcomer]))
        }
      }),
    )
  })

  it.each([2, 3, 5, 10, 50])(
    'spreads 10,000 keys evenly over %i, and a newcomer takes its share',
    (count) => {
      const all = work(10_000)
      const counts = new Map<string, number>()
      for (const key of all) {
        const owner = rendezvousOwner(key, replicas(count)) ?? ''
        counts.set(owner, (counts.get(owner) ?? 0) + 1)
      }
      const share = all.length / count
      // Five standard deviations of a fair draw.
      const slack = 5 * Math.sqrt(share * (1 - 1 / count))
      for (const name of replicas(count))
        expect(Math.abs((counts.get(name) ?? 0) - share)).toBeLessThan(slack)
      const moved = all.filter(
        (key) => rendezvousOwner(key, replicas(count)) !== rendezvousOwner(key, replicas(count + 1)),
      )
      const newShare = all.length / (count + 1)
      expect(Math.abs(moved.length - newShare)).toBeLessThan(5 * Math.sqrt(newShare))
    },
  )

  it('gives the work of one who leaves to all the others alike', () => {
    const all = work(10_000).filter((key) => rendezvousOwner(key, replicas(5)) === 'replica-2')
    const left = replicas(5).filter((name) => name !== 'replica-2')
    for (const heir of left) {
      const inherited = all.filter((key) => rendezvousOwner(key, left) === heir).length
      expect(Math.abs(inherited - all.length / 4)).toBeLessThan(5 * Math.sqrt(all.length / 4))
    }
  })

  it('keeps its answers: work does not move with a new version of hearsay', () => {
    const owners = work(8).map((key) => rendezvousOwner(key, replicas(3))?.at(-1))
    expect(owners.join('')).toBe('21021010')
  })
})

describe('the whole order', () => {
  it('is what is left of it when those before have gone', () => {
    fc.assert(
      fc.property(fc.string(), names, (key, all) => {
        const order = rendezvousOrder(key, [...all, ...all].reverse())
        expect([...order].sort((a, b) => (a < b ? -1 : 1))).toEqual([...all].sort((a, b) => (a < b ? -1 : 1)))
        order.forEach((name, n) => {
          expect(rendezvousOwner(key, order.slice(n))).toBe(name)
          for (const later of order.slice(n + 1)) {
            expect(isBetterLot(key, name, later)).toBe(true)
            expect(isBetterLot(key, later, name)).toBe(false)
          }
        })
      }),
    )
  })
})
