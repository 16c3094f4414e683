/**
 * The notifier of a running replica: the machine of alerting/notifier with real members, the real log, real sends and
 * one timer, armed for the next deadline.
 *
 * A flush is over when its promise resolves; it never rejects. What the log is told of a notification is on disk here
 * before its claim is released, and on the live hearsay members if they answer within a second: a member that is stuck
 * must not hold up the next notification.
 *
 * Ending: flushes that are not sending are given up at once, so that others take them over; one that is sending has 5 s to
 * come to its end and be logged, because a notification that has left without an entry is sent again by somebody else. So it
 * is also where a replica leaves its cluster and stays up; until it is back, flushes and claims are refused.
 */
import type { Logger } from 'pino'
import type { Flush, FlushResult, SendOrder, SendOutcome } from '../alerting/core/flush.ts'
import type { Notification } from '../alerting/core/notification.ts'
import { type Receiver, receiverGroupName } from '../alerting/core/receiver.ts'
import { type ClaimRequest, Notifier } from '../alerting/notifier/notifier.ts'
import type { ClaimResult, NotifierHost, NotifierPeer } from '../alerting/notifier/notifier-host.ts'
import type { Clock } from '../base/clock.ts'
import { errorCode } from '../base/errors.ts'
import { Tally } from '../base/tally.ts'
import type { Member } from '../gossip/core/delegate.ts'
import { onAbort } from '../store/on-abort.ts'
import { CLOSED, LEFT, lastOutcome, outcomeOf } from './flush-ends.ts'
import { NotificationTimes } from './notification-times.ts'
import { NotifierLog } from './notifier-log.ts'

/** Runs one attempt. What it throws is a failed one that is tried again. */
export type FlushSender = (order: SendOrder, signal: AbortSignal) => Promise<SendOutcome>

export interface NotifierDriverDeps {
  readonly name: string
  readonly clock: Clock
  readonly log: Logger
  /** See NotifierOptions. */
  readonly peerTimeoutMs: number
  readonly bootId: number
  /** All known; empty without gossip. */
  readonly members: () => readonly Member[]
  readonly send: (peer: string, frame: Uint8Array) => void
  readonly settled: () => boolean
  /** Whether this replica has left its cluster. Default: no. */
  readonly hasLeft?: () => boolean
  readonly entry: (key: string) => Notification | undefined
  readonly record: (key: string) => Uint8Array | undefined
  /** Judges and joins a record of a peer. */
  readonly join: (record: Uint8Array) => void
  /**
   * Writes the entry of a notification: resolves once it is on disk here and others had their time; rejects with what the
   * store throws.
   */
  readonly writeEntry: (flush: Flush, sent: SendOutcome & { readonly ok: true }) => Promise<void>
  /** How long a send may go on after `close`. Default 5 s. */
  readonly drainMs?: number
}

/** A claim by itself, and how it came out. */
export interface ClaimAnswer {
  readonly claimId: number
  readonly result: ClaimResult
}

interface RunningFlush {
  readonly flush: Flush
  readonly send: FlushSender
  readonly finish: (result: FlushResult) => void
  /** Of the attempt under way. */
  attempt: AbortController | undefined
  isLogging: boolean
}

const DRAIN_MS = 5000

export class NotifierDriver {
  readonly #deps: NotifierDriverDeps
  readonly #notifier: Notifier
  readonly #log: NotifierLog
  /** For metrics. */
  readonly times: NotificationTimes = new NotificationTimes()
  readonly #attempts = new Tally()
  readonly #flushes = new Map<number, RunningFlush>()
  readonly #claims = new Map<number, (result: ClaimResult) => void>()
  readonly #lost = new Set<(claimId: number) => void>()
  #timer: NodeJS.Timeout | undefined
  /** What the timer is armed for. */
  #armedMs = Number.POSITIVE_INFINITY
  #closing: Promise<void> | undefined
  #closed = false
  /** Called at the end of each flush while `close` waits. */
  #drained: () => void = () => undefined

  constructor(deps: NotifierDriverDeps) {
    this.#deps = deps
    this.#log = new NotifierLog(deps.log)
    const { name, peerTimeoutMs, bootId } = deps
    this.#notifier = new Notifier(this.#host(), { name, peerTimeoutMs, bootId })
  }

