/**
 * Oracle of notifications: who was told what how often, against what was promised (reliability.md P8, docs/adr/0007).
 *
 * - While nothing goes wrong, each flush makes exactly the notification that one replica alone would have made.
 * - Otherwise it is repeated once at most for each further part that cuts have made, each sender that was stopped in its
 *   send, and each that died, or could not write, between the delivery and the log. Nothing else is an excuse: no
 *   restart, no loss of packets, no harmed disk, no wrong clock.
 * - Always: who says that it sent has been heard by the receiver, and has logged it; who says that another did is right,
 *   alert by alert; who gives up has had no chance; and nobody takes longer than the time it was given.
 */
import type { Disturbance, Disturbances } from './disturbances.ts'
import { deliveriesOf, type FlushAttempt, type FlushLedger, type FlushRecord } from './flush-ledger.ts'
import type { Marks } from './marks.ts'
import type { SimOptions } from './sim-options.ts'
import type { SimReceiver } from './sim-receiver.ts'

/** Writing the log and ending, after the time for sending is over. */
const END_SLACK_MS = 5000
/** Who gives up has had the receiver within reach for less than this: suspicion, turns and grants take less. */
const CHANCE_MS = 20_000
/** What a cluster needs to be whole again after a cut is healed, besides finding each other. */
const DETECTION_MS = 5000

export interface FlushOracleDeps {
  readonly options: SimOptions
  readonly ledger: FlushLedger
  readonly disturbances: Disturbances
  readonly receiver: SimReceiver
  readonly marks: Marks
}

export class FlushOracle {
  readonly #deps: FlushOracleDeps
  readonly #found: string[] = []
  readonly #touched = new Set<FlushRecord>()
  /** By group, what the receiver was told last. */
  readonly #newest = new Map<number, FlushRecord>()
  /**
   * Deliveries that told the receiver what it had just been told. Where another flush of the group came between, this
   * one was news again, old as it may be: a flush that had to wait for long speaks of what it began with.
   */
  readonly #repeats = new Map<FlushRecord, number>()
  readonly #late = new Set<FlushAttempt>()

  constructor(deps: FlushOracleDeps) {
    this.#deps = deps
    deps.ledger.onMoment((moment, attempt, atMs) => {
      if (moment === 'delivered') this.#delivered(attempt.record)
      else if (moment === 'finished') this.#judgeEnd(attempt, atMs)
    })
  }

  /** @returns what has been found wrong since it was asked last */
  check(nowMs: number): string[] {
    for (const record of this.#touched) this.#judgeCount(record)
    this.#touched.clear()
    for (const attempt of this.#deps.ledger.open) this.#judgeAge(attempt, nowMs)
    return this.#found.splice(0)
  }

  #delivered(record: FlushRecord): void {
    this.#touched.add(record)
    const { group } = record.plan
    if (this.#newest.get(group) === record) this.#repeats.set(record, (this.#repeats.get(record) ?? 0) + 1)
    this.#newest.set(group, record)
  }

  #judgeCount(record: FlushRecord): void {
    const { options, disturbances, receiver } = this.#deps
    const { plan } = record
    const deliveries = deliveriesOf(record)
    const endMs = deliveries.at(-1)?.deliveredAtMs ?? plan.atMs
    const felt = disturbances.during(plan.atMs - this.#recoveryMs(), endMs)
    const isCalm = felt.length === 0 && options.link.lossRate === 0 && options.disk.errorRate === 0
    const due = plan.sends ? 1 : 0
    if (isCalm && !receiver.wasBroken(0, endMs) && deliveries.length > due)
      this.#found.push(`${name(record)} was delivered ${deliveries.length} times, expected ${due}`)
    const repeats = this.#repeats.get(record) ?? 0
    const allowed = this.#excuses(record, felt)
    if (repeats > allowed)
      this.#found.push(`${name(record)} was repeated ${repeats} times, allowed ${allowed}`)
  }

  /** How many repeats of a flush have a reason. */
  #excuses({ attempts }: FlushRecord, felt: readonly Disturbance[]): number {
    const { disturbances, options } = this.#deps
    const cuts = felt.filter(({ kind }) => kind === 'cut').length
    const stalled = attempts.filter(({ sends, node, endedAtMs = Infinity }) =>
      sends.some(({ orderedAtMs }) =>
        disturbances
          .during(orderedAtMs, endedAtMs)
          .some((other) => other.kind === 'stall' && other.node === node),
      ),
    )
    const unlogged = attempts.filter(diedUnlogged).length
    const failures = attempts.reduce((sum, { logFailures }) => sum + logFailures, 0)
    // Two cuts at once make four parts.
    const parts = Math.min(2 ** cuts, options.nodes)
    return parts - 1 + stalled.length + unlogged + failures
  }

  #recoveryMs(): number {
    const { reconnectIntervalMs, pushPullIntervalMs } = this.#deps.options.timing
    return reconnectIntervalMs + pushPullIntervalMs + DETECTION_MS
  }

