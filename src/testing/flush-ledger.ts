/**
 * What is known outside the nodes about every planned flush: which processes undertook it, which were told to send, what
 * arrived at the receiver, and how each flush ended. The oracles of notifications (flush-oracles.ts) judge by it.
 */
import type { FlushResult, SendOrder } from '../alerting/core/flush.ts'
import type { PlannedFlush } from './flush-plan.ts'
import type { ProcessGate } from './process-gate.ts'

/** One order to send, on its way through one process. */
export interface FlushSend {
  readonly attempt: FlushAttempt
  readonly orderedAtMs: number
  readonly notificationId: string
  leftAtMs: number | undefined
  deliveredAtMs: number | undefined
  /** Whether the sender has heard that it arrived. */
  ok: boolean
  answeredAtMs: number | undefined
}

/** One process that undertook a flush. */
export interface FlushAttempt {
  readonly record: FlushRecord
  readonly node: number
  readonly gate: ProcessGate
  readonly startedAtMs: number
  readonly sends: FlushSend[]
  /** How often the log could not be written. */
  logFailures: number
  /** The entry is on disk here, and with those who could have it. */
  loggedAtMs: number | undefined
  result: FlushResult | undefined
  endedAtMs: number | undefined
}

export interface FlushRecord {
  readonly plan: PlannedFlush
  readonly attempts: FlushAttempt[]
}

export type FlushMoment = 'started' | 'ordered' | 'left' | 'delivered' | 'answered' | 'logged' | 'finished'
export type FlushListener = (moment: FlushMoment, attempt: FlushAttempt, atMs: number) => void

export class FlushLedger {
  readonly records: readonly FlushRecord[]
  readonly #byGroup = new Map<number, FlushRecord[]>()
  readonly #open = new Set<FlushAttempt>()
  readonly #listeners: FlushListener[] = []

  constructor(plans: readonly PlannedFlush[]) {
    this.records = plans.map((plan) => ({ plan, attempts: [] }))
    for (const record of this.records) {
      const { group } = record.plan
      this.#byGroup.set(group, [...this.ofGroup(group), record])
    }
  }

  /** In order of their numbers. */
  ofGroup(group: number): readonly FlushRecord[] {
    return this.#byGroup.get(group) ?? []
  }

  /** Of processes that still run, not ended. */
  get open(): Iterable<FlushAttempt> {
    return this.#open
  }

  /** Told of each step, after it was written down. For stories that strike at a certain one. */
  onMoment(listener: FlushListener): void {
    this.#listeners.push(listener)
  }

  start(record: FlushRecord, node: number, gate: ProcessGate, atMs: number): FlushAttempt {
    const attempt: FlushAttempt = {
      record,
      node,
      gate,
      startedAtMs: atMs,
      sends: [],
      logFailures: 0,
      loggedAtMs: undefined,
      result: undefined,
      endedAtMs: undefined,
    }
    record.attempts.push(attempt)
    this.#open.add(attempt)
    this.#tell('started', attempt, atMs)
    return attempt
  }

  order(attempt: FlushAttempt, { notificationId }: SendOrder, atMs: number): FlushSend {
    const send: FlushSend = {
      attempt,
      orderedAtMs: atMs,
      notificationId,
      leftAtMs: undefined,
      deliveredAtMs: undefined,
      ok: false,
      answeredAtMs: undefined,
    }
    attempt.sends.push(send)
    this.#tell('ordered', attempt, atMs)
    return send
  }

  left(send: FlushSend, atMs: number): void {
    send.leftAtMs = atMs
    this.#tell('left', send.attempt, atMs)
  }

  delivered(send: FlushSend, atMs: number): void {
    send.deliveredAtMs = atMs
    this.#tell('delivered', send.attempt, atMs)
  }

  answered(send: FlushSend, ok: boolean, atMs: number): void {
    send.ok = ok
    send.answeredAtMs = atMs
    this.#tell('answered', send.attempt, atMs)
  }

  logged(attempt: FlushAttempt, ok: boolean, atMs: number): void {
    if (ok) attempt.loggedAtMs = atMs
    else attempt.logFailures++
    this.#tell('logged', attempt, atMs)
  }

  finish(attempt: FlushAttempt, result: FlushResult, atMs: number): void {
    attempt.result = result
    attempt.endedAtMs = atMs
    this.#open.delete(attempt)
    this.#tell('finished', attempt, atMs)
  }

  /** A node has crashed, at the very moment of a step perhaps: what it was at has no end. */
  crashed(node: number): void {
    for (const attempt of this.#open) if (attempt.node === node) this.#open.delete(attempt)
  }

  #tell(moment: FlushMoment, attempt: FlushAttempt, atMs: number): void {
    for (const listener of this.#listeners) listener(moment, attempt, atMs)
  }
}

/** Messages of this flush that arrived, in order of time. */
export function deliveriesOf({ attempts }: FlushRecord): readonly FlushSend[] {
  return attempts
    .flatMap(({ sends }) => sends.filter(({ deliveredAtMs }) => deliveredAtMs !== undefined))
    .sort((a, b) => (a.deliveredAtMs ?? 0) - (b.deliveredAtMs ?? 0))
}