  /** Counters and gauges of the machine, by name; and `attempts_ok`, `attempts_failed`. */
  get stats(): Readonly<Record<string, number>> {
    return { ...this.#notifier.stats, ...this.#attempts.toRecord() }
  }

  /** Flushes that are not over. */
  get running(): number {
    return this.#flushes.size
  }

  /** Names of the receivers that this replica notifies for, each once. */
  receivers(): readonly string[] {
    return [...new Set(this.#notifier.advertised.map(receiverGroupName))]
  }

  advertise(receiver: Receiver): void {
    if (this.#closed) return
    this.#notifier.advertise(receiver, this.#nowMs())
    this.#arm()
  }

  /**
   * @param signal gives up, as `failed` for `closed`; not once the notification has been sent, for it has to be logged
   */
  flush(flush: Flush, send: FlushSender, signal?: AbortSignal): Promise<FlushResult> {
    if (this.#closing !== undefined) return Promise.resolve(CLOSED)
    if (this.#hasLeft) return Promise.resolve(LEFT)
    return new Promise((resolve) => {
      const id = this.#started(() => this.#notifier.start(flush, this.#nowMs()))
      if (typeof id === 'string') {
        resolve({ outcome: 'failed', reason: 'overloaded', detail: id })
        return
      }
      const cancel = (): void => this.#cancel(id)
      const stopHearing = onAbort(signal, cancel)
      const finish = (result: FlushResult): void => {
        stopHearing()
        resolve(result)
      }
      this.#flushes.set(id, { flush, send, finish, attempt: undefined, isLogging: false })
      if (signal?.aborted === true) cancel()
      this.#arm()
    })
  }

  /** Never rejects. A claim that is held goes with `release`, or when `lost` names it. */
  claim(request: ClaimRequest): Promise<ClaimAnswer> {
    return new Promise((resolve) => {
      const refuse = (reason: 'closed' | 'left' | 'overloaded'): void =>
        resolve({ claimId: -1, result: { held: false, holder: undefined, reason } })
      if (this.#closing !== undefined) return refuse('closed')
      if (this.#hasLeft) return refuse('left')
      const claimId = this.#started(() => this.#notifier.claim(request, this.#nowMs()))
      if (typeof claimId === 'string') return refuse('overloaded')
      this.#claims.set(claimId, (result) => resolve({ claimId, result }))
      this.#arm()
    })
  }

  /** @returns whether it is held, and so prolonged */
  renew(claimId: number, leaseMs: number): boolean {
    if (this.#closed || this.#hasLeft) return false
    const isHeld = this.#notifier.renew(claimId, leaseMs, this.#nowMs())
    this.#arm()
    return isHeld
  }

  release(claimId: number, failed: boolean): void {
    if (this.#closed) return
    this.#notifier.release(claimId, failed, this.#nowMs())
    this.#arm()
  }

  /** Hears of claims that were held and are no more, other than by `release`. */
  onLost(listener: (claimId: number) => void): void {
    this.#lost.add(listener)
  }

  /** A frame of claims, from a peer. */
  heard(frame: Uint8Array): void {
    if (this.#closed) return
    this.#notifier.heard(frame, this.#nowMs())
    this.#arm()
  }

  /** The log entry of a key has changed. */
  changed(key: string): void {
    if (this.#closed) return
    this.#notifier.changed(key, this.#nowMs())
    this.#arm()
  }

  /** Also when this replica has settled. */
  membersChanged(): void {
    if (this.#closed) return
    this.#notifier.membersChanged(this.#nowMs())
    this.#arm()
  }

  /** Of a replica that leaves: gives up what does not send. Resolves when what does has come to its end, or after 5 s. */
  async depart(): Promise<void> {
    for (const [id, { attempt, isLogging }] of [...this.#flushes]) {
      if (attempt === undefined && !isLogging) this.#leave(id)
    }
    for (const [id] of [...this.#claims]) {
      this.#claimed(id, { held: false, holder: undefined, reason: 'left' })
      this.#notifier.release(id, true, this.#nowMs())
    }
    await this.#drain()
  }

  /** Resolves when no flush is left and every claim has been released. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    // `#closing` is set when this has returned its promise.
    await Promise.resolve()
    for (const [id, running] of [...this.#flushes]) if (running.attempt === undefined) this.#cancel(id)
    await this.#drain()
    this.#notifier.close(this.#nowMs())
    this.#closed = true
    clearTimeout(this.#timer)
    for (const [id] of [...this.#flushes]) this.#finished(id, CLOSED)
    for (const [id] of [...this.#claims])
      this.#claimed(id, { held: false, holder: undefined, reason: 'closed' })
  }

  /** Waits for what is being sent or logged. */
  async #drain(): Promise<void> {
    if (this.#flushes.size === 0) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, this.#deps.drainMs ?? DRAIN_MS)
      this.#drained = () => {
        if (this.#flushes.size > 0) return
        clearTimeout(timer)
        resolve()
      }
    })
  }

  #host(): NotifierHost {
    const { send, settled, entry, record, join } = this.#deps
    return {
      peers: () => this.#peers(),
      send,
      wallMs: () => this.#deps.clock.wallMs(),
      settled,
      entry,
      record,
      join,
      order: (id, order) => void Promise.resolve().then(() => this.#attempt(id, order)),
      abort: (id) => this.#abort(id),
      log: (id, _flush, outcome) => void this.#writeEntry(id, outcome),
      finished: (id, result) => this.#finished(id, result),
      claimed: (id, result) => this.#claimed(id, result),
      claimLost: (id) => {
        for (const listener of this.#lost) listener(id)
      },
      note: (event, fields) => this.#log.note(event, fields),
    }
  }

  /** @returns its id, or why there is no room for it */
  #started(start: () => number): number | string {
    try {
      return start()
    } catch (error) {
      if (errorCode(error) !== 'NOTIFIER_OVERLOADED') throw error
      return String(error)
    }
  }

  #peers(): readonly NotifierPeer[] {
    const members = this.#deps.members()
    if (members.length === 0) {
      return [{ name: this.#deps.name, isSelf: true, isNative: true, liveness: 'alive' }]
    }
    return members.map(({ name, isSelf, peerClass, liveness }) => {
      return { name, isSelf, isNative: isSelf || peerClass === 'native', liveness }
    })
  }

  /** The attempt may succeed all the same, and is none of its flush any more. */
  #abort(id: number): void {
    const running = this.#flushes.get(id)
    const attempt = running?.attempt
    if (running !== undefined) running.attempt = undefined
    attempt?.abort(new Error('this send is no longer wanted'))
  }

  async #attempt(id: number, order: SendOrder): Promise<void> {
    const running = this.#flushes.get(id)
    if (running === undefined) return
    if (this.#hasLeft) return this.#leave(id)
    const attempt = new AbortController()
    running.attempt = attempt
    const startedMs = this.#nowMs()
    const outcome = await outcomeOf(running.send(order, attempt.signal))
    this.times.attempted(running.flush, outcome.ok, this.#nowMs() - startedMs)
    this.#attempts.add(outcome.ok ? 'attempts_ok' : 'attempts_failed')
    const isWanted = running.attempt === attempt && this.#flushes.has(id)
    if (running.attempt === attempt) running.attempt = undefined
    if (!isWanted) return this.#tooLate(running, outcome)
    const nowMs = this.#nowMs()
    const retryInMs = this.#notifier.sent(
      id,
      this.#closing === undefined && !this.#hasLeft ? outcome : lastOutcome(outcome),
      nowMs,
    )
    if (!outcome.ok && retryInMs !== undefined) {
      this.#log.attemptFailed(
        running.flush,
        { attempt: order.attempt, detail: outcome.detail, retryInMs },
        nowMs,
      )
    }
    this.#arm()
  }

  /** Nobody waits for it, and yet it has been sent: whoever would send next has to know. */
  #tooLate(running: RunningFlush, outcome: SendOutcome): void {
    if (!outcome.ok) return
    this.#log.sentLate(running.flush)
    this.#deps.writeEntry(running.flush, outcome).catch((error: unknown) => {
      this.#log.notLogged(running.flush, error)
    })
  }

  async #writeEntry(id: number, outcome: SendOutcome & { readonly ok: true }): Promise<void> {
    const running = this.#flushes.get(id)
    if (running === undefined) return
    running.isLogging = true
    let ok = true
    try {
      // The machine must not hear of it in the same turn, whatever comes.
      await Promise.resolve()
      await this.#deps.writeEntry(running.flush, outcome)
    } catch (error) {
      ok = false
      this.#log.notLogged(running.flush, error)
    }
    if (this.#closed) return
    this.#notifier.logged(id, ok, this.#nowMs())
    this.#arm()
  }

  #finished(id: number, result: FlushResult): void {
    const running = this.#flushes.get(id)
    if (running === undefined) return
    this.#flushes.delete(id)
    this.#log.finished(running.flush, result)
    this.times.finished(running.flush, result)
    running.attempt?.abort(new Error('this flush is over'))
    running.finish(result)
    this.#drained()
  }

  #claimed(id: number, result: ClaimResult): void {
    const answer = this.#claims.get(id)
    this.#claims.delete(id)
    answer?.(result)
  }

  #cancel(id: number): void {
    const running = this.#flushes.get(id)
    if (running === undefined || running.isLogging) return
    running.attempt?.abort(new Error('this flush was given up'))
    this.#notifier.cancel(id, this.#nowMs())
    this.#arm()
  }

  #leave(id: number): void {
    this.#finished(id, LEFT)
    this.#notifier.cancel(id, this.#nowMs())
  }

  get #hasLeft(): boolean {
    return this.#deps.hasLeft?.() ?? false
  }

  #nowMs(): number {
    return this.#deps.clock.monotonicMs()
  }

  #arm(): void {
    const { dueMs } = this.#notifier
    if (dueMs === undefined || dueMs >= this.#armedMs || this.#closed) return
    clearTimeout(this.#timer)
    this.#armedMs = dueMs
    // Rounded up: a timer that fires early would be armed again for a fraction of a millisecond.
    const waitMs = Math.max(0, Math.ceil(dueMs - this.#nowMs()))
    this.#timer = setTimeout(() => {
      this.#armedMs = Number.POSITIVE_INFINITY
      this.#notifier.tick(this.#nowMs())
      this.#arm()
    }, waitMs)
  }
}
