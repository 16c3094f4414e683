/** What can be completed where, read off the tree of commands and the options schema: the same for all shells. */
import type { Argument, Command, Option } from 'commander'
import { OPTION_SCHEMA } from '../app/options/option-schema.ts'

/** What a value is: a path, a folder, one of some words, or anything. */
export type ValueKind = 'file' | 'folder' | 'text' | readonly string[]

export interface FlagSpec {
  /** `-o`, `--output`: as they are typed. */
  readonly names: readonly string[]
  readonly help: string
  /** Undefined: takes none. */
  readonly value: ValueKind | undefined
}

export interface CommandSpec {
  /** `kv put`; empty for the program. */
  readonly path: string
  readonly commands: readonly { readonly name: string; readonly help: string }[]
  readonly flags: readonly FlagSpec[]
  /** Of its arguments; the first that is no plain text speaks for all. */
  readonly operands: ValueKind
}

const FOLDERS: ReadonlySet<string> = new Set(['DIR'])
const FILES: ReadonlySet<string> = new Set(['FILE', 'PATH'])

/** @returns the program first, and every command after those that hold it */
export function completionSpec(program: Command): readonly CommandSpec[] {
  return specsOf(program, '')
}

function specsOf(command: Command, path: string): CommandSpec[] {
  const helper = command.createHelp()
  const commands = helper.visibleCommands(command)
  const own: CommandSpec = {
    path,
    commands: commands.map((one) => ({ name: one.name(), help: one.description() })),
    flags: helper.visibleOptions(command).map(flagOf),
    operands: path === 'help' ? programCommands(command) : operandsOf(command.registeredArguments),
  }
  return [own, ...commands.flatMap((one) => specsOf(one, `${path} ${one.name()}`.trim()))]
}

function flagOf(option: Option): FlagSpec {
  return {
    names: [option.short, option.long].filter((name) => name !== undefined),
    help: option.description,
    value: option.required || option.optional ? kindOf(option) : undefined,
  }
}

function kindOf(option: Option): ValueKind {
  const name = (option.long ?? '').replace(/^--/, '')
  const words = option.argChoices ?? valuesInSchema(name)
  if (words !== undefined) return words
  const placeholder = /<(\w+)>/.exec(option.flags)?.[1] ?? ''
  if (FOLDERS.has(placeholder)) return 'folder'
  // A path of HTTP is none of the disk.
  return FILES.has(placeholder) && name !== 'web.route-prefix' ? 'file' : 'text'
}

function valuesInSchema(name: string): readonly string[] | undefined {
  const schema: Readonly<Record<string, { readonly values?: readonly string[] }>> = OPTION_SCHEMA
  return schema[name]?.values
}

function operandsOf(args: readonly Argument[]): ValueKind {
  const kinds = args.map((one): ValueKind => one.argChoices ?? (one.name() === 'file' ? 'file' : 'text'))
  return kinds.find((kind) => kind !== 'text') ?? 'text'
}

/** `hearsay help` takes the names of the commands. */
function programCommands(help: Command): readonly string[] {
  return help.parent?.commands.map((one) => one.name()) ?? []
}
