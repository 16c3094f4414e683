import { describe, expect, it } from 'vitest'
import { notificationKey } from '../../../src/alerting/core/receiver.ts'
import { NotificationLog } from '../../../src/alerting/notification-log.ts'
import { KeptEntries } from '../../../src/app/kept-entries.ts'
import { memoryRecords } from '../../support/memory-records.ts'
import { GROUP_KEY, NOW_MS, WEBHOOK } from '../../support/notifications.ts'

const KEY = notificationKey(GROUP_KEY, WEBHOOK)

function setup(keptMax: number) {
  const time = { nowMs: NOW_MS }
  const clock = { monotonicMs: () => time.nowMs, wallMs: () => time.nowMs }
  const log = new NotificationLog(memoryRecords(), clock, { retentionMs: 432_000_000 })
  const request = (groupKey: string, firing: readonly bigint[]) => {
    return { groupKey, receiver: WEBHOOK, firing, resolved: [], expiryMs: 60_000 }
  }
  return { kept: new KeptEntries(log, clock, keptMax), log, time, request }
}

describe('an entry that cannot be written', () => {
  it('is stamped above what is known, and read like one that is logged', async () => {
    const { kept, log, request } = setup(10)
    const { notification } = await log.record(request(GROUP_KEY, [1n]))
    kept.sent(request(GROUP_KEY, [2n]))
    kept.sent(request(GROUP_KEY, [3n]))
    expect(kept.get(KEY)).toMatchObject({ firing: [3n], timestampNs: notification.timestampNs + 2n })
    expect(log.get(KEY)?.firing).toEqual([1n])
  })

  it('is forgotten as soon as the log has one that is not older', async () => {
    const { kept, log, request, time } = setup(10)
    kept.sent(request(GROUP_KEY, [2n]))
    time.nowMs += 1
    await log.record(request(GROUP_KEY, [3n]))
    expect([kept.get(KEY)?.firing, kept.size]).toEqual([[3n], 0])
    expect(kept.recordBytes(KEY)).toEqual(log.recordBytes(KEY))
  })

  it('is forgotten when it expires', () => {
    const { kept, request, time } = setup(10)
    kept.sent(request(GROUP_KEY, [2n]))
    time.nowMs += 59_999
    expect(kept.recordBytes(KEY)).toBeDefined()
    time.nowMs += 1
    expect([kept.get(KEY), kept.size]).toEqual([undefined, 0])
  })

  it('goes when there are more than may be kept, the oldest first', () => {
    const { kept, request } = setup(2)
    for (const group of ['a', 'b', 'c']) kept.sent(request(group, [1n]))
    expect(kept.size).toBe(2)
    expect(kept.get(notificationKey('a', WEBHOOK))).toBeUndefined()
    expect(kept.get(notificationKey('c', WEBHOOK))).toBeDefined()
  })

  it('of another is news only when it is newer', () => {
    const { kept, log, request } = setup(10)
    const older = log.plan(request(GROUP_KEY, [1n]), undefined)
    kept.sent(request(GROUP_KEY, [2n]))
    const newer = log.plan(request(GROUP_KEY, [3n]), kept.get(KEY))
    if (older === undefined || newer === undefined) throw new Error('no plan')
    expect(kept.heard(KEY, older.record)).toBe(false)
    expect(kept.heard(KEY, newer.record)).toBe(true)
    expect(kept.get(KEY)?.firing).toEqual([3n])
  })
})
