import { describe, expect, it } from 'vitest'
import { NOTIFICATION_TABLE } from '../../../src/alerting/core/admission.ts'
import type { Notification } from '../../../src/alerting/core/notification.ts'
import { encodeNotification } from '../../../src/alerting/core/notification-codec.ts'
import { notificationKey } from '../../../src/alerting/core/receiver.ts'
import { NotificationLog } from '../../../src/alerting/notification-log.ts'
import { memoryRecords } from '../../support/memory-records.ts'
import {
  aFlush,
  aNotification,
  GROUP_KEY,
  HOUR_NS,
  NOW_MS,
  NOW_NS,
  WEBHOOK,
} from '../../support/notifications.ts'

const KEY = notificationKey(GROUP_KEY, WEBHOOK)
const REQUEST = { groupKey: GROUP_KEY, receiver: WEBHOOK, firing: [2n, 1n], resolved: [3n], expiryMs: 0 }

function setup() {
  const records = memoryRecords()
  const clock = { nowMs: NOW_MS }
  const wall = { monotonicMs: () => clock.nowMs, wallMs: () => clock.nowMs }
  const log = new NotificationLog(records, wall, { retentionMs: 120 * 3_600_000 })
  const merge = (entry: Notification): void => {
    records.merge([{ table: NOTIFICATION_TABLE, key: KEY, record: encodeNotification(entry) }])
  }
  return { records, clock, log, merge }
}

describe('a query', () => {
  it('needs a group key and a receiver', () => {
    const { log } = setup()
    for (const ask of [() => log.query('', WEBHOOK), () => log.query(GROUP_KEY, undefined)]) {
      expect(ask).toThrow(
        expect.objectContaining({
          code: 'NOTIFICATION_QUERY_EMPTY',
          message: 'no query parameters specified',
        }),
      )
    }
  })

  it('says when there is nothing', () => {
    expect(() => setup().log.query(GROUP_KEY, WEBHOOK)).toThrow(
      expect.objectContaining({ code: 'NOTIFICATION_NOT_FOUND', message: 'not found' }),
    )
  })

  it('gives back what was recorded', async () => {
    const { log } = setup()
    const { notification } = await log.record(REQUEST)
    expect(notification).toMatchObject({ firing: [1n, 2n], resolved: [3n], timestampNs: NOW_NS })
    expect(log.query(GROUP_KEY, WEBHOOK)).toMatchObject({ ...notification })
    expect(log.get(KEY)).toMatchObject({ ...notification })
    expect([...log.entries()].map((entry) => entry.groupKey)).toEqual([GROUP_KEY])
    expect([...log.keys()]).toEqual([KEY])
  })

  it('keeps receivers, integrations and indexes apart', async () => {
    const { log } = setup()
    await log.record(REQUEST)
    for (const other of [{ groupName: 'x' }, { integration: 'x' }, { idx: 1 }]) {
      expect(() => log.query(GROUP_KEY, { ...WEBHOOK, ...other })).toThrow('not found')
    }
    expect(() => log.query('{}:{}', WEBHOOK)).toThrow('not found')
  })

  it('is counted, and so are those that found nothing', async () => {
    const { log } = setup()
    await log.record(REQUEST)
    log.query(GROUP_KEY, WEBHOOK)
    log.decide(aFlush())
    log.decide(aFlush({ groupKey: 'other' }))
    expect(() => log.query('', WEBHOOK)).toThrow()
    expect(log.stats).toEqual({ queries: 4, queryErrors: 2, recorded: 1 })
  })
})

