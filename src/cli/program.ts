/**
 * The tree of commands, built without running anything: the program, the completion scripts and docs/reference/cli.md all
 * come from it.
 */
import { Command, type Option } from 'commander'
import { VERSION } from '../app/version.ts'
import { paintFor } from './colour.ts'
import { COMMANDS } from './commands.ts'
import { printError } from './output.ts'
import { usageLine } from './usage-line.ts'

const EXAMPLES = `
Examples:
  hearsay dev --nodes 3
  hearsay kv put thresholds api '{"cpu":0.9}' --ttl 1h --ack majority
  hearsay silence add DiskFull 'instance=~"db-.*"' --comment "disk swap" --duration 2h

Exit codes: 0 done, 1 failed, 2 usage, 3 not found, 4 conflict, 5 cannot reach a replica.
Clients ask the replica at --url or HEARSAY_URL. More: hearsay help COMMAND.`

/** @param given the arguments after the program's name, which say whose usage an error is about */
export function buildProgram(given: readonly string[]): Command {
  const program = new Command('hearsay')
  program
    .description('A replicated, durable state store for alerting services, and a memberlist peer.')
    .usage('<command> [options]')
    .version(`hearsay ${VERSION}`, '-V, --version', 'Print the version')
    .helpOption('-h, --help', 'Print this text')
    .helpCommand(false)
    .exitOverride()
    .configureHelp({
      styleTitle: (title) => paintFor(process.stdout)('title', title),
      optionDescription,
      subcommandTerm: (command) => `${command.name()} ${argumentsOf(command)}`.trimEnd(),
    })
    .configureOutput({ outputError: (text) => printError(usageLine(text, program, given)) })
    .addHelpText('after', EXAMPLES)
  for (const [group, commands] of COMMANDS) {
    program.commandsGroup(`${group}:`)
    for (const register of commands) register(program)
  }
  for (const command of program.commands) {
    if (command.commands.length > 0) command.helpCommand(false).usage('<command> [options]')
  }
  return program
}

function argumentsOf(command: Command): string {
  return command.usage().replace('[options]', '').replace('<command>', '').trim()
}

/** With its choices, where the text does not say them, and its default. */
export function optionDescription({ description, argChoices = [], defaultValue }: Option): string {
  const choices = argChoices.some((choice) => description.includes(choice)) ? '' : argChoices.join(', ')
  const preset = typeof defaultValue === 'string' ? `default ${defaultValue}` : ''
  const notes = [choices, preset].filter((note) => note !== '')
  if (notes.length === 0) return description
  const bare = description.replace(/ \((HEARSAY_\w+)\)$/, '')
  const variable = bare === description ? [] : [description.slice(bare.length + 2, -1)]
  return `${bare} (${[...notes, ...variable].join('; ')})`
}
