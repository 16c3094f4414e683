/**
 * What is logged of flushes, for people: each line has a stable `event`, and says in words what follows from it where that is
 * not plain. An attempt that failed is logged the first time, and then once a minute at most for each flush: a receiver
 * that is down shows at once, and not only when the time of the flush is up.
 */
import type { Logger } from 'pino'
import type { Flush, FlushResult } from '../alerting/core/flush.ts'

/** Between two lines on failed attempts of one flush. */
export const ATTEMPT_LOG_SPACING_MS = 60_000

export interface FailedAttempt {
  readonly attempt: number
  readonly detail: string
  /** Until this replica tries again, at the earliest. */
  readonly retryInMs: number
}

type Fields = Readonly<Record<string, string | number>>

/** What of the machine's notes a person should see; the rest is logged at debug. */
const WARNED_NOTES: ReadonlySet<string> = new Set(['failed_open', 'claims_lost', 'hand_overs', 'overflows'])
const LEVELS = { sent: 'info', skipped: 'debug', failed: 'warn' } as const

export class NotifierLog {
  readonly #log: Logger
  /** When an attempt of a flush was last logged as failed. A flush that is over is forgotten with its object. */
  readonly #attemptLoggedMs = new WeakMap<Flush, number>()

  constructor(log: Logger) {
    this.#log = log
  }

  attemptFailed(flush: Flush, { attempt, detail, retryInMs }: FailedAttempt, nowMs: number): void {
    const lastMs = this.#attemptLoggedMs.get(flush)
    if (lastMs !== undefined && nowMs - lastMs < ATTEMPT_LOG_SPACING_MS) return
    this.#attemptLoggedMs.set(flush, nowMs)
    const retryIn = Math.round(retryInMs)
    this.#log.warn(
      { ...about(flush, 'notification_attempt_failed'), attempt, detail, retryInMs: retryIn },
      `a notification could not be sent; next try in ${(retryIn / 1000).toFixed(1)} s`,
    )
  }

  /** After its flush was over, or had gone on without it. */
  sentLate(flush: Flush): void {
    this.#log.warn(about(flush, 'notification_sent_late'))
  }

  notLogged(flush: Flush, error: unknown): void {
    const fields = { ...about(flush, 'notification_not_logged'), err: error }
    this.#log.error(fields, 'a notification was sent and could not be logged')
  }

  finished(flush: Flush, result: FlushResult): void {
    const detail = result.outcome === 'failed' ? { detail: result.detail } : {}
    const fields = { ...about(flush, `notification_${result.outcome}`), reason: result.reason, ...detail }
    this.#log[LEVELS[result.outcome]](fields)
  }

  /** An event of the machine (alerting/notifier/notes.ts). */
  note(event: string, fields: Fields): void {
    const level = WARNED_NOTES.has(event) ? 'warn' : 'debug'
    this.#log[level]({ component: 'notifier', event, ...fields }, consequence(event, fields))
  }
}

function about({ groupKey, receiver }: Flush, event: string): Fields {
  return { component: 'notifier', event, groupKey, ...receiver }
}

function consequence(event: string, { peer = '' }: Fields): string | undefined {
  if (event === 'failed_open') return `${peer} did not answer; sending without it; it may send as well`
  if (event === 'claims_lost') return 'another replica claims what this one was about to send, or is sending'
  if (event === 'hand_overs')
    return 'a notification could not be sent from here so far; leaving it to the others'
  return undefined
}
