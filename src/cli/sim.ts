/**
 * `hearsay sim --seed N`: replays one simulated cluster and says how it went. The same seed is the same run, on any
 * machine; a failure prints all that is known about it and exits with 1.
 */
import { describeFault } from '../testing/fault-plan.ts'
import { type Shrunk, shrink } from '../testing/shrink.ts'
import type { SimOverrides } from '../testing/sim-options.ts'
import { SimFailure, type SimReport, simulate } from '../testing/simulation.ts'
import { Progress } from './progress.ts'

/** A failing run is made smaller for this long at most. */
const SHRINK_BUDGET_MS = 60_000

export interface SimArguments {
  readonly seed: number
  /** Instead of what the seed derives. */
  readonly overrides?: SimOverrides
  /** Print every event. */
  readonly trace?: boolean
  /** Look for the smallest run that fails alike. */
  readonly shrink?: boolean
}

/**
 * @param print takes one or more lines without the last line break
 * @returns the exit code: 0, or 1 when a promise was broken
 */
export function runSim(args: SimArguments, print: (text: string) => void): number {
  const how = args.overrides === undefined ? {} : { overrides: args.overrides }
  if (args.shrink === true) {
    const progress = new Progress({ verb: 'tried', unit: 'runs' })
    let looks = 0
    // The time is looked at before each run.
    const monotonicMs = (): number => {
      progress.update(looks++)
      return performance.now()
    }
    const shrunk = shrink(args.seed, how, { budgetMs: SHRINK_BUDGET_MS, monotonicMs })
    progress.end()
    print(shrunk === undefined ? `seed ${args.seed} keeps its promises` : smallest(args.seed, shrunk))
    return shrunk === undefined ? 0 : 1
  }
  try {
    const report = simulate(args.seed, { ...how, ...(args.trace === true ? { onEvent: print } : {}) })
    print(summary(report))
    return 0
  } catch (error) {
    if (!(error instanceof SimFailure)) throw error
    print(error.message)
    return 1
  }
}

function smallest(seed: number, { overrides, failure, runs }: Shrunk): string {
  return [
    failure.message,
    `smallest of ${runs} runs: hearsay sim --seed ${seed} --options '${JSON.stringify(overrides)}'`,
  ].join('\n')
}

function summary(report: SimReport): string {
  const { options, network, notifications } = report
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`
  return [
    `seed ${options.seed}: ${options.nodes} nodes, ${seconds(report.virtualMs)} of virtual time, ${report.events} events`,
    `faults: ${options.faults.length === 0 ? 'none' : options.faults.join(', ')}`,
    ...report.plan.map((fault) => `  ${describeFault(fault)}`),
    `writes: ${report.acked} acknowledged, ${report.failed} failed, ${report.unknown} unknown; ${report.boots} boots`,
    ...(notifications === undefined
      ? []
      : [
          `notifications: ${notifications.deliveries} messages for ${notifications.flushes} flushes, ` +
            `${notifications.duplicates} of them duplicates`,
        ]),
    `datagrams: ${network.sent} sent, ${network.lost} lost, ${network.duplicated} doubled, ${network.cut} cut off, ` +
      `${network.oversized} too large; streams: ${network.streams}, of which ${network.streamFailures} failed`,
    `at rest ${seconds(report.convergedAfterMs)} after the last fault: all equal, no acknowledged write lost`,
    `trace ${report.traceHash}`,
  ].join('\n')
}
