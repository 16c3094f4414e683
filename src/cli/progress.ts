/**
 * How far a long job is, on stderr: a bar that is written over on a terminal, else one line every few seconds with the
 * same numbers: how much, which part, at what rate, how long still. A job that is over before the first line is due says
 * nothing. The rate is that of the whole job so far, which wavers less than one of the last moments.
 */
import type { Command } from 'commander'

const TERMINAL_INTERVAL_MS = 100
const LINE_INTERVAL_MS = 3000
const BAR_CELLS = 20
const COLUMNS_DEFAULT = 80

export interface ProgressOptions {
  /** `saved` */
  readonly verb: string
  /** `bytes`, or what is counted: `silences`. */
  readonly unit: string
  /** How much there is to do, where it is known. */
  readonly total?: number | undefined
  /** Say nothing. */
  readonly isQuiet?: boolean
}

export interface ProgressSink {
  readonly isTerminal: boolean
  readonly columns: number
  readonly write: (text: string) => void
  readonly monotonicMs: () => number
}

export class Progress {
  readonly #options: ProgressOptions
  readonly #sink: ProgressSink
  readonly #startMs: number
  #nextMs: number
  #isDrawn = false

  constructor(options: ProgressOptions, sink: ProgressSink = standardError()) {
    this.#options = options
    this.#sink = sink
    this.#startMs = sink.monotonicMs()
    this.#nextMs = this.#startMs + this.#intervalMs
  }

  /** @param note more to be said at the end of the line: `2 failed` */
  update(done: number, note = ''): void {
    const nowMs = this.#sink.monotonicMs()
    if (this.#options.isQuiet === true || nowMs < this.#nextMs) return
    this.#nextMs = nowMs + this.#intervalMs
    const { isTerminal, columns, write } = this.#sink
    const parts = [...progressParts(this.#options, done, nowMs - this.#startMs), note].filter(
      (part) => part !== '',
    )
    if (!isTerminal) {
      write(`hearsay: ${this.#options.verb} ${parts.join(', ')}\n`)
      return
    }
    const { total } = this.#options
    const bar = total === undefined || total <= 0 ? '' : `${barOf(done / total)} `
    const line = `${this.#options.verb} ${bar}${parts.join(', ')}`
    write(`\r\u001b[K${line.slice(0, columns - 1)}`)
    this.#isDrawn = true
  }

  /** Takes the bar away, so that what is printed next has the line for itself. */
  end(): void {
    if (this.#isDrawn) this.#sink.write('\r\u001b[K')
    this.#isDrawn = false
  }

  get #intervalMs(): number {
    return this.#sink.isTerminal ? TERMINAL_INTERVAL_MS : LINE_INTERVAL_MS
  }
}

/** For commands that may take long. */
export function addProgressFlag(command: Command): Command {
  return command.option('--no-progress', 'Do not show how far it is')
}

/** @param elapsedMs since the start of the job */
export function progressParts(options: ProgressOptions, done: number, elapsedMs: number): string[] {
  const { unit, total } = options
  const rate = elapsedMs > 0 ? (done * 1000) / elapsedMs : 0
  if (total === undefined || total <= 0) return [amount(done, unit), `${amount(rate, unit)}/s`]
  const percent = Math.min(100, Math.floor((done * 100) / total))
  const rest = rate > 0 ? `${remaining((Math.max(0, total - done) * 1000) / rate)} left` : ''
  return [
    `${amount(done, unit, false)} of ${amount(total, unit)} (${percent} %)`,
    `${amount(rate, unit, unit === 'bytes')}/s`,
    rest,
  ]
}

/** `12.3 MB`, `4.5 kB`, `17 bytes` */
export function byteText(bytes: number): string {
  if (bytes >= 1e6) return `${(bytes / 1e6).toFixed(1)} MB`
  return bytes >= 1000 ? `${(bytes / 1000).toFixed(1)} kB` : `${Math.round(bytes)} bytes`
}

function amount(count: number, unit: string, withUnit = true): string {
  if (unit === 'bytes') return byteText(count)
  return withUnit ? `${Math.round(count)} ${unit}` : String(Math.round(count))
}

/** Whole seconds are enough, and from an hour on whole minutes. */
function remaining(ms: number): string {
  const seconds = Math.ceil(ms / 1000)
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

function barOf(part: number): string {
  const full = Math.max(0, Math.min(BAR_CELLS, Math.floor(part * BAR_CELLS)))
  return `[${'#'.repeat(full)}${'.'.repeat(BAR_CELLS - full)}]`
}

function standardError(): ProgressSink {
  const { stderr } = process
  return {
    isTerminal: stderr.isTTY === true && process.env.TERM !== 'dumb',
    columns: stderr.columns ?? COLUMNS_DEFAULT,
    write: (text) => void stderr.write(text),
    monotonicMs: () => performance.now(),
  }
}
