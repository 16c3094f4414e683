/**
 * Options of one replica from all sources, checked: `resolveOptions` is the only way from texts to `ServeOptions`.
 *
 * Order: flag, environment, file, default. Every complaint is collected, so that a person fixes all in one go.
 */
import { checkWebConfig } from '../web-config/web-config-files.ts'
import type { WebSettings } from '../web-config/web-settings.ts'
import { type FileTexts, fileTexts } from './option-file.ts'
import { brokenRules, uselessOptions } from './option-rules.ts'
import { OPTION_NAMES, OPTION_SCHEMA } from './option-schema.ts'
import { environmentTexts, flagTexts, type OptionTexts } from './option-sources.ts'
import { type OptionValue, parseOptionValue } from './option-values.ts'
import { OptionsError } from './options-error.ts'
import type { OptionName, ServeOptions } from './serve-options.ts'

export interface OptionInput {
  /** Texts by flag name without dashes. */
  readonly flags: ReadonlyMap<string, readonly string[]>
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Reads the configuration file; throws when it cannot. */
  readonly readFile: (path: string) => string
}

export interface ResolvedOptions {
  readonly options: ServeOptions
  /** Where each option that is not at its default came from. */
  readonly origins: ReadonlyMap<OptionName, string>
  readonly warnings: readonly string[]
}

/** @throws OptionsError with every problem found */
export function resolveOptions(input: OptionInput): ResolvedOptions {
  const flags = flagTexts(input.flags)
  const environment = environmentTexts(input.environment)
  const file = configurationFile(input, flags, environment.texts)
  const origins = new Map<OptionName, string>()
  const problems: string[] = [...file.problems]
  const values: Partial<Record<OptionName, OptionValue | undefined>> = {}
  for (const name of OPTION_NAMES) {
    const found = flags.get(name) ?? environment.texts.get(name) ?? file.texts.get(name)
    values[name] = OPTION_SCHEMA[name].default
    if (found === undefined) continue
    origins.set(name, found.origin)
    try {
      values[name] = parseOptionValue(OPTION_SCHEMA[name], found.texts)
    } catch (error) {
      problems.push(`${found.origin}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  if (problems.length > 0) throw new OptionsError(problems)
  // The schema's mapped type ties every name to the type of its field, and parsing to the schema's type.
  const options = values as unknown as ServeOptions
  const web = webSettings(options)
  const broken = brokenRules(options, web)
  if (broken.length > 0) throw new OptionsError(broken)
  return { options, origins, warnings: [...environment.warnings, ...uselessOptions(options, web)] }
}

/** Every option at its default, changed as given: for embedders and tests. The rules across options are checked. */
export function defaultOptions(changes: Partial<ServeOptions> = {}): ServeOptions {
  const defaults = Object.fromEntries(OPTION_NAMES.map((name) => [name, OPTION_SCHEMA[name].default]))
  const options = { ...defaults, ...changes } as unknown as ServeOptions
  const broken = brokenRules(options, webSettings(options))
  if (broken.length > 0) throw new OptionsError(broken)
  return options
}

/** What the file of `--web.config.file` says; it is checked with the flags, so that a start fails with all that is wrong. */
function webSettings(options: ServeOptions): WebSettings | undefined {
  const path = options['web.config.file']
  return path === undefined || path === '' ? undefined : checkWebConfig(path)
}

/** The prefix of every route, without a slash at the end; empty for none. */
export function effectiveRoutePrefix(options: ServeOptions): string {
  const externalUrl = options['web.external-url']
  const path = options['web.route-prefix'] ?? (externalUrl === undefined ? '' : new URL(externalUrl).pathname)
  return path.replace(/\/+$/, '')
}

function configurationFile(input: OptionInput, flags: OptionTexts, environment: OptionTexts): FileTexts {
  const path = (flags.get('config.file') ?? environment.get('config.file'))?.texts.at(-1)
  if (path === undefined || path === '') return { texts: new Map(), problems: [] }
  let content: string
  try {
    content = input.readFile(path)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new OptionsError([`--config.file cannot be read: ${reason}`])
  }
  return fileTexts(path, content)
}
