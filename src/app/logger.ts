/**
 * The log of a process: pino makes the records, log-line.ts the lines.
 *
 * Every line carries `component` (the room), `event` (a stable code for machines; log-events.ts lists them) and `node` (the
 * replica's name). Lines go to stderr, synchronously, so that the last one before a crash is not lost; cores never log, so
 * this is far from any hot path.
 *
 * Nobody can fill a disk with it: of one event at most 100 lines a second are written, and the next one says how many were
 * left out. What may be a secret is written as `[redacted]`, whoever logs it by mistake.
 */
import { type DestinationStream, type Logger, pino } from 'pino'
import { LineBudget } from '../base/line-budget.ts'
import { LINE_OF } from './log-line.ts'
import type { LogFormat, LogLevel } from './options/serve-options.ts'

export interface LoggerOptions {
  readonly level: LogLevel
  /** Asked for each line. */
  readonly format: LogFormat
  /** Name of the replica. */
  readonly node: string
  /** Default: stderr. */
  readonly write?: (text: string) => void
  /** Monotonic. Default: the host's. */
  readonly nowMs?: () => number
}

/** Of one event, in a second. */
export const LOG_LINES_MAX = 100

/** Fields that are never written, at the top of a record and one level below. */
const SECRETS: readonly string[] = [
  'authorization',
  'cookie',
  'gossipKey',
  'keyBase64',
  'passphrase',
  'password',
  'privateKey',
  'secret',
  'token',
]

/** Use `roomLog` or `logger.child({ component })` in each room, and log objects with `event`. */
export function createLogger(options: LoggerOptions): Logger {
  const { write = (text: string) => void process.stderr.write(text), nowMs = () => performance.now() } =
    options
  const budget = new LineBudget(LOG_LINES_MAX)
  const stream: DestinationStream = {
    write: (json) => {
      // A line that names no component or event still has them, so that every line can be grouped.
      const record = { component: 'app', event: 'message', ...JSON.parse(json) }
      const suppressed = budget.take(record.event, nowMs())
      if (suppressed === undefined) return
      const more = suppressed === 0 ? {} : { suppressed: suppressed + (record.suppressed ?? 0) }
      write(LINE_OF[options.format]({ ...record, ...more }))
    },
  }
  return pino(
    {
      level: options.level,
      base: { node: options.node },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: SECRETS.flatMap((name) => [name, `*.${name}`]), censor: '[redacted]' },
    },
    stream,
  )
}
