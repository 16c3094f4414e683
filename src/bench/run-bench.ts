/**
 * `hearsay bench`: real processes on loopback, hearsay and a real Alertmanager trio in the same run where one is
 * installed, and ratios rather than absolute claims, since machines are noisy.
 */
import { HearsayError } from '../base/errors.ts'
import { seededRandom } from '../base/random.ts'
import { burst } from './burst.ts'
import { httpLoad } from './http-load.ts'
import { propagate } from './propagate.ts'
import { type RunningTrio, startAlertmanagerTrio, startHearsayTrio } from './trio.ts'

export const BENCHMARKS = ['propagate', 'burst', 'http'] as const
export type Benchmark = (typeof BENCHMARKS)[number]

const PROPAGATE_ROUNDS = 100
const BURST_SIZES = [1000, 5000]
const BURST_CONNECTIONS = 32
const BURST_TIMEOUT_MS = 120_000

export interface BenchOptions {
  /** For `http`: measure with a disk whose syncs take so much longer. */
  readonly fsyncDelayMs?: number | undefined
}

/**
 * @param names which to run; none means all
 * @param print receives each finished line
 * @throws HearsayError `BENCH_UNKNOWN` for a name that is none of `BENCHMARKS`
 */
export async function runBench(
  names: readonly string[],
  print: (line: string) => void,
  options: BenchOptions = {},
): Promise<void> {
  for (const name of names) {
    if (!BENCHMARKS.some((known) => known === name)) {
      throw new HearsayError(
        'BENCH_UNKNOWN',
        `no benchmark named ${JSON.stringify(name)}; there are ${BENCHMARKS.join(', ')}`,
      )
    }
  }
  const wanted = (name: Benchmark): boolean => names.length === 0 || names.includes(name)
  print(`Node ${process.version}, ${new Date().toISOString()}`)
  if (wanted('propagate') || wanted('burst')) {
    await onTrio(await startHearsayTrio(), wanted, print)
    const alertmanager = await startAlertmanagerTrio()
    if (alertmanager === undefined)
      print('Alertmanager: not installed (apt-get install prometheus-alertmanager), left out')
    else await onTrio(alertmanager, wanted, print)
  }
  if (wanted('http')) await httpLoad({ fsyncDelayMs: options.fsyncDelayMs, print })
}

async function onTrio(
  trio: RunningTrio,
  wanted: (name: Benchmark) => boolean,
  print: (line: string) => void,
): Promise<void> {
  try {
    for (const kind of trio.kinds) {
      if (wanted('propagate')) {
        const result = await propagate(kind, PROPAGATE_ROUNDS, seededRandom(PROPAGATE_ROUNDS))
        print(
          `propagate  ${result.label.padEnd(28)} one update readable on all 3: p50 ${ms(result.p50Ms)}  p99 ${ms(result.p99Ms)}  max ${ms(result.maxMs)}  (${result.rounds} rounds)`,
        )
      }
      if (!wanted('burst')) continue
      let firstIndex = 1_000_000
      for (const spread of ['one replica', 'round-robin'] as const) {
        for (const updates of BURST_SIZES) {
          const options = {
            updates,
            connections: BURST_CONNECTIONS,
            spread,
            firstIndex,
            timeoutMs: BURST_TIMEOUT_MS,
          }
          const result = await burst(kind, options)
          firstIndex += updates
          const end =
            result.equalMs === undefined
              ? `${result.missing} still missing`
              : `equal ${ms(result.equalMs)} after the last ack`
          print(
            `burst      ${result.label.padEnd(28)} ${String(updates).padStart(5)} to ${spread.padEnd(11)}: acknowledged in ${ms(result.ackedMs)} (${Math.round(result.writesPerSecond)}/s), ${end}`,
          )
        }
      }
    }
  } finally {
    await trio.stop()
  }
}

function ms(value: number): string {
  return `${value < 100 ? value.toFixed(1) : Math.round(value)} ms`
}
