/**
 * What commander says of wrong usage, as one line: the complaint, and the nearest word that would have been right or how
 * the command is used.
 *
 * Commander compares `--flag=value` as a whole with the flags it knows and then finds none that is near; here the value
 * is left out of the complaint and of the comparison.
 */
import type { Command } from 'commander'
import { nearest } from '../app/nearest.ts'

const UNKNOWN_WITH_VALUE = /^unknown option '(--[^'=]+)=/
/** Of an argument or a flag that takes one of a few words. */
const WRONG_CHOICE =
  /^(?:command-argument value '(?<word>.*)' is invalid for argument '(?<argument>.+)'|option '(?<option>.+)' argument '(?<text>.*)' is invalid)\. Allowed choices are (?<choices>.+)\.$/
const VALUE_MISSING = /^option '(?:-\w, )?(?<flag>--[^ ]+) <(?<what>[^>]+)>' argument missing$/
/** Complaints about arguments, where the usage says what was expected. */
const ABOUT_ARGUMENTS = /^(missing required argument|too many arguments)/

/** @param given the arguments of the program, which say whose flags are meant */
export function usageLine(text: string, program: Command, given: readonly string[]): string {
  const line = text
    .replace(/^error: /, '')
    .trim()
    .replaceAll(/\s*\n\s*/g, ' ')
  const command = commandOf(program, given)
  const help = `(see ${pathOf(command)} --help)`
  const ours = choiceLine(line) ?? valueLine(line)
  if (ours !== undefined) return `${ours} ${help}`
  const flag = UNKNOWN_WITH_VALUE.exec(line)?.[1]
  if (flag !== undefined) {
    const near = nearest(flag, flagsOf(command))
    return `unknown option '${flag}' ${near === undefined ? help : `(Did you mean ${near}?)`}`
  }
  if (ABOUT_ARGUMENTS.test(line)) return `${line.replace(/\.$/, '')} (usage: ${usageOf(command)})`
  return line.includes('Did you mean') ? line : `${line.replace(/\.$/, '')} ${help}`
}

function choiceLine(line: string): string | undefined {
  const { word, argument, option, text, choices } = WRONG_CHOICE.exec(line)?.groups ?? {}
  if (choices === undefined) return undefined
  const what = argument ?? /--[^ ]+/.exec(option ?? '')?.[0] ?? option ?? ''
  const words = choices.split(', ')
  const last = words.pop() ?? ''
  const list = words.length === 0 ? last : `${words.join(', ')} or ${last}`
  return `${what} must be ${list}, not ${JSON.stringify(word ?? text)}`
}

function valueLine(line: string): string | undefined {
  const { flag, what } = VALUE_MISSING.exec(line)?.groups ?? {}
  return flag === undefined ? undefined : `${flag} needs a value: ${what}`
}

/** `hearsay kv put [options] <map> <key> [value]` */
export function usageOf(command: Command): string {
  return `${pathOf(command)} ${command.usage()}`.trimEnd()
}

/** `hearsay kv put` */
export function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`
}

/** The command that the arguments name, as far as they do. */
function commandOf(program: Command, given: readonly string[]): Command {
  let command = program
  for (const word of given) {
    if (word.startsWith('-')) continue
    const next = command.commands.find((one) => one.name() === word)
    if (next === undefined) break
    command = next
  }
  return command
}

function flagsOf(command: Command): string[] {
  return ['--help', ...command.options.filter(({ hidden }) => !hidden).flatMap(({ long }) => long ?? [])]
}
