import { describe, expect, it } from 'vitest'
import { LengthTier, type TierItem } from '../../../../src/gossip/core/length-tier.ts'

const SIZE = 100_000

/** All of one length, which is the worst case; `looks` counts how often an item is compared. */
function filled(): { tier: LengthTier<TierItem>; items: TierItem[]; looks: () => number } {
  let looks = 0
  const tier = new LengthTier<TierItem>(1400)
  const items = Array.from({ length: SIZE }, (_, id) => ({
    bytes: new Uint8Array(100),
    get id(): number {
      looks++
      return id
    },
  }))
  for (const item of items) tier.add(item)
  return { tier, items, looks: () => looks }
}

describe('a tier of many messages', () => {
  it('finds one to take back by halves, not by looking at all', () => {
    const { tier, items, looks } = filled()
    const before = looks()
    for (let i = 0; i < SIZE; i += 1000) {
      const item = items[i]
      if (item !== undefined) tier.remove(item)
    }
    expect(tier.size).toBe(SIZE - SIZE / 1000)
    expect(looks() - before).toBeLessThanOrEqual((SIZE / 1000) * 2 * (Math.log2(SIZE) + 1))
  })

  it('takes the newest without looking at any other', () => {
    const { tier, items, looks } = filled()
    const before = looks()
    expect(tier.takeBest(1400)).toBe(items.at(-1))
    expect(looks() - before).toBe(0)
  })

  it('puts one back between its neighbours by halves', () => {
    const { tier, items, looks } = filled()
    const middle = items[SIZE / 2]
    if (middle === undefined) throw new Error('unreachable')
    tier.remove(middle)
    const before = looks()
    tier.add(middle)
    expect(looks() - before).toBeLessThanOrEqual(2 * (Math.log2(SIZE) + 1))
    tier.remove(middle)
    expect(tier.size).toBe(SIZE - 1)
  })
})
