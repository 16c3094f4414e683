/** `hearsay bench`: which benchmarks to run. */
import type { Command } from 'commander'
import { parseDuration } from '../base/duration.ts'
import { errorCode } from '../base/errors.ts'
import { CliError } from './cli-error.ts'
import { EXIT } from './exit-codes.ts'
import { print } from './output.ts'
import { usageChecked } from './usage-checked.ts'

export function registerBench(program: Command): void {
  program
    .command('bench [names...]')
    .description(
      'Measure propagation, bursts and HTTP on this machine, beside Alertmanager and etcd where installed.',
    )
    .option('--fsync-delay <duration>', 'Of http: as on a disk whose syncs take so much longer')
    .action(async (names: string[], { fsyncDelay }: { readonly fsyncDelay?: string }) => {
      const fsyncDelayMs =
        fsyncDelay === undefined
          ? undefined
          : usageChecked(() => parseDuration(fsyncDelay), '--fsync-delay: ')
      // Loaded here so that no other command pays for it.
      const { runBench } = await import('../bench/run-bench.ts')
      try {
        await runBench(names, print, { fsyncDelayMs })
      } catch (error) {
        if (errorCode(error) === 'BENCH_UNKNOWN' && error instanceof Error)
          throw new CliError(EXIT.usage, error.message)
        throw error
      }
    })
}
