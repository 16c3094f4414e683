/** Runs the program once: arguments in, exit code out, complaints on stderr. Signals and streams are main.ts' business. */
import { CommanderError } from 'commander'
import { CliError } from './cli-error.ts'
import { EXIT } from './exit-codes.ts'
import { printError } from './output.ts'
import { buildProgram } from './program.ts'

const HELP_SHOWN: ReadonlySet<string> = new Set(['commander.helpDisplayed', 'commander.version'])

/**
 * @param given the arguments after the program's name
 * @returns undefined when the command has ended well, or has set `process.exitCode` itself
 */
export async function run(given: readonly string[]): Promise<number | undefined> {
  try {
    await buildProgram(given).parseAsync(given, { from: 'user' })
    return undefined
  } catch (error) {
    return exitCodeOf(error)
  }
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return HELP_SHOWN.has(error.code) ? EXIT.done : EXIT.usage
  if (error instanceof CliError) {
    for (const line of error.lines) printError(line)
    return error.exitCode
  }
  printError(error instanceof Error ? (error.stack ?? error.message) : String(error))
  return EXIT.failed
}
