/**
 * One flush, from its start to its result.
 *
 * While it is sending or logging it is busy, and what others claim meanwhile does not stop it: a send that may have
 * arrived has to be logged. One that failed is tried again after 0.5 s, then 1.5 times as long each time up to 60 s, for
 * as long as the claim is held; if another has taken it, this one waits for that other like everybody else.
 */

import type { Flush, FlushResult, NotifyReason, SendOutcome, SkipReason } from '../core/flush.ts'
import { nanosFromMs } from '../core/nanos.ts'
import { decide } from '../core/notification-decision.ts'
import { Contender, type ContenderNeeds, type ContenderParts } from './contender.ts'
import { notificationId } from './notification-id.ts'

const BACKOFF_FIRST_MS = 500
const BACKOFF_FACTOR = 1.5
const BACKOFF_MAX_MS = 60_000
/** Beyond its deadline a flush waits this long for its log entry to be written. */
const LOG_GRACE_MS = 5000
const STINT_SHARE = 0.5
const STINT_MS = 60_000
const LEFT_TO_OTHERS_MS = 10_000
/** The last attempt before handing on is not cut short. */
const ATTEMPT_MS_MIN = 5000
/** After handing on, for each of the others: about as long as one of them waits for its turn. */
const ASIDE_MS = 1000
const PERIOD_MS_MIN = 1000
const PERIOD_MS_MAX = 86_400_000

export class FlushRun extends Contender {
  readonly #flush: Flush
  #doing: 'waiting' | 'sending' | 'logging' = 'waiting'
  #reason: NotifyReason = 'first'
  #notificationId = ''
  #attempts = 0
  #backoffMs = BACKOFF_FIRST_MS
  /** Why the last attempt failed. */
  #detail = ''
  /** When this holder of the claim is to hand it on; undefined while it has none. */
  #stintEndsMs: number | undefined

  constructor(parts: ContenderParts, needs: ContenderNeeds, flush: Flush) {
    super(parts, needs)
    this.#flush = flush
  }

