/**
 * `hearsay sim --seed N`: replays one simulated cluster and says how it went. The same seed is the same run, on any
 * machine; a failure prints all that is known about it and exits with 1.
 */
import { describeFault } from '../testing/fault-plan.ts'
import { SimFailure, type SimReport, simulate } from '../testing/simulation.ts'

export interface SimArguments {
  readonly seed: number
  /** Replicas; derived from the seed when left out. */
  readonly nodes?: number
  /** Print every event. */
  readonly trace?: boolean
}

/**
 * @param print takes one or more lines without the last line break
 * @returns the exit code: 0, or 1 when a promise was broken
 */
export function runSim(args: SimArguments, print: (text: string) => void): number {
  try {
    const report = simulate(args.seed, {
      ...(args.nodes === undefined ? {} : { overrides: { nodes: args.nodes } }),
      ...(args.trace === true ? { onEvent: print } : {}),
    })
    print(summary(report))
    return 0
  } catch (error) {
    if (!(error instanceof SimFailure)) throw error
    print(error.message)
    return 1
  }
}

function summary(report: SimReport): string {
  const { options, network } = report
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`
  return [
    `seed ${options.seed}: ${options.nodes} nodes, ${seconds(report.virtualMs)} of virtual time, ${report.events} events`,
    `faults: ${options.faults.length === 0 ? 'none' : options.faults.join(', ')}`,
    ...report.plan.map((fault) => `  ${describeFault(fault)}`),
    `writes: ${report.acked} acknowledged, ${report.failed} failed, ${report.unknown} unknown; ${report.boots} boots`,
    `datagrams: ${network.sent} sent, ${network.lost} lost, ${network.duplicated} doubled, ${network.cut} cut off, ` +
      `${network.oversized} too large; streams: ${network.streams}, of which ${network.streamFailures} failed`,
    `at rest ${seconds(report.convergedAfterMs)} after the last fault: all equal, no acknowledged write lost`,
    `trace ${report.traceHash}`,
  ].join('\n')
}
