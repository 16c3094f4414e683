/**
 * The options that hold at this moment, and which of them may change while a replica runs.
 *
 * Parts of a replica that read an option each time they need it read it here; nothing has to be told to them. What is not
 * in the list is built into a socket, a file or a wire format when the replica starts: a reload names it and leaves it.
 */
import type { OptionName, ServeOptions } from './serve-options.ts'

/** The largest bodies that HTTP takes are laid down at the start, so `limits.value-bytes` and `limits.batch-bytes` are not here. */
export const LIVE_OPTIONS: ReadonlySet<OptionName> = new Set<OptionName>([
  'data.retention',
  'cluster.peer',
  'limits.key-bytes',
  'limits.batch-ops',
  'limits.entries',
  'limits.alerts',
  'limits.alerts-bytes',
  'silences.max-silences',
  'silences.max-silence-size-bytes',
  'log.level',
  'log.format',
  'shutdown.drain-delay',
  'shutdown.timeout',
])

export class LiveOptions {
  #now: ServeOptions

  constructor(options: ServeOptions) {
    this.#now = options
  }

  get now(): ServeOptions {
    return this.#now
  }

  /** @param names those that are taken; the others stay */
  take(wanted: ServeOptions, names: readonly OptionName[]): void {
    const changes = Object.fromEntries(names.map((name) => [name, wanted[name]]))
    this.#now = { ...this.#now, ...changes }
  }
}
