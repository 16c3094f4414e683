import { describe, expect, it } from 'vitest'
import { type Random, seededRandom } from '../../../../src/base/random.ts'
import { LossEstimate } from '../../../../src/gossip/core/loss-estimate.ts'

/** Probes over a network that loses this share of datagrams, each way. */
function probe(estimate: LossEstimate, lossRate: number, times: number, random: Random): void {
  const arrives = (): boolean => random.next() >= lossRate
  for (let i = 0; i < times; i++) estimate.observe(!(arrives() && arrives()))
}

describe('the estimate of loss', () => {
  it('buys nothing while every probe is answered', () => {
    const estimate = new LossEstimate()
    probe(estimate, 0, 1000, seededRandom(1))
    expect([estimate.rate, estimate.budget(8)]).toEqual([0, 8])
  })

  it('comes near the share that is lost one way within half a minute of probes', () => {
    for (const lossRate of [0.1, 0.3]) {
      const rates = Array.from({ length: 200 }, (_, seed) => {
        const estimate = new LossEstimate()
        probe(estimate, lossRate, 40, seededRandom(seed))
        return estimate.rate
      })
      const mean = rates.reduce((sum, rate) => sum + rate, 0) / rates.length
      expect(Math.abs(mean - lossRate)).toBeLessThan(0.04)
    }
  })

  it('moves slowly: one lost probe among many buys little, and is soon forgotten', () => {
    const estimate = new LossEstimate()
    estimate.observe(true)
    expect(estimate.budget(8)).toBeLessThanOrEqual(10)
    probe(estimate, 0, 10, seededRandom(1))
    expect(estimate.budget(8)).toBe(8)
  })

  it('never more than doubles the budget, and never leaves its bounds', () => {
    const estimate = new LossEstimate()
    probe(estimate, 1, 1000, seededRandom(1))
    expect(estimate.rate).toBeLessThanOrEqual(1)
    expect(estimate.budget(8)).toBe(16)
    probe(estimate, 0, 1000, seededRandom(1))
    expect(estimate.rate).toBeGreaterThanOrEqual(0)
    expect(estimate.budget(8)).toBe(8)
  })
})