describe('recording', () => {
  it('makes the same flush unworthy of another notification', async () => {
    const { log } = setup()
    const flush = aFlush({ firing: [1n, 2n], resolved: [3n] })
    expect(log.decide(flush)).toEqual({ notify: true, reason: 'first' })
    await log.record(REQUEST)
    expect(log.decide(flush)).toEqual({ notify: false, reason: 'already-notified' })
  })

  it('wins over what is held within one tick, and over a clock that runs ahead', async () => {
    const { log, merge } = setup()
    await log.record(REQUEST)
    expect((await log.record({ ...REQUEST, firing: [5n] })).notification.timestampNs).toBe(NOW_NS + 1n)
    merge(aNotification({ firing: [6n], timestampNs: NOW_NS + HOUR_NS }))
    await log.record({ ...REQUEST, firing: [7n] })
    expect(log.get(KEY)).toMatchObject({ firing: [7n], timestampNs: NOW_NS + HOUR_NS + 1n })
  })

  it('twice at the same moment keeps both in order, with the receiver data of both', async () => {
    const { log } = setup()
    await log.record(REQUEST)
    await Promise.all([
      log.record({ ...REQUEST, receiverData: new Map([['a', 'x']]) }),
      log.record({ ...REQUEST, receiverData: new Map([['b', 'y']]) }),
    ])
    const held = log.get(KEY)
    expect(held?.timestampNs).toBeGreaterThan(NOW_NS)
    expect(held?.receiverData.get('b')).toBe('y')
  })

  it('that fails passes on the error, leaves the table, and is known all the same: it was sent', async () => {
    const { log, records } = setup()
    const { notification } = await log.record(REQUEST)
    records.failNext = new Error('disk full')
    await expect(log.record({ ...REQUEST, firing: [9n] })).rejects.toThrow('disk full')
    expect([...log.entries()].map(({ firing }) => firing)).toEqual([[1n, 2n]])
    expect(log.get(KEY)).toMatchObject({ firing: [9n], timestampNs: notification.timestampNs + 1n })
    expect(log.stats.recorded).toBe(1)
    const next = await log.record({ ...REQUEST, firing: [10n] })
    expect(next.notification.timestampNs).toBe(notification.timestampNs + 2n)
    expect(log.get(KEY)?.firing).toEqual([10n])
  })

  it('of nonsense is refused and leaves the entry', async () => {
    const { log } = setup()
    await expect(log.record({ ...REQUEST, firing: [-1n] })).rejects.toMatchObject({
      code: 'NOTIFICATION_INVALID',
    })
    expect([...log.entries()]).toEqual([])
  })

  it('over an entry of the last possible version says what stands', async () => {
    const { log, merge } = setup()
    const last = 9_214_646_400_000_000_000n - 1n
    merge(aNotification({ firing: [6n], timestampNs: last }))
    expect((await log.record(REQUEST)).notification).toMatchObject({ firing: [6n], timestampNs: last })
  })
})

describe('the log', () => {
  it('tells of entries recorded here and merged from peers, by key, until one stops listening', async () => {
    const { log, merge } = setup()
    const heard: string[] = []
    const stop = log.watch((key) => heard.push(key))
    await log.record(REQUEST)
    merge(aNotification({ timestampNs: NOW_NS + 5n }))
    expect(heard).toEqual([KEY, KEY])
    merge(aNotification({ timestampNs: NOW_NS + 4n }))
    stop()
    merge(aNotification({ timestampNs: NOW_NS + 6n }))
    expect(heard).toHaveLength(2)
    expect(log.get(KEY)?.timestampNs).toBe(NOW_NS + 6n)
  })

  it('gives the bytes that peers are told', async () => {
    const { log } = setup()
    expect(log.recordBytes(KEY)).toBeUndefined()
    const { notification } = await log.record(REQUEST)
    expect(log.recordBytes(KEY)).toEqual(encodeNotification(notification).bytes)
  })

  it('forgets with the store', async () => {
    const { log, records } = setup()
    await log.record(REQUEST)
    records.forget(NOTIFICATION_TABLE, KEY)
    expect(log.get(KEY)).toBeUndefined()
    expect(log.decide(aFlush({ firing: [1n] }))).toEqual({ notify: true, reason: 'first' })
  })
})
