/**
 * One log line from one record: logfmt (what this field greps), JSON, or a form for eyes.
 *
 * Names, keys and reasons come from peers and clients. So whatever could end a line, move a cursor, colour a terminal or
 * turn the direction of text (C0 and C1 controls, DEL, line separators, bidi marks) is written as `\uXXXX` in every
 * form: one record is one line, and its fields are where they seem to be.
 */
import type { LogFormat } from './options/serve-options.ts'

export type LogRecord = Readonly<Record<string, unknown>>

const STANDARD_FIELDS: ReadonlySet<string> = new Set(['level', 'time', 'node', 'component', 'event', 'msg'])
const PLAIN = /^[\w.:/@+,[\]%-]+$/
/** What JSON leaves as it is and a terminal does not. */
const UNSAFE = /[\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g

function quoted(value: unknown): string {
  return JSON.stringify(value).replaceAll(UNSAFE, escaped)
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

function formatValue(value: unknown): string {
  if (typeof value === 'string') return PLAIN.test(value) ? value : quoted(value)
  if (typeof value === 'object' && value !== null) {
    const message = 'message' in value && typeof value.message === 'string' ? value.message : undefined
    return quoted(message ?? JSON.stringify(value))
  }
  return String(value)
}

function fieldsText(record: LogRecord): string {
  let text = ''
  for (const [name, value] of Object.entries(record)) {
    if (!STANDARD_FIELDS.has(name)) text += ` ${name.replaceAll(/[^\w.]/g, '_')}=${formatValue(value)}`
  }
  return text
}

function logfmtLine(record: LogRecord): string {
  const [node, component, event] = [record.node, record.component, record.event].map(formatValue)
  const message = record.msg === undefined ? '' : ` msg=${quoted(record.msg)}`
  const head = `ts=${record.time} level=${record.level} node=${node} component=${component} event=${event}`
  return `${head}${message}${fieldsText(record)}\n`
}

function prettyLine(record: LogRecord): string {
  const time = String(record.time).slice(11, 23)
  const level = String(record.level).toUpperCase().padEnd(5)
  const [node, component] = [record.node, record.component].map(formatValue)
  const message = quoted(String(record.msg ?? record.event))
    .slice(1, -1)
    .replaceAll('\\"', '"')
  return `${time} ${level} ${node} ${component}: ${message}${fieldsText(record)}\n`
}

function jsonLine(record: LogRecord): string {
  return `${quoted(record)}\n`
}

export const LINE_OF: { readonly [Format in LogFormat]: (record: LogRecord) => string } = {
  logfmt: logfmtLine,
  json: jsonLine,
  pretty: prettyLine,
}
