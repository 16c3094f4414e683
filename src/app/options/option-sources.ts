/**
 * Where option texts come from: command line, environment, file, in this order; the first that names an option wins
 * whole (lists are not merged). Each text keeps its origin, so that a complaint can say where to look.
 */
import { environmentName, isListOption, isOptionName, OPTION_NAMES } from './option-schema.ts'
import type { OptionName } from './serve-options.ts'

export interface OptionText {
  readonly texts: readonly string[]
  /** How a person finds it: `--cluster.peer`, `HEARSAY_CLUSTER_PEER`, `hearsay.yml line 3`. */
  readonly origin: string
}

export type OptionTexts = ReadonlyMap<OptionName, OptionText>

/** Variables of ours that are not options of `serve`. */
const OTHER_VARIABLES: ReadonlySet<string> = new Set([
  'HEARSAY_URL',
  'HEARSAY_USER',
  'HEARSAY_PASSWORD',
  'HEARSAY_PASSWORD_FILE',
  'HEARSAY_CA_FILE',
  'HEARSAY_CLIENT_CERT_FILE',
  'HEARSAY_CLIENT_KEY_FILE',
  'HEARSAY_TEST',
])

/** Non-empty and trimmed parts of a comma separated list. */
export function splitList(text: string): readonly string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
}

/** @returns the options that the environment sets, and a warning for each variable that looks like one but is none */
export function environmentTexts(environment: Readonly<Record<string, string | undefined>>): {
  readonly texts: OptionTexts
  readonly warnings: readonly string[]
} {
  const texts = new Map<OptionName, OptionText>()
  const known = new Set(OTHER_VARIABLES)
  for (const name of OPTION_NAMES) {
    const origin = environmentName(name)
    known.add(origin)
    const text = environment[origin]
    if (text === undefined) continue
    const isList = isListOption(name)
    texts.set(name, { texts: isList ? splitList(text) : [text], origin })
  }
  const warnings = Object.keys(environment)
    .filter((name) => name.startsWith('HEARSAY_') && !known.has(name))
    .map((name) => `the environment variable ${name} is no option of hearsay and has no effect`)
  return { texts, warnings }
}

/** @param flags texts by flag name without dashes, as the command line parser collected them */
export function flagTexts(flags: ReadonlyMap<string, readonly string[]>): OptionTexts {
  const texts = new Map<OptionName, OptionText>()
  for (const [name, given] of flags) {
    if (!isOptionName(name)) continue
    const isList = isListOption(name)
    texts.set(name, { texts: isList ? given.flatMap(splitList) : given, origin: `--${name}` })
  }
  return texts
}
