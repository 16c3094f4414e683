/**
 * How fast news spreads, on virtual time: figures that depend on the seed alone. The longer runs are for CI.
 * Their table is `npm run bench -- spread`.
 */
import { describe, expect, it } from 'vitest'
import { lanDefaults } from '../../../src/gossip/core/config.ts'
import { retransmitLimit } from '../../../src/gossip/core/scaling.ts'
import { SpreadCluster } from '../../../src/testing/spread-cluster.ts'
import { measureSpread, type SpreadPlan } from '../../../src/testing/spread-measure.ts'
import { inCi } from '../../support/requirement.ts'

const budgetOf = (nodes: number): number => retransmitLimit(lanDefaults().retransmitMult, nodes)
const plan = (nodes: number, rest: Partial<SpreadPlan> = {}): SpreadPlan => ({
  nodes,
  rules: 'hearsay',
  latencyMs: 1,
  lossRate: 0,
  seed: 5,
  updates: 200,
  ...rest,
})
const LOSSY = { lossRate: 0.3, warmUpMs: 60_000 }

const TARGETS: readonly { nodes: number; ms: number; updates: number }[] = [
  { nodes: 3, ms: 1, updates: 300 },
  { nodes: 10, ms: 4, updates: 300 },
  { nodes: 50, ms: 10, updates: 100 },
  { nodes: 100, ms: 12, updates: inCi ? 100 : 20 },
  // 1,000 machines that know each other take 1.5 GB.
  ...(inCi ? [{ nodes: 1000, ms: 18, updates: 8 }] : []),
]

describe('one update to all members, 1 ms one way', () => {
  it.each(TARGETS)(
    'of $nodes takes at most $ms ms in half of all cases, with no more sends than memberlist',
    ({ nodes, ms, updates }) => {
      const { p50Ms, sendsMax, left } = measureSpread(plan(nodes, { updates }))
      expect(p50Ms).toBeLessThanOrEqual(ms)
      expect(sendsMax).toBeLessThanOrEqual(budgetOf(nodes))
      expect(left).toBe(0)
    },
    60_000,
  )

  // Four sends each do not cover nine members by luck: without the ring one update in thirty leaves somebody out.
  it('leaves nobody out by chance, whatever the order of the lists', () => {
    const seeds = Array.from({ length: 300 }, (_, seed) => seed)
    expect(seeds.filter((seed) => measureSpread(plan(9, { seed, updates: 2 })).left > 0)).toEqual([])
  })

  it.each([
    { nodes: 10, ms: 4 },
    { nodes: 50, ms: 12 },
  ])(
    'of $nodes may take twice the sends at 30 % loss and then hardly ever leaves somebody out',
    ({ nodes, ms }) => {
      const updates = inCi ? 1500 : 150
      const { p50Ms, sendsMax, left } = measureSpread(plan(nodes, { updates, ...LOSSY }))
      expect(p50Ms).toBeLessThanOrEqual(ms)
      expect(sendsMax).toBeGreaterThan(budgetOf(nodes))
      expect(sendsMax).toBeLessThanOrEqual(2 * budgetOf(nodes))
      expect(left).toBeLessThanOrEqual(updates / 1000)
    },
    60_000,
  )
})

describe("memberlist's rules", () => {
  // What an independent model of the queue alone gave: 102, 297 and 570 ms (reference/peers.md 2b).
  it.each([
    [3, 102],
    [10, 297],
    [50, 570],
  ])('take %i members about %i ms without probes, as an independent model says', (nodes, ms) => {
    const updates = Math.ceil(6000 / (nodes + 5))
    const probeIntervalMs = 1e9
    const { p50Ms, sendsMax } = measureSpread(plan(nodes, { rules: 'memberlist', updates, probeIntervalMs }))
    expect(Math.abs(p50Ms / ms - 1)).toBeLessThan(0.08)
    expect(sendsMax).toBe(budgetOf(nodes))
  })

  it('leave many an update to anti-entropy at 30 % loss', () => {
    const { left, updates } = measureSpread(plan(50, { rules: 'memberlist', updates: 80, lossRate: 0.3 }))
    expect(left / updates).toBeGreaterThan(0.1)
  })
})

describe('the simulation', () => {
  it('gives equal figures for equal seeds, and others for others', () => {
    const figures = (seed: number): string =>
      JSON.stringify(measureSpread(plan(50, { updates: 20, seed, lossRate: 0.2 })))
    expect(figures(1)).toBe(figures(1))
    expect(figures(1)).not.toBe(figures(2))
  })

  it('sends nothing but probes while there is no news', () => {
    const sent: unknown[] = []
    const nothing = (): void => undefined
    const cluster = new SpreadCluster(plan(20), { sent: (from) => sent.push(from), heard: nothing })
    const before = cluster.datagrams
    cluster.clock.runUntil(cluster.clock.nowMs + 10_000)
    expect(sent).toEqual([])
    // A ping and an ack a second for each.
    expect(cluster.datagrams - before).toBe(20 * 10 * 2)
    expect(cluster.isIdle).toBe(true)
  })
})
