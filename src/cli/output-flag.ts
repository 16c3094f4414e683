/**
 * `-o, --output`: how a command prints its data. `table` is for people and may change; `json` is one stable document,
 * `ndjson` one JSON value a line, for what is long or does not end.
 */
import { type Command, Option } from 'commander'

export type OutputFormat = 'table' | 'json' | 'ndjson' | 'raw' | 'simple' | 'extended'

export interface OutputFlags {
  readonly output: OutputFormat
}

const MEANINGS: Readonly<Record<OutputFormat, string>> = {
  table: 'for people',
  json: 'one document',
  ndjson: 'one value a line',
  raw: 'the bytes as they are',
  simple: 'for people',
  extended: 'with all columns',
}

/** @param formats the first is the default */
export function addOutputFlag(
  command: Command,
  formats: readonly OutputFormat[] = ['table', 'json'],
): Command {
  const [first = 'table'] = formats
  const meanings = formats.map((format) => `${format} (${MEANINGS[format]})`).join(', ')
  return command.addOption(
    new Option('-o, --output <FORMAT>', `Output: ${meanings}`).choices(formats).default(first),
  )
}
