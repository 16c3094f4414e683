import { describe, expect, it } from 'vitest'
import { decide } from '../../../src/alerting/core/notification-decision.ts'
import { groupKeyOf, type PlannedFlush, planFlushes, SIM_RECEIVER } from '../../../src/testing/flush-plan.ts'
import { deriveOptions, type NotificationOptions } from '../../../src/testing/sim-options.ts'

const options = (notifications: Partial<NotificationOptions>) =>
  deriveOptions(5, {
    safetyMs: 300_000,
    notifications: { ...deriveOptions(5).notifications, groups: 2, gapMs: 4000, ...notifications },
  })

/** Whether a replica that has sent everything so far would send this one, by the production rule. */
function wouldSend(flush: PlannedFlush, last: PlannedFlush | undefined, repeatIntervalMs: number): boolean {
  const identity = { groupKey: groupKeyOf(flush.group), receiver: SIM_RECEIVER }
  const entry = last && {
    ...identity,
    timestampNs: BigInt(Math.round(last.atMs * 1e6)),
    expiresAtNs: 0n,
    firing: last.firing,
    resolved: last.resolved,
    receiverData: new Map(),
  }
  const { firing, resolved } = flush
  const flushedAtNs = BigInt(Math.round(flush.atMs * 1e6))
  return decide(entry, { firing, resolved, flushedAtNs, repeatIntervalMs, sendResolved: true }, flushedAtNs)
    .notify
}

describe('a plan of flushes', () => {
  it('knows which of them one replica alone would send', () => {
    const repeatMs = 10_000
    const plan = planFlushes(options({ repeatMs }))
    for (const group of [0, 1]) {
      let last: PlannedFlush | undefined
      for (const flush of plan.filter((other) => other.group === group)) {
        expect([flush.number, wouldSend(flush, last, repeatMs)]).toEqual([flush.number, flush.sends])
        if (flush.sends) last = flush
      }
    }
    expect(new Set(plan.map(({ kind }) => kind)).size).toBe(5)
  })

  it('has one node stay away where it is told to, and never all', () => {
    const away = planFlushes(options({ absentRate: 1 })).map(
      ({ delaysMs }) => delaysMs.filter((delayMs) => delayMs === undefined).length,
    )
    expect(new Set(away)).toEqual(new Set([1]))
    const there = planFlushes(options({ absentRate: 0, skewMaxMs: 50 })).flatMap(({ delaysMs }) => delaysMs)
    for (const delayMs of there) expect(delayMs).toBeLessThan(50)
  })

  it('is empty without groups, and does not depend on how many others there are', () => {
    expect(planFlushes(options({ groups: 0 }))).toEqual([])
    const [one, two] = [planFlushes(options({ groups: 1 })), planFlushes(options({ groups: 2 }))]
    expect(two.filter(({ group }) => group === 0).map(({ firing }) => firing)).toEqual(
      one.map(({ firing }) => firing),
    )
  })
})
