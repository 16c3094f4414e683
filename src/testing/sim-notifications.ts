/**
 * The alerting side of a simulated cluster: the receiver, the flushes that are due, and what came of them. What a node
 * does about them is sim-notifier.ts.
 */
import type { Disturbances } from './disturbances.ts'
import { deliveriesOf, FlushLedger, type FlushRecord } from './flush-ledger.ts'
import { FlushOracle } from './flush-oracle.ts'
import { planFlushes } from './flush-plan.ts'
import type { Marks } from './marks.ts'
import { between, exponential, randomStream } from './random-streams.ts'
import type { SimClock } from './sim-clock.ts'
import type { SimOptions } from './sim-options.ts'
import { SimReceiver } from './sim-receiver.ts'

/** Outages of the receiver last a tenth of this to this. */
const OUTAGE_MAX_MS = 10_000

export class SimNotifications {
  readonly ledger: FlushLedger
  readonly receiver: SimReceiver
  readonly oracle: FlushOracle
  readonly #clock: SimClock
  readonly #options: SimOptions

  constructor(clock: SimClock, options: SimOptions, disturbances: Disturbances, marks: Marks) {
    this.#clock = clock
    this.#options = options
    this.ledger = new FlushLedger(planFlushes(options))
    const { seed } = options
    this.receiver = new SimReceiver(clock, randomStream(seed, 'receiver'), options.notifications)
    this.oracle = new FlushOracle({
      options,
      ledger: this.ledger,
      disturbances,
      receiver: this.receiver,
      marks,
    })
    this.#planOutages()
  }

  /** Plans a call for each flush of each node. */
  begin(due: (node: number, group: number) => void): void {
    for (const { plan } of this.ledger.records) {
      plan.delaysMs.forEach((delayMs, node) => {
        if (delayMs !== undefined) this.#clock.at(plan.atMs + delayMs, () => due(node, plan.group))
      })
    }
  }

  /** The newest flush of a group that is due at a node: what it would begin now. */
  due(node: number, group: number): FlushRecord | undefined {
    return this.ledger.ofGroup(group).findLast(({ plan }) => {
      const delayMs = plan.delaysMs[node]
      return delayMs !== undefined && plan.atMs + delayMs <= this.#clock.nowMs
    })
  }

  /** @returns flushes that still run, as reasons why the cluster is not at rest */
  unsettled(): string[] {
    return [...this.ledger.open].map(
      ({ node, record }) => `n${node} is at flush ${record.plan.group}.${record.plan.number}`,
    )
  }

  report(): { readonly flushes: number; readonly deliveries: number; readonly duplicates: number } {
    const counts = this.ledger.records.map((record) => deliveriesOf(record).length)
    return {
      flushes: counts.length,
      deliveries: counts.reduce((sum, count) => sum + count, 0),
      duplicates: counts.reduce((sum, count) => sum + Math.max(0, count - 1), 0),
    }
  }

  #planOutages(): void {
    const { notifications, safetyMs, seed } = this.#options
    if (notifications.outageGapMs === 0) return
    const random = randomStream(seed, 'outages')
    for (let atMs = 0; ; ) {
      atMs += exponential(random, notifications.outageGapMs)
      if (atMs >= safetyMs) return
      const untilMs = Math.min(safetyMs, atMs + between(random, OUTAGE_MAX_MS / 10, OUTAGE_MAX_MS))
      this.receiver.breakDown(atMs, untilMs)
      atMs = untilMs
    }
  }
}
