/**
 * What commander says of wrong usage, as one line: the complaint and the nearest word that would have been right.
 *
 * Commander compares `--flag=value` as a whole with the flags it knows and then finds none that is near; here the value
 * is left out of the complaint and of the comparison.
 */
import type { Command } from 'commander'
import { nearest } from '../app/nearest.ts'

const UNKNOWN_WITH_VALUE = /^unknown option '(--[^'=]+)=/

/** @param given the arguments of the program, which say whose flags are meant */
export function usageLine(text: string, program: Command, given: readonly string[]): string {
  const line = text
    .replace(/^error: /, '')
    .trim()
    .replaceAll(/\s*\n\s*/g, ' ')
  const flag = UNKNOWN_WITH_VALUE.exec(line)?.[1]
  if (flag !== undefined) {
    const near = nearest(flag, flagsOf(program, given))
    return `unknown option '${flag}' ${near === undefined ? '(see hearsay --help)' : `(Did you mean ${near}?)`}`
  }
  return /^unknown/.test(line) && !line.includes('Did you mean') ? `${line} (see hearsay --help)` : line
}

function flagsOf(program: Command, given: readonly string[]): string[] {
  let command = program
  for (const word of given) command = command.commands.find((one) => one.name() === word) ?? command
  return command.options.filter(({ hidden }) => !hidden).flatMap(({ long }) => long ?? [])
}
