/**
 * The configuration file: YAML whose nested keys spell the flags.
 *
 *     cluster:
 *       listen-address: 127.0.0.1:9094
 *       peer: [10.0.0.2:9094, 10.0.0.3:9094]
 *
 * Unknown keys are errors with their line, because a misspelt key would otherwise be a silent default. Alertmanager's
 * routing file is recognised and refused by name: it is the file that people coming from there will pass.
 */
import { isMap, isPair, isScalar, isSeq, LineCounter, parseDocument, type YAMLMap } from 'yaml'
import { nearest } from '../nearest.ts'
import { isListOption, OPTION_NAMES } from './option-schema.ts'
import type { OptionText, OptionTexts } from './option-sources.ts'
import { OptionsError } from './options-error.ts'
import type { OptionName } from './serve-options.ts'

/** A file larger than this is no configuration. */
export const CONFIG_FILE_CHARS_MAX: number = 1024 * 1024
const ROUTING_KEYS: ReadonlySet<string> = new Set(['route', 'receivers'])
/** Option names that may not stand in the file: it cannot point elsewhere. */
const NOT_IN_FILE: ReadonlySet<string> = new Set(['config.file'])

interface Reading {
  readonly path: string
  readonly lines: LineCounter
  readonly texts: Map<OptionName, OptionText>
  readonly problems: string[]
}

export interface FileTexts {
  readonly texts: OptionTexts
  /** Every bad key with its line. */
  readonly problems: readonly string[]
}

/**
 * @param path for messages only
 * @param content the file's text
 * @throws OptionsError for a file that is none of ours
 */
export function fileTexts(path: string, content: string): FileTexts {
  if (content.length > CONFIG_FILE_CHARS_MAX) {
    throw new OptionsError([
      `${path} has more than ${CONFIG_FILE_CHARS_MAX} characters: that is no configuration`,
    ])
  }
  const lines = new LineCounter()
  const document = parseDocument(content, { lineCounter: lines, prettyErrors: false })
  const reading: Reading = { path, lines, texts: new Map(), problems: [] }
  for (const error of document.errors) {
    const line = lines.linePos(error.pos[0]).line
    reading.problems.push(`${path} line ${line}: ${error.message}`)
  }
  const root = document.contents
  if (reading.problems.length === 0 && root !== null && !isEmptyScalar(root)) {
    if (isMap(root)) {
      refuseRoutingFile(reading, root)
      readMap(reading, root, '')
    } else {
      reading.problems.push(`${path} line 1: expected keys such as "cluster:", not a single value`)
    }
  }
  return reading
}

function isEmptyScalar(node: unknown): boolean {
  return isScalar(node) && node.value === null
}

function refuseRoutingFile(reading: Reading, root: YAMLMap): void {
  const key = root.items.map((item) => keyText(item.key)).find((text) => ROUTING_KEYS.has(text))
  if (key === undefined) return
  throw new OptionsError([
    `${reading.path} is an Alertmanager routing file (it has "${key}:"): hearsay routes no alerts; ` +
      "--config.file takes hearsay's own flags as nested keys, see docs/reference/flags.md",
  ])
}

function readMap(reading: Reading, map: YAMLMap, parent: string): void {
  for (const pair of map.items) {
    if (!isPair(pair)) continue
    const path = parent === '' ? keyText(pair.key) : `${parent}.${keyText(pair.key)}`
    const name = OPTION_NAMES.find((option) => option === path)
    if (name !== undefined && !NOT_IN_FILE.has(name)) readOption(reading, name, pair.key, pair.value)
    else if (isMap(pair.value) && OPTION_NAMES.some((option) => option.startsWith(`${path}.`))) {
      readMap(reading, pair.value, path)
    } else {
      const hint = nearest(
        path,
        OPTION_NAMES.filter((option) => !NOT_IN_FILE.has(option)),
      )
      const suggestion = hint === undefined ? '' : ` (did you mean ${hint}?)`
      reading.problems.push(`${place(reading, pair.key)}: unknown key ${path}${suggestion}`)
    }
  }
}

function readOption(reading: Reading, name: OptionName, key: unknown, value: unknown): void {
  const isList = isListOption(name)
  const nodes = isList && isSeq(value) ? value.items : [value]
  const texts: string[] = []
  for (const node of nodes) {
    if (!isScalar(node) || node.value === null || typeof node.value === 'object') {
      reading.problems.push(
        `${place(reading, key)}: ${name} takes ${isList ? 'a list of texts' : 'one value'}`,
      )
      return
    }
    // The source text, so that 010 or 1e3 is not first taken for a number.
    texts.push(typeof node.value === 'string' ? node.value : (node.source ?? String(node.value)))
  }
  reading.texts.set(name, { texts, origin: `${place(reading, key)}: ${name}` })
}

function keyText(key: unknown): string {
  return isScalar(key) ? String(key.value) : ''
}

function place(reading: Reading, key: unknown): string {
  const offset = isScalar(key) ? (key.range?.[0] ?? 0) : 0
  return `${reading.path} line ${reading.lines.linePos(offset).line}`
}
