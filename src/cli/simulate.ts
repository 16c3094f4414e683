/** `hearsay sim`: arguments of the simulator. */
import type { Command } from 'commander'
import { CliError } from './cli-error.ts'
import { EXIT } from './exit-codes.ts'
import { print } from './output.ts'

interface SimFlags {
  readonly seed: string
  readonly nodes?: string
  readonly trace?: boolean
  readonly options?: string
  readonly shrink?: boolean
}

export function registerSim(program: Command): void {
  program
    .command('sim')
    .description('Replay a simulated cluster from its seed.')
    .requiredOption('--seed <N>', 'Which run')
    .option('--nodes <N>', 'Replicas; default: derived from the seed')
    .option('--options <JSON>', 'Other options than those derived from the seed, as a failure prints them')
    .option('--shrink', 'When it fails, look for the smallest run that fails alike')
    .option('--trace', 'Print every event')
    .action(async (flags: SimFlags) => {
      // Loaded here so that no other command pays for the simulator.
      const [{ runSim }, { parseOverrides }] = await Promise.all([
        import('./sim.ts'),
        import('../testing/sim-overrides.ts'),
      ])
      const given = flags.options === undefined ? {} : parseOverrides(flags.options)
      if (typeof given === 'string') throw new CliError(EXIT.usage, `--options ${given}`)
      const nodes = flags.nodes === undefined ? {} : { nodes: wholeNumber('--nodes', flags.nodes, 1, 100) }
      process.exitCode = runSim(
        {
          seed: wholeNumber('--seed', flags.seed, 0, 4_294_967_295),
          overrides: { ...given, ...nodes },
          trace: flags.trace === true,
          shrink: flags.shrink === true,
        },
        print,
      )
    })
}

export function wholeNumber(name: string, text: string, min: number, max: number): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
  if (value >= min && value <= max) return value
  throw new CliError(
    EXIT.usage,
    `${name} must be a whole number from ${min} to ${max}, not ${JSON.stringify(text)}`,
  )
}
