/**
 * Seeds through the simulator: 200 by default, 2,000 with HEARSAY_TEST=ci, each stopping early at its time budget so that
 * a slow machine runs fewer rather than longer. Every failure prints its seed: `hearsay sim --seed N` replays it.
 */
import { describe, expect, it } from 'vitest'
import { FAULT_KINDS, RARE_KINDS } from '../../src/testing/sim-options.ts'
import { SimFailure, simulate } from '../../src/testing/simulation.ts'

const long = process.env.HEARSAY_TEST === 'ci'
const SEEDS = long ? 2000 : 200
const SEEDS_MIN = 200
const BUDGET_MS = long ? 300_000 : 60_000

describe('a simulated cluster', () => {
  it(`keeps its promises under ${SEEDS} seeds of mixed faults`, { timeout: 2 * BUDGET_MS }, () => {
    const failures: string[] = []
    const struck = new Map<string, number>()
    const startedMs = performance.now()
    let nodeSeconds = 0
    let acked = 0
    let seeds = 0
    for (let seed = 0; seed < SEEDS; seed++) {
      if (seeds >= SEEDS_MIN && performance.now() - startedMs > BUDGET_MS) break
      seeds++
      try {
        const report = simulate(seed)
        nodeSeconds += report.nodeSeconds
        acked += report.acked
        for (const kind of report.options.faults) struck.set(kind, (struck.get(kind) ?? 0) + 1)
      } catch (error) {
        if (!(error instanceof SimFailure)) throw error
        failures.push(error.message)
        if (failures.length >= 3) break
      }
    }
    const seconds = (performance.now() - startedMs) / 1000
    console.log(
      `simulator: ${seeds} seeds, ${Math.round(nodeSeconds)} node-seconds in ${seconds.toFixed(1)} s ` +
        `(${Math.round(nodeSeconds / seconds)} a second), ${acked} acknowledged writes`,
    )
    expect(failures.join('\n\n')).toBe('')
    expect(seeds).toBeGreaterThanOrEqual(SEEDS_MIN)
    for (const kind of FAULT_KINDS) {
      expect(struck.get(kind), kind).toBeGreaterThan(seeds / (RARE_KINDS.has(kind) ? 8 : 4))
    }
  })
})
