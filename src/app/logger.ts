/**
 * Log lines: pino makes them, a small formatter prints them as logfmt (what this field greps), JSON or a form for eyes.
 *
 * Every line carries `component` (the room), `event` (a stable code for machines) and `node` (the replica's name).
 * Lines go to stderr, synchronously, so that the last one before a crash is not lost; cores never log, so this is far
 * from any hot path. Values that hold control characters are quoted: a peer's text cannot forge a line.
 */
import { type DestinationStream, type Logger, pino } from 'pino'
import type { LogFormat, LogLevel } from './serve-options.ts'

export interface LoggerOptions {
  readonly level: LogLevel
  /** Read at each line: a getter may change it. */
  readonly format: LogFormat
  /** Name of the replica. */
  readonly node: string
  /** Default: stderr. */
  readonly write?: (text: string) => void
}

const STANDARD_FIELDS: ReadonlySet<string> = new Set(['level', 'time', 'node', 'component', 'event', 'msg'])
const PLAIN = /^[\w.:/@+,[\]%-]+$/

function formatValue(value: unknown): string {
  if (typeof value === 'string') return PLAIN.test(value) ? value : JSON.stringify(value)
  if (typeof value === 'object' && value !== null) {
    const message = 'message' in value && typeof value.message === 'string' ? value.message : undefined
    return JSON.stringify(message ?? JSON.stringify(value))
  }
  return String(value)
}

function fieldsText(record: Readonly<Record<string, unknown>>): string {
  let text = ''
  for (const [name, value] of Object.entries(record)) {
    if (!STANDARD_FIELDS.has(name)) text += ` ${name}=${formatValue(value)}`
  }
  return text
}

function logfmtLine(record: Readonly<Record<string, unknown>>): string {
  const [node, component, event] = [record.node, record.component, record.event].map(formatValue)
  const message = record.msg === undefined ? '' : ` msg=${JSON.stringify(record.msg)}`
  const head = `ts=${record.time} level=${record.level} node=${node} component=${component} event=${event}`
  return `${head}${message}${fieldsText(record)}\n`
}

function prettyLine(record: Readonly<Record<string, unknown>>): string {
  const time = String(record.time).slice(11, 23)
  const level = String(record.level).toUpperCase().padEnd(5)
  const [node, component] = [record.node, record.component].map(formatValue)
  const message = String(record.msg ?? record.event).replaceAll(/\p{Cc}/gu, ' ')
  return `${time} ${level} ${node} ${component}: ${message}${fieldsText(record)}\n`
}

function jsonLine(record: Readonly<Record<string, unknown>>): string {
  return `${JSON.stringify(record)}\n`
}

const LINE_OF: { readonly [Format in LogFormat]: (record: Readonly<Record<string, unknown>>) => string } = {
  logfmt: logfmtLine,
  json: jsonLine,
  pretty: prettyLine,
}

/** Use `logger.child({ component })` in each room, and log objects with `event`. */
export function createLogger(options: LoggerOptions): Logger {
  const write = options.write ?? ((text: string) => void process.stderr.write(text))
  const stream: DestinationStream = {
    // A line that names no component or event still has them, so that every line can be grouped.
    write: (json) =>
      write(LINE_OF[options.format]({ component: 'app', event: 'message', ...JSON.parse(json) })),
  }
  return pino(
    {
      level: options.level,
      base: { node: options.node },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    stream,
  )
}
