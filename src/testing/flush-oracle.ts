/**
 * Oracle of notifications: who was told what how often, against what was promised (reliability.md P8, docs/adr/0007).
 *
 * - Undisturbed, each flush makes exactly the notification that one replica alone would have made.
 * - Disturbed, it makes at most one more for each disturbance that was felt while it was under way: a cut, a stall, an
 *   orderly leave, a harmed disk, a wrong clock; and for each process that died, or could not write, between the
 *   delivery and the log. Where packets get lost it may be one for each node.
 * - Always: who says that it sent has been heard by the receiver, and has logged it; who says that another did is right, alert by alert; who
 *   gives up has had no chance; and nobody takes longer than the time it was given.
 */
import type { Disturbances } from './disturbances.ts'
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
  readonly #late = new Set<FlushAttempt>()

  constructor(deps: FlushOracleDeps) {
    this.#deps = deps
    deps.ledger.onMoment((moment, attempt, atMs) => {
      if (moment === 'delivered') this.#touched.add(attempt.record)
      else if (moment === 'finished') this.#judgeEnd(attempt, atMs)
    })
  }

  /** @returns what has been found wrong since it was asked last */
  check(nowMs: number): string[] {
    for (const record of this.#touched) {
      const count = deliveriesOf(record).length
      const allowed = this.allowed(record)
      if (count > allowed)
        this.#found.push(`${name(record)} was delivered ${count} times, allowed ${allowed}`)
    }
    this.#touched.clear()
    for (const attempt of this.#deps.ledger.open) this.#judgeAge(attempt, nowMs)
    return this.#found.splice(0)
  }

  /** What this flush may come to at most, by what is known so far. */
  allowed(record: FlushRecord): number {
    const { options, disturbances, receiver } = this.#deps
    const { plan, attempts } = record
    const deliveries = deliveriesOf(record)
    const endMs = deliveries.at(-1)?.deliveredAtMs ?? plan.atMs
    const felt = disturbances.during(plan.atMs - this.#recoveryMs(), endMs)
    const blind = options.link.lossRate > 0 ? options.nodes - 1 : 0
    const unlogged = attempts.filter(diedUnlogged).length
    const failures = attempts.reduce((sum, { logFailures }) => sum + logFailures, 0)
    const costs = felt.filter(({ kind }) => kind !== 'kill').length + unlogged + failures + blind
    // Nothing new is told again when what was to be told before was not.
    const owed = felt.length > 0 || costs > 0 || receiver.wasBroken(0, endMs)
    return (plan.sends || owed ? 1 : 0) + costs
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
