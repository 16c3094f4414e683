#!/usr/bin/env node
/** The `hearsay` program: arguments in, exit code out. What the commands do is in their own files. */
import { Command, CommanderError } from 'commander'
import { VERSION } from '../app/version.ts'
import { errorCode } from '../base/errors.ts'
import { CliError } from './cli-error.ts'
import { COMMANDS } from './commands.ts'
import { EXIT } from './exit-codes.ts'
import { printError } from './output.ts'
import { usageLine } from './usage-line.ts'

const HELP_SHOWN: ReadonlySet<string> = new Set(['commander.helpDisplayed', 'commander.version'])

function buildProgram(): Command {
  const program = new Command('hearsay')
  program
    .description('A replicated, durable state store for alerting services, and a memberlist peer.')
    .version(`hearsay ${VERSION}`, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this text')
    .exitOverride()
    .configureOutput({ outputError: (text) => printError(usageLine(text, program, process.argv.slice(2))) })
  for (const register of COMMANDS) register(program)
  return program
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

// A reader that has seen enough (`hearsay kv list m | head`) is no failure.
process.stdout.on('error', (error) => {
  process.exit(errorCode(error) === 'EPIPE' ? EXIT.done : EXIT.failed)
})

try {
  await buildProgram().parseAsync()
} catch (error) {
  process.exit(exitCodeOf(error))
}
