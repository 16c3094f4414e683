/**
 * Something that wants the claim on a work: a flush, or a claim for a sender outside this process.
 *
 * What it does next depends on what is true now, so there is one `step` that looks at all of it, from the log to the table
 * of claims, and every event leads there: settle; read the log; wait for a log entry that is said to exist, for a claim of
 * another, for the turn; ask; wait as foreign members do; proceed. `proceed` is where flush and claim differ.
 */
import type { Alarmed, Alarms } from './alarms.ts'
import type { Freed } from './claim-events.ts'
import type { ReleaseOutcome } from './claim-frames.ts'
import type { Notes } from './notes.ts'
import type { NotifierHost } from './notifier-host.ts'
import type { OwnClaims } from './own-claims.ts'
import type { PeerClaims } from './peer-claims.ts'
import type { Roster } from './roster.ts'
import type { Settling } from './settling.ts'
import { foreignPosition, rankOf } from './turns.ts'

/** Each member before us in the order of a work has this long to claim it. */
const TURN_MS = 1000
/** A log entry that another told of comes with it or shortly after, or is not waited for. */
const ENTRY_WAIT_MS = 1000
/** At most this share of its time a contender waits for foreign members: late is better than never. */
const FOREIGN_SHARE = 0.5

export interface ContenderParts {
  readonly host: NotifierHost
  readonly alarms: Alarms
  readonly notes: Notes
  readonly roster: Roster
  readonly settling: Settling
  readonly ownClaims: OwnClaims
  readonly peerClaims: PeerClaims
  readonly peerTimeoutMs: number
  /** Lets the next contender of the work begin. */
  readonly over: (contender: Contender, nowMs: number) => void
}

export interface ContenderNeeds {
  readonly id: number
  /** `notificationKey` of group key and receiver. */
  readonly work: string
  /** `receiverKey` */
  readonly receiver: string
  readonly startedAtMs: number
  readonly timeoutMs: number
}

export abstract class Contender implements Alarmed {
  readonly id: number
  readonly work: string
  readonly receiver: string
  readonly deadlineMs: number
  alarmMs: number | undefined
  protected readonly parts: ContenderParts
  /** Does not step: it proceeds, until it is idle again. */
  protected isBusy = false
  /** Not to proceed before. */
  protected notBeforeMs = 0
  readonly #timeoutMs: number
  #isOver = false
  /** First in the queue of its work. */
  #isUp = false
  #settledAtMs: number | undefined
  #turnAtMs = 0
  /** Those that have had their turn. */
  readonly #passed = new Set<string>()
  #takesOver = false
  /** Of a log entry that others have. */
  #toldVersion: bigint | undefined
  /** The same, when we were denied for the sake of it. */
  #deniedFor: bigint | undefined
  #tellsUntilMs = 0
  #hasCutWait = false

