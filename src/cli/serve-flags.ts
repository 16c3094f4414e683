/**
 * The options schema as command line flags: grouped help with defaults and environment names, Alertmanager's flags that
 * mean nothing here, and those we know and cannot honour yet. What was given comes back as texts; checking them is the
 * schema's business (app/options/options.ts).
 */
import { type Command, Option } from 'commander'
import {
  IGNORED_FLAGS,
  ignoredWarning,
  UNAVAILABLE_FLAGS,
  unavailableProblem,
} from '../app/options/foreign-flags.ts'
import { environmentName, OPTION_NAMES, OPTION_SCHEMA } from '../app/options/option-schema.ts'
import { formatOptionValue } from '../app/options/option-values.ts'
import type { OptionName } from '../app/options/serve-options.ts'

export interface GivenFlags {
  /** Texts by flag name without dashes; one for each time it was given. */
  readonly texts: ReadonlyMap<string, readonly string[]>
  readonly warnings: readonly string[]
  readonly problems: readonly string[]
}

/** @returns reads what was given, once the command was parsed */
export function addServeFlags(command: Command): () => GivenFlags {
  const texts = new Map<string, string[]>()
  const collect =
    (name: string) =>
    (text: string): string => {
      texts.set(name, [...(texts.get(name) ?? []), text])
      return text
    }
  for (const name of OPTION_NAMES) addOption(command, name, collect(name))
  for (const { name, takesValue } of [...IGNORED_FLAGS, ...UNAVAILABLE_FLAGS]) {
    const option = new Option(takesValue ? `--${name} <value>` : `--${name}`).hideHelp()
    command.addOption(takesValue ? option.argParser(collect(name)) : option)
  }
  return () => {
    for (const option of command.options) {
      const given = command.getOptionValueSource(option.attributeName()) === 'cli'
      // Flags without a value: --x and --no-x share an attribute, whose value says which it was.
      if (!given || option.required || option.negate) continue
      texts.set(flagName(option), [String(command.getOptionValue(option.attributeName()))])
    }
    return {
      texts,
      warnings: IGNORED_FLAGS.filter(({ name }) => texts.has(name)).map(({ name }) => ignoredWarning(name)),
      problems: UNAVAILABLE_FLAGS.filter(({ name }) => texts.has(name)).map(({ name }) =>
        unavailableProblem(name),
      ),
    }
  }
}

const PLACEHOLDERS: ReadonlyMap<string, string> = new Map([
  ['duration', 'DURATION'],
  ['count', 'NUMBER'],
])

function addOption(command: Command, name: OptionName, parse: (text: string) => string): void {
  const descriptor = OPTION_SCHEMA[name]
  const preset = formatOptionValue(descriptor)
  const choices = descriptor.values === undefined ? '' : `: ${descriptor.values.join(', ')}`
  const notes = `${preset === '' ? '' : `default ${preset}; `}${environmentName(name)}`
  const help = `${descriptor.help}${choices} (${notes})`
  const group = `${descriptor.group}:`
  if (descriptor.type === 'bool') {
    command.addOption(new Option(`--${name}`, help).helpGroup(group))
    command.addOption(new Option(`--no-${name}`).hideHelp())
    return
  }
  const placeholder = descriptor.placeholder ?? PLACEHOLDERS.get(descriptor.type) ?? 'NAME'
  command.addOption(new Option(`--${name} <${placeholder}>`, help).helpGroup(group).argParser(parse))
}

function flagName(option: Option): string {
  return (option.long ?? '').replace(/^--/, '')
}
