/** `hearsay help`: the help text of a command, named as it would be run. */
import type { Command } from 'commander'
import { nearest } from '../app/nearest.ts'
import { CliError } from './cli-error.ts'
import { EXIT } from './exit-codes.ts'

export function registerHelp(program: Command): void {
  program
    .command('help')
    .description('Print the help of a command.')
    .argument('[command...]', 'Its words: kv put')
    .action((words: readonly string[]) => {
      commandNamed(program, words).outputHelp()
    })
}

function commandNamed(program: Command, words: readonly string[]): Command {
  let command = program
  for (const word of words) {
    const next = command.commands.find((one) => one.name() === word)
    if (next === undefined) {
      const near = nearest(
        word,
        command.commands.map((one) => one.name()),
      )
      const advice = near === undefined ? '(see hearsay --help)' : `(Did you mean ${near}?)`
      throw new CliError(EXIT.usage, `unknown command '${word}' ${advice}`)
    }
    command = next
  }
  return command
}