  constructor(parts: ContenderParts, { id, work, receiver, startedAtMs, timeoutMs }: ContenderNeeds) {
    this.parts = parts
    this.id = id
    this.work = work
    this.receiver = receiver
    this.deadlineMs = startedAtMs + timeoutMs
    this.#timeoutMs = timeoutMs
    parts.alarms.set(this, this.deadlineMs)
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** Reads the log. @returns false when there is nothing to claim any more; it is over then */
  protected abstract review(nowMs: number): boolean
  /** The claim is held, and nothing is left to wait for. */
  protected abstract proceed(nowMs: number): void
  /** The claim was lost while busy. */
  protected abstract lostWhileBusy(nowMs: number): void
  /** An alarm while busy. */
  protected abstract ringWhileBusy(nowMs: number): void
  /** The deadline has passed while not busy. */
  protected abstract expire(nowMs: number): void
  /** Another has sent this. @returns whether it is what we would have sent; it is over then */
  protected abstract sentElsewhere(notificationId: string, nowMs: number): boolean

  /** Its turn in the queue of its work has come; it begins with the next ring. */
  up(nowMs: number): void {
    this.#isUp = true
    this.parts.alarms.set(this, Math.min(nowMs, this.deadlineMs))
  }

  ring(nowMs: number): void {
    if (this.#isOver) return
    if (this.isBusy) this.ringWhileBusy(nowMs)
    else this.step(nowMs)
  }

  /** Looks at everything anew and does what is to be done. */
  step(nowMs: number): void {
    if (this.#isOver || this.isBusy) return
    if (nowMs >= this.deadlineMs) {
      this.expire(nowMs)
      return
    }
    if (!this.#isUp || !this.#isSettled(nowMs)) {
      this.wait(this.deadlineMs)
      return
    }
    if (!this.review(nowMs)) return
    this.parts.roster.look(nowMs)
    const untilMs = this.#waitsUntil()
    if (untilMs > nowMs) this.wait(untilMs)
    else if (this.parts.ownClaims.isTrusted(this.work, nowMs)) this.proceed(nowMs)
    else this.#ask(nowMs)
  }

  lost(newer: bigint | undefined, nowMs: number): void {
    if (this.isBusy) this.lostWhileBusy(nowMs)
    else {
      if (newer !== undefined) {
        this.#told(newer, nowMs)
        this.#deniedFor = newer
      }
      this.step(nowMs)
    }
  }

  freed({ holder, outcome, version, notificationId = '' }: Freed, nowMs: number): void {
    if (this.#isOver) return
    if (outcome === 'failed' || outcome === 'expired') this.#passed.add(holder)
    if (outcome !== 'withdrawn') this.#turnAtMs = nowMs
    if (outcome === 'sent') {
      if (!this.isBusy && this.#settledAtMs !== undefined && this.sentElsewhere(notificationId, nowMs)) return
      if (version !== undefined) this.#told(version, nowMs)
    } else if (outcome !== 'withdrawn') this.#takesOver = true
    this.step(nowMs)
  }

  /**
   * Version of the log entry held here, or of one for which we were denied: it came with the denial or cannot be had. One
   * of which only a release has told is still to be had, by being denied.
   */
  protected get version(): bigint | undefined {
    const held = this.parts.host.entry(this.work)?.timestampNs
    if (this.#deniedFor === undefined) return held
    return held === undefined || held < this.#deniedFor ? this.#deniedFor : held
  }

  protected wait(untilMs: number): void {
    this.parts.alarms.set(this, Math.min(untilMs, this.deadlineMs))
  }

  /** Of the claim that this contender asked for or holds; who is not up has none. */
  protected giveUp(
    outcome: ReleaseOutcome,
    sent?: { readonly version: bigint | undefined; readonly notificationId?: string },
  ): void {
    if (this.#isUp) this.parts.ownClaims.release(this.work, outcome, sent)
  }

  protected end(nowMs: number): void {
    this.#isOver = true
    this.parts.alarms.set(this, undefined)
    this.parts.settling.forget(this)
    this.parts.over(this, nowMs)
  }

  #isSettled(nowMs: number): boolean {
    if (this.#settledAtMs !== undefined) return true
    if (!this.parts.settling.isSettled(this, nowMs)) return false
    this.#settledAtMs = nowMs
    this.#turnAtMs = nowMs
    return true
  }

  /** @returns a time that has passed when there is nothing to wait for */
  #waitsUntil(): number {
    const own = this.parts.ownClaims.get(this.work)
    if (own !== undefined) {
      if (!own.isHeld) return this.deadlineMs
      return Math.max(this.#foreignUntil(), this.notBeforeMs)
    }
    if (this.parts.peerClaims.get(this.work) !== undefined) return this.deadlineMs
    return Math.max(this.#entryUntil(), this.#turnUntil(), this.notBeforeMs)
  }

  #entryUntil(): number {
    if (this.#toldVersion === undefined) return 0
    const held = this.parts.host.entry(this.work)?.timestampNs
    return held !== undefined && held >= this.#toldVersion ? 0 : this.#tellsUntilMs
  }

  #turnUntil(): number {
    const rank = rankOf(this.work, this.receiver, this.parts.roster, this.#passed)
    return this.#turnAtMs + rank * TURN_MS
  }

  #foreignUntil(): number {
    const { roster, ownClaims, peerTimeoutMs, notes } = this.parts
    const position = foreignPosition(roster, ownClaims.unheard(this.work))
    if (position === 0) return 0
    const waitMs = position * peerTimeoutMs
    const mostMs = this.#timeoutMs * FOREIGN_SHARE
    if (waitMs > mostMs && !this.#hasCutWait) {
      this.#hasCutWait = true
      notes.note('foreign_waits_cut', { work: this.work, waitMs, mostMs })
    }
    return (this.#settledAtMs ?? 0) + Math.min(waitMs, mostMs)
  }

  #told(version: bigint, nowMs: number): void {
    this.#toldVersion = version
    this.#tellsUntilMs = nowMs + ENTRY_WAIT_MS
  }

  /** May be answered in the same turn, so it is the last thing a step does. */
  #ask(nowMs: number): void {
    this.wait(this.deadlineMs)
    if (this.#takesOver) this.parts.notes.note('takeovers', { work: this.work })
    this.#takesOver = false
    this.parts.ownClaims.ask(this.work, this.version, nowMs)
  }
}
