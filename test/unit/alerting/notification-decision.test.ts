import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Decision } from '../../../src/alerting/core/flush.ts'
import { ZERO_TIME_NS } from '../../../src/alerting/core/nanos.ts'
import type { Notification } from '../../../src/alerting/core/notification.ts'
import {
  type DecidedFlush,
  decide as decideAt,
  isSubset,
} from '../../../src/alerting/core/notification-decision.ts'
import { aFlush, aNotification, HOUR_NS, NOW_NS } from '../../support/notifications.ts'

const AN_HOUR_MS = 3_600_000
const sets = fc.array(fc.bigInt({ min: 0n, max: 7n }), { maxLength: 6 })

function decide(entry: Notification | undefined, flush: DecidedFlush, nowNs = NOW_NS): Decision {
  return decideAt(entry, flush, nowNs)
}

function reasonOf(decision: Decision): string {
  return `${decision.notify ? 'notify' : 'skip'}: ${decision.reason}`
}

describe('a set of hashes', () => {
  it('has the empty set as its part, and itself, but nothing larger', () => {
    expect(isSubset([], [])).toBe(true)
    expect(isSubset([], [1n])).toBe(true)
    expect(isSubset([2n, 1n], [1n, 2n, 3n])).toBe(true)
    expect(isSubset([1n, 2n, 3n], [1n, 2n])).toBe(false)
    expect(isSubset([1n], [])).toBe(false)
  })

  it('tells hashes apart in their last bit', () => {
    expect(isSubset([0xffff_ffff_ffff_fffen], [0xffff_ffff_ffff_ffffn])).toBe(false)
  })

  it('is part of another when nothing is left of it without the other', () => {
    fc.assert(
      fc.property(sets, sets, (a, b) => {
        expect(isSubset(a, b)).toBe(a.filter((hash) => !b.includes(hash)).length === 0)
      }),
    )
  })
})

