/** `hearsay bench`: which benchmarks to run. */
import type { Command } from 'commander'
import { errorCode } from '../base/errors.ts'
import { CliError } from './cli-error.ts'
import { EXIT } from './exit-codes.ts'
import { print } from './output.ts'

export function registerBench(program: Command): void {
  program
    .command('bench [names...]')
    .description(
      'Measure propagation, bursts and HTTP on this machine, beside a real Alertmanager trio where installed.',
    )
    .action(async (names: string[]) => {
      // Loaded here so that no other command pays for it.
      const { runBench } = await import('../bench/run-bench.ts')
      try {
        await runBench(names, print)
      } catch (error) {
        if (errorCode(error) === 'BENCH_UNKNOWN' && error instanceof Error)
          throw new CliError(EXIT.usage, error.message)
        throw error
      }
    })
}