  #judgeEnd(attempt: FlushAttempt, atMs: number): void {
    const { result, sends, record, node, loggedAtMs, logFailures } = attempt
    if (result === undefined) return
    const who = `n${node} for ${name(record)}`
    this.#deps.marks.hit(`flush:${result.outcome === 'sent' ? 'sent' : `${result.outcome}-${result.reason}`}`)
    if (result.outcome === 'sent' && !sends.some(({ ok }) => ok))
      this.#found.push(`${who} says it sent, and no send of its own has come through`)
    if (result.outcome === 'sent' && loggedAtMs === undefined && logFailures === 0)
      this.#found.push(`${who} says it sent, before that was logged`)
    if (result.outcome === 'skipped' && result.reason === 'already-notified' && !this.#isCovered(record))
      this.#found.push(`${who} says another has sent, and nobody has`)
    if (result.outcome === 'failed' && !this.#isCovered(record) && this.#hadAChance(attempt, atMs))
      this.#found.push(`${who} gave up (${result.reason}: ${result.detail}) while the receiver was there`)
  }

  /** Whether the receiver has been told all of this flush, in one message. */
  #isCovered({ plan }: FlushRecord): boolean {
    return this.#deps.ledger
      .ofGroup(plan.group)
      .some(
        (other) =>
          plan.firing.every((alert) => other.plan.firing.includes(alert)) &&
          plan.resolved.every((alert) => other.plan.resolved.includes(alert)) &&
          deliveriesOf(other).length > 0,
      )
  }

  #hadAChance({ startedAtMs }: FlushAttempt, atMs: number): boolean {
    const { receiver, disturbances } = this.#deps
    const fromMs = Math.max(startedAtMs, atMs - CHANCE_MS)
    const late = disturbances.during(fromMs, atMs)
    return atMs - startedAtMs >= CHANCE_MS && late.length === 0 && !receiver.wasBroken(fromMs, atMs)
  }

  #judgeAge(attempt: FlushAttempt, nowMs: number): void {
    const { options, disturbances } = this.#deps
    const { startedAtMs, gate, record, node } = attempt
    const dueMs = startedAtMs + options.notifications.timeoutMs + END_SLACK_MS
    if (nowMs <= dueMs || !gate.running || this.#late.has(attempt)) return
    if (disturbances.during(startedAtMs, nowMs).some(({ kind }) => kind === 'stall')) return
    this.#late.add(attempt)
    this.#found.push(
      `n${node} does not come to an end with ${name(record)}, begun at ${startedAtMs.toFixed(0)} ms`,
    )
  }
}

/** Killed when the receiver had it and the log had not. */
function diedUnlogged({ gate, sends, loggedAtMs, endedAtMs }: FlushAttempt): boolean {
  const delivered = sends.some(({ deliveredAtMs }) => deliveredAtMs !== undefined)
  return gate.killed && delivered && loggedAtMs === undefined && endedAtMs === undefined
}

function name({ plan }: FlushRecord): string {
  return `flush ${plan.group}.${plan.number} (${plan.kind}, due at ${plan.atMs.toFixed(0)} ms)`
}
