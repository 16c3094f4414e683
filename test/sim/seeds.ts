/**
 * Seeds through the simulator: 60 by default, 1,000 with HEARSAY_TEST=ci, in two shards that vitest runs side by side. Every
 * failure prints its seed: `hearsay sim --seed N` replays it, `--shrink` makes it small.
 *
 * In the long suite each listed mark (testing/marks.ts) must have been hit by some seed, and each kind of fault in its share.
 */
import { describe, expect, it } from 'vitest'
import { MARKS, Marks } from '../../src/testing/marks.ts'
import { FAULT_KINDS, RARE_KINDS } from '../../src/testing/sim-options.ts'
import { SimFailure, simulate } from '../../src/testing/simulation.ts'

const long = process.env.HEARSAY_TEST === 'ci'
const SHARDS = 2
const SEEDS = long ? 350 : 30
/** A seed takes 0.1 to 0.2 s of one core. */
const TIMEOUT_MS = long ? 900_000 : 120_000
const FAILURES_MAX = 3

/** @param shard from 0 */
export function describeSeeds(shard: number): void {
  describe('a simulated cluster', () => {
    it(`keeps its promises under ${SEEDS} seeds of mixed faults`, { timeout: TIMEOUT_MS }, () => {
      const failures: string[] = []
      const marks = new Marks()
      const startedUs = process.cpuUsage().user
      let nodeSeconds = 0
      let acked = 0
      let seeds = 0
      for (; seeds < SEEDS && failures.length < FAILURES_MAX; seeds++) {
        try {
          const report = simulate(seeds * SHARDS + shard)
          nodeSeconds += report.nodeSeconds
          acked += report.acked
          marks.addAll(report.marks)
          for (const kind of report.options.faults) marks.hit(`chosen:${kind}`)
        } catch (error) {
          if (!(error instanceof SimFailure)) throw error
          failures.push(error.message)
        }
      }
      const coreSeconds = (process.cpuUsage().user - startedUs) / 1e6
      console.log(
        `simulator: ${seeds} seeds, ${Math.round(nodeSeconds)} node-seconds in ${coreSeconds.toFixed(1)} core-seconds ` +
          `(${Math.round(nodeSeconds / coreSeconds)} a second), ${acked} acknowledged writes\n${JSON.stringify(marks.toRecord())}`,
      )
      expect(failures.join('\n\n')).toBe('')
      const chosen = marks.toRecord()
      for (const kind of FAULT_KINDS) {
        const share = (chosen[`chosen:${kind}`] ?? 0) / seeds
        expect(share, kind).toBeGreaterThan(RARE_KINDS.has(kind) ? 0.05 : 0.2)
      }
      if (long) expect(marks.missing(MARKS)).toEqual([])
    })
  })
}