describe('a flush', () => {
  it('is notified as the first when the log has nothing and something fires', () => {
    expect(reasonOf(decide(undefined, aFlush({ firing: [1n] })))).toBe('notify: first')
    expect(reasonOf(decide(undefined, aFlush({ firing: [1n], resolved: [2n] })))).toBe('notify: first')
  })

  it('is skipped when the log has nothing and nothing fires', () => {
    expect(reasonOf(decide(undefined, aFlush({ resolved: [1n] })))).toBe('skip: nothing-to-notify')
    expect(reasonOf(decide(undefined, aFlush()))).toBe('skip: nothing-to-notify')
  })

  it('is notified for an alert that the log does not have, whatever the time', () => {
    const entry = aNotification({ firing: [1n, 2n, 3n], timestampNs: NOW_NS + HOUR_NS })
    expect(reasonOf(decide(entry, aFlush({ firing: [2n, 3n, 4n] })))).toBe('notify: new-alerts')
  })

  it('is notified as the first again after all had resolved', () => {
    const entry = aNotification({ firing: [], resolved: [1n] })
    expect(reasonOf(decide(entry, aFlush({ firing: [1n] })))).toBe('notify: first')
  })

  it('is skipped when an alert merely left the group', () => {
    const entry = aNotification({ firing: [1n, 2n] })
    expect(reasonOf(decide(entry, aFlush({ firing: [1n] })))).toBe('skip: already-notified')
  })

  it('is notified once when all have resolved, with and without sendResolved', () => {
    for (const sendResolved of [true, false]) {
      const flush = aFlush({ firing: [], resolved: [1n], sendResolved })
      expect(reasonOf(decide(aNotification({ firing: [1n] }), flush))).toBe('notify: all-resolved')
      const told = aNotification({ firing: [], resolved: [1n] })
      expect(reasonOf(decide(told, flush))).toBe('skip: nothing-to-notify')
    }
  })

  it('is skipped when nothing fires and nothing ever fired, even for resolved alerts that are new or long past', () => {
    const entry = aNotification({ resolved: [1n, 2n], timestampNs: 0n })
    expect(reasonOf(decide(entry, aFlush({ resolved: [3n] })))).toBe('skip: nothing-to-notify')
  })

  it('is notified for one more resolved alert only with sendResolved', () => {
    const entry = aNotification({ firing: [1n, 2n], resolved: [3n] })
    const flush = { firing: [1n], resolved: [2n, 3n] }
    expect(reasonOf(decide(entry, aFlush({ ...flush, sendResolved: true })))).toBe('notify: resolved')
    expect(reasonOf(decide(entry, aFlush({ ...flush, sendResolved: false })))).toBe('skip: already-notified')
  })

  it('is skipped when the resolved alerts have become fewer', () => {
    const entry = aNotification({ firing: [1n], resolved: [2n, 3n] })
    expect(reasonOf(decide(entry, aFlush({ firing: [1n], resolved: [3n] })))).toBe('skip: already-notified')
  })

  it('repeats once more than the interval has passed since, to the nanosecond', () => {
    const flush = aFlush({ firing: [1n], repeatIntervalMs: AN_HOUR_MS })
    const dueNs = NOW_NS - HOUR_NS
    expect(reasonOf(decide(aNotification({ firing: [1n], timestampNs: dueNs }), flush))).toBe(
      'skip: already-notified',
    )
    const earlier = aNotification({ firing: [1n], timestampNs: dueNs - 1n })
    expect(reasonOf(decide(earlier, flush))).toBe('notify: repeat')
    const resolvedToo = aNotification({ firing: [1n], resolved: [2n], timestampNs: dueNs - 1n })
    expect(reasonOf(decide(resolvedToo, { ...flush, resolved: [2n] }))).toBe('notify: repeat')
  })

  it('repeats what was logged at the epoch, or at no time at all', () => {
    for (const timestampNs of [0n, ZERO_TIME_NS]) {
      const entry = aNotification({ firing: [1n, 2n, 3n], timestampNs })
      expect(reasonOf(decide(entry, aFlush({ firing: [1n, 2n, 3n] })))).toBe('notify: repeat')
    }
  })

  it('repeats what a broken clock has logged, by the expiry that a right one gives it', () => {
    const aheadNs = 70n * 365n * 24n * HOUR_NS
    const flush = aFlush({ firing: [1n], repeatIntervalMs: AN_HOUR_MS })
    const foreign = {
      firing: [1n],
      timestampNs: NOW_NS + aheadNs,
      expiresAtNs: NOW_NS + aheadNs + 2n * HOUR_NS,
    }
    expect(reasonOf(decide(aNotification(foreign), flush))).toBe('notify: repeat')
    // What is written over it has to be stamped above it, and expires as it should.
    const own = aNotification({
      ...foreign,
      timestampNs: foreign.timestampNs + 1n,
      expiresAtNs: NOW_NS + 2n * HOUR_NS,
    })
    expect(reasonOf(decide(own, flush))).toBe('skip: already-notified')
    const later = (afterNs: bigint) =>
      decide(own, { ...flush, flushedAtNs: NOW_NS + afterNs }, NOW_NS + afterNs)
    expect(reasonOf(later(HOUR_NS))).toBe('skip: already-notified')
    expect(reasonOf(later(HOUR_NS + 1n))).toBe('notify: repeat')
  })

  it('believes a time that is ahead by no more than a day', () => {
    const flush = aFlush({ firing: [1n], repeatIntervalMs: AN_HOUR_MS })
    const dayNs = 24n * HOUR_NS
    const ahead = (ns: bigint) =>
      aNotification({ firing: [1n], timestampNs: NOW_NS + ns, expiresAtNs: NOW_NS + ns + 2n * HOUR_NS })
    expect(reasonOf(decide(ahead(dayNs), flush))).toBe('skip: already-notified')
    expect(reasonOf(decide(ahead(dayNs + 1n), flush))).toBe('notify: repeat')
  })

  it('is measured by the time at which it began, not by another', () => {
    const entry = aNotification({ firing: [1n], timestampNs: NOW_NS - HOUR_NS })
    const early = aFlush({ firing: [1n], repeatIntervalMs: AN_HOUR_MS, flushedAtNs: NOW_NS })
    expect(decide(entry, early).notify).toBe(false)
    expect(decide(entry, { ...early, flushedAtNs: NOW_NS + 1n }).notify).toBe(true)
  })

  it('is skipped once it is in the log, until the interval has passed', () => {
    fc.assert(
      fc.property(sets, sets, fc.boolean(), (firing, resolved, sendResolved) => {
        const flush = aFlush({ firing, resolved, sendResolved })
        expect(decide(aNotification({ firing, resolved }), flush).notify).toBe(false)
      }),
    )
  })
})
