/** What stories about notifications have in common: a small cluster with flushes to come, and ways to strike at a step. */
import {
  deliveriesOf,
  type FlushAttempt,
  type FlushMoment,
  type FlushRecord,
} from '../../src/testing/flush-ledger.ts'
import { SimCluster } from '../../src/testing/sim-cluster.ts'
import type { SimCollaborators } from '../../src/testing/sim-collaborators.ts'
import type { SimNotifications } from '../../src/testing/sim-notifications.ts'
import { deriveOptions, type NotificationOptions, type SimOverrides } from '../../src/testing/sim-options.ts'

/** Every 5 s a flush of each group, all nodes within 20 ms. */
export const STEADY: NotificationOptions = {
  groups: 1,
  firstMs: 3000,
  gapMs: 5000,
  skewMaxMs: 20,
  absentRate: 0,
  repeatMs: 3_600_000,
  timeoutMs: 60_000,
  sendMinMs: 5,
  sendMaxMs: 300,
  outageGapMs: 0,
}

const CHECK_EVERY_MS = 1000

export class NotificationStory {
  readonly cluster: SimCluster
  /** What the oracles objected to. */
  readonly wrong: string[] = []

  constructor(
    seed: number,
    notifications: Partial<NotificationOptions> = {},
    others: SimOverrides = {},
    collaborators?: SimCollaborators,
  ) {
    const overrides = { nodes: 3, faults: [], safetyMs: 60_000, queueBytesMax: 1 << 20, ...others }
    const options = deriveOptions(seed, { ...overrides, notifications: { ...STEADY, ...notifications } })
    this.cluster = new SimCluster({ options, ...(collaborators === undefined ? {} : { collaborators }) })
    for (let index = 0; index < options.nodes; index++) this.cluster.boot(index)
    this.cluster.beginFlushes()
  }

  get alerting(): SimNotifications {
    const { notifications } = this.cluster
    if (notifications === undefined) throw new Error('the story has flushes')
    return notifications
  }

  get records(): readonly FlushRecord[] {
    return this.alerting.ledger.records
  }

  runUntil(atMs: number): void {
    while (this.cluster.clock.nowMs < atMs) {
      this.cluster.runUntil(Math.min(atMs, this.cluster.clock.nowMs + CHECK_EVERY_MS))
      this.wrong.push(...this.cluster.check())
    }
  }

  /** To the end of all flushes. */
  finish(): void {
    const { safetyMs, notifications } = this.cluster.options
    this.runUntil(safetyMs)
    const lastMs = safetyMs + notifications.timeoutMs
    while (this.alerting.unsettled().length > 0 && this.cluster.clock.nowMs < lastMs)
      this.runUntil(this.cluster.clock.nowMs + CHECK_EVERY_MS)
    this.wrong.push(...this.alerting.unsettled())
  }

  /** Does something once, in the turn after a step of the given flush was taken for the first time. */
  strike(number: number, moment: FlushMoment, action: (attempt: FlushAttempt) => void, afterMs = 0): void {
    let struck = false
    this.alerting.ledger.onMoment((reached, attempt) => {
      if (struck || reached !== moment || attempt.record.plan.number !== number) return
      struck = true
      this.cluster.clock.after(afterMs, () => action(attempt))
    })
  }

  /** Messages of each flush that the receiver got. */
  counts(): readonly number[] {
    return this.records.map((record) => deliveriesOf(record).length)
  }

  /** What one replica alone would have sent. */
  expected(): readonly number[] {
    return this.records.map(({ plan }) => (plan.sends ? 1 : 0))
  }
}
