/**
 * Reading the configuration again, for `POST /-/reload` and SIGHUP: what can change while the replica runs is changed, and
 * what cannot is named.
 *
 * Flags and environment are those of the start, and win as they did then; so it is the configuration file that may have
 * changed, and the files that options name. All is checked before anything is changed: a configuration that is not valid,
 * or a file that cannot be used, leaves every option as it was. One reload at a time; who asks while one runs is answered
 * by the next, which sees the file as it is then, and any number of callers share that one.
 */
import type { Clock } from '../base/clock.ts'
import { formatDuration } from '../base/duration.ts'
import { HearsayError } from '../base/errors.ts'
import type { Sample } from '../http/metrics/registry.ts'
import type { ReloadReport } from '../http/routes/reload.ts'
import { errorText } from './error-text.ts'
import { LIVE_OPTIONS, type LiveOptions } from './options/live-options.ts'
import { OPTION_NAMES, OPTION_SCHEMA } from './options/option-schema.ts'
import type { ResolvedOptions } from './options/options.ts'
import type { OptionName, ServeOptions } from './options/serve-options.ts'
import type { RoomLog } from './room-log.ts'

/** A file that an option names and that is followed anyway. */
export interface FollowedFile {
  readonly option: OptionName
  /** Looks at it now. @throws saying why it cannot be used; what it held before stays */
  readonly reread: () => Promise<void>
}

export interface ReloadDeps {
  readonly clock: Clock
  readonly log: Pick<RoomLog, 'info' | 'warn'>
  readonly live: LiveOptions
  /** The options as their sources are now. @throws OptionsError */
  readonly resolve: () => ResolvedOptions
  readonly files: readonly FollowedFile[]
  /** Of the options that may change, those that cannot in this replica. */
  readonly fixed: ReadonlySet<OptionName>
  /** Carries out what takes more than reading `live` again. */
  readonly changed: (names: ReadonlySet<OptionName>, now: ServeOptions, before: ServeOptions) => void
}

export class Reload {
  readonly #deps: ReloadDeps
  #running: Promise<unknown> = Promise.resolve()
  /** The one after the one that runs. */
  #next: Promise<ReloadReport> | undefined
  #succeeded = true
  #refused: string | undefined
  #succeededAtMs: number

  constructor(deps: ReloadDeps) {
    this.#deps = deps
    this.#succeededAtMs = deps.clock.wallMs()
  }

  /** @throws HearsayError `CONFIG_INVALID`, one line for each thing that is wrong; no option has changed then */
  run(): Promise<ReloadReport> {
    if (this.#next !== undefined) return this.#next
    const next = this.#running.then(() => {
      this.#next = undefined
      return this.#reload()
    })
    this.#next = next
    this.#running = next.catch(() => undefined)
    return next
  }

  /** For a person: that the options as they are on disk are not those in use. Files that options name warn themselves. */
  warnings(): readonly string[] {
    if (this.#refused === undefined) return []
    return [
      `the last reload was refused: ${this.#refused}; the options are as they were, and a restart would fail`,
    ]
  }

  *samples(): Iterable<Sample> {
    yield { name: 'alertmanager_config_last_reload_successful', value: this.#succeeded ? 1 : 0 }
    yield {
      name: 'alertmanager_config_last_reload_success_timestamp_seconds',
      value: this.#succeededAtMs / 1000,
    }
  }

  async #reload(): Promise<ReloadReport> {
    const { log, clock } = this.#deps
    try {
      const report = await this.#apply()
      this.#succeeded = true
      this.#succeededAtMs = clock.wallMs()
      log.info('config_reloaded', {
        applied: report.applied.join() || 'none',
        needsRestart: report.needsRestart.map(({ option }) => option).join() || 'none',
      })
      return report
    } catch (error) {
      this.#succeeded = false
      const reason = reasonOf(error)
      log.warn('config_reload_failed', { reason })
      throw new HearsayError('CONFIG_INVALID', reason, { cause: error })
    }
  }

  /** @throws OptionsError, kept for `warnings` until the options can be used again */
  #resolved(): ResolvedOptions {
    try {
      const resolved = this.#deps.resolve()
      this.#refused = undefined
      return resolved
    } catch (error) {
      this.#refused = reasonOf(error).replaceAll('\n', '; ')
      throw error
    }
  }

  async #apply(): Promise<ReloadReport> {
    const { live, files, changed, log } = this.#deps
    const { options: wanted, warnings } = this.#resolved()
    const problems: string[] = []
    for (const file of files) {
      await file.reread().catch((error: unknown) => {
        problems.push(error instanceof Error ? error.message : String(error))
      })
    }
    if (problems.length > 0) throw new HearsayError('CONFIG_INVALID', problems.join('\n'))
    for (const warning of warnings) log.warn('config_warning', { warning })
    const before = live.now
    const differing = OPTION_NAMES.filter((name) => !isSame(before[name], wanted[name]))
    const applied = differing.filter((name) => this.#canChange(name))
    live.take(wanted, applied)
    changed(new Set(applied), live.now, before)
    return {
      applied,
      needsRestart: differing
        .filter((name) => !applied.includes(name))
        .map((option) => ({ option, current: shown(option, before), wanted: shown(option, wanted) })),
      reread: files.map(({ option }) => option),
      unchanged: OPTION_NAMES.length - differing.length,
    }
  }

  #canChange(name: OptionName): boolean {
    return LIVE_OPTIONS.has(name) && !this.#deps.fixed.has(name)
  }
}

function reasonOf(error: unknown): string {
  return error instanceof HearsayError ? error.message : errorText(error)
}

/** As it is written in a configuration file. */
function shown(option: OptionName, { [option]: value }: ServeOptions): unknown {
  if (OPTION_SCHEMA[option].type === 'duration' && typeof value === 'number') return formatDuration(value)
  return value ?? null
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}