  /** See Notifier.sent. */
  sent(outcome: SendOutcome, nowMs: number): number | undefined {
    if (this.isOver || this.#doing !== 'sending') return undefined
    if (outcome.ok) {
      this.#doing = 'logging'
      this.parts.alarms.set(this, Math.max(this.deadlineMs, nowMs) + LOG_GRACE_MS)
      this.parts.host.log(this.id, this.#flush, outcome)
      return undefined
    }
    this.#detail = outcome.detail
    this.#idle()
    if (!outcome.retry) {
      this.#fail('send-failed', outcome.detail, nowMs)
      return undefined
    }
    this.notBeforeMs = nowMs + this.#backoffMs
    this.#backoffMs = Math.min(this.#backoffMs * BACKOFF_FACTOR, BACKOFF_MAX_MS)
    if (this.#others() > 0) {
      // Once more at the end.
      if (nowMs >= this.#stintUntil()) this.#handOn(nowMs)
      else this.notBeforeMs = Math.min(this.notBeforeMs, this.#stintUntil())
    }
    this.step(nowMs)
    return this.isOver ? undefined : Math.max(0, this.notBeforeMs - nowMs)
  }

  logged(ok: boolean, nowMs: number): void {
    if (this.isOver || this.#doing !== 'logging') return
    this.#sent(ok, nowMs)
  }

  /** Once it has been sent it cannot be called off, for it has to be logged. */
  cancel(nowMs: number): void {
    if (this.isOver || this.#doing === 'logging') return
    if (this.#doing === 'sending') this.parts.host.abort(this.id)
    this.#fail('closed', 'its caller has lost interest', nowMs)
  }

  close(nowMs: number): void {
    if (this.#doing === 'logging') this.#sent(false, nowMs)
    else this.cancel(nowMs)
  }

  protected override review(nowMs: number): boolean {
    const { host, notes } = this.parts
    const entry = host.entry(this.work)
    const decision = decide(entry, this.#flush, nanosFromMs(host.wallMs()))
    notes.count(entry === undefined ? 'decisions_without_entry' : 'decisions_by_entry')
    if (decision.notify) {
      this.#reason = decision.reason
      this.#notificationId = notificationId(
        this.work,
        entry?.timestampNs ?? periodNs(this.#flush),
        this.#flush,
      )
      return true
    }
    this.#skip(decision.reason, nowMs)
    return false
  }

  protected override proceed(nowMs: number): void {
    const { host, notes } = this.parts
    this.#stintEndsMs ??= nowMs + stintMs(this.deadlineMs - nowMs)
    this.isBusy = true
    this.#doing = 'sending'
    this.#attempts++
    notes.count(this.#attempts === 1 ? 'orders' : 'retries')
    this.wait(Math.max(this.#stintUntil(), nowMs + ATTEMPT_MS_MIN))
    host.order(this.id, {
      reason: this.#reason,
      last: host.entry(this.work),
      attempt: this.#attempts,
      notificationId: this.#notificationId,
    })
  }

  protected override lostWhileBusy(): void {
    this.#stintEndsMs = undefined
    // It goes on: its message may have arrived. A retry would need the claim, and so wait for it.
  }

  protected override ringWhileBusy(nowMs: number): void {
    if (this.#doing === 'logging') {
      this.#sent(false, nowMs)
      return
    }
    if (nowMs < this.deadlineMs && this.#others() === 0) {
      this.wait(this.deadlineMs)
      return
    }
    this.parts.host.abort(this.id)
    if (nowMs >= this.deadlineMs) {
      this.expire(nowMs)
      return
    }
    this.#detail = 'the send did not end in time'
    this.#idle()
    this.#handOn(nowMs)
    this.step(nowMs)
  }

  protected override expire(nowMs: number): void {
    this.#fail('timeout', this.#whatItWaitedFor(), nowMs)
  }

  protected override sentElsewhere(id: string, nowMs: number): boolean {
    if (this.#notificationId === '' || id !== this.#notificationId) return false
    this.#skip('already-notified', nowMs)
    return true
  }

  #stintUntil(): number {
    return this.#stintEndsMs ?? this.deadlineMs
  }

  /** How many may take over. */
  #others(): number {
    return this.parts.roster.notifiersOf(this.receiver).length - 1
  }

  #handOn(nowMs: number): void {
    this.parts.notes.note('hand_overs', { work: this.work, detail: this.#detail })
    this.giveUp('failed')
    this.#stintEndsMs = undefined
    this.notBeforeMs = Math.max(this.notBeforeMs, nowMs + this.#others() * ASIDE_MS)
  }

  #whatItWaitedFor(): string {
    const holder = this.parts.peerClaims.get(this.work)?.holder
    if (this.#doing === 'sending') return 'the send did not end in time'
    if (holder !== undefined) return `${holder} claims it`
    return this.#detail === '' ? 'its turn did not come in time' : this.#detail
  }

  #idle(): void {
    this.isBusy = false
    this.#doing = 'waiting'
  }

  #sent(isLogged: boolean, nowMs: number): void {
    const { host, notes } = this.parts
    if (!isLogged) notes.note('log_failures', { work: this.work })
    const version = isLogged ? host.entry(this.work)?.timestampNs : undefined
    this.giveUp('sent', { version, notificationId: this.#notificationId })
    this.#finish({ outcome: 'sent', reason: this.#reason }, nowMs)
  }

  #skip(reason: SkipReason, nowMs: number): void {
    this.giveUp('withdrawn')
    this.#finish({ outcome: 'skipped', reason }, nowMs)
  }

  #fail(reason: 'send-failed' | 'timeout' | 'closed', detail: string, nowMs: number): void {
    this.giveUp('failed')
    this.#finish({ outcome: 'failed', reason, detail }, nowMs)
  }

  #finish(result: FlushResult, nowMs: number): void {
    this.#idle()
    this.end(nowMs)
    this.parts.notes.count(`flushes_${result.outcome}_${result.reason}`)
    this.parts.host.finished(this.id, result)
  }
}

function stintMs(leftMs: number): number {
  return Math.max(leftMs * STINT_SHARE, Math.min(STINT_MS, leftMs - LEFT_TO_OTHERS_MS))
}

/**
 * Stands in for the log entry where there is none: the repeat interval that the flush falls into. The entry of an earlier
 * notification of the same alerts may have been forgotten, which takes twice as long, and a receiver that drops what it
 * knows by its name must not drop this one. Flushes on both sides of a border name one notification differently.
 */
function periodNs({ flushedAtNs, repeatIntervalMs }: Flush): bigint {
  const lengthNs = nanosFromMs(Math.min(Math.max(repeatIntervalMs, PERIOD_MS_MIN), PERIOD_MS_MAX))
  return flushedAtNs - (flushedAtNs % lengthNs)
}
