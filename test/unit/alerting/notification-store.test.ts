/** The notification log over the real store: what is kept, merged and forgotten, and when. */
import { afterEach, describe, expect, it, vi } from 'vitest'
import { AdmittingStore } from '../../../src/alerting/admitting-store.ts'
import { NOTIFICATION_TABLE } from '../../../src/alerting/core/admission.ts'
import type { Notification } from '../../../src/alerting/core/notification.ts'
import { encodeNotification } from '../../../src/alerting/core/notification-codec.ts'
import { notificationKey } from '../../../src/alerting/core/receiver.ts'
import { NotificationLog } from '../../../src/alerting/notification-log.ts'
import type { StateStore } from '../../../src/store/state-store.ts'
import { openHostStore } from '../../support/host-store.ts'
import { aFlush, aNotification, GROUP_KEY, NOW_MS, NOW_NS, WEBHOOK } from '../../support/notifications.ts'
import { tempDir } from '../../support/temp-dir.ts'

const KEY = notificationKey(GROUP_KEY, WEBHOOK)
const REQUEST = { groupKey: GROUP_KEY, receiver: WEBHOOK, firing: [1n], resolved: [], expiryMs: 1000 }
const MS = 1_000_000n

afterEach(() => {
  vi.useRealTimers()
})

async function setup(path?: string) {
  const time = { nowMs: NOW_MS }
  const clock = { monotonicMs: () => time.nowMs, wallMs: () => time.nowMs }
  const store = await openHostStore({ clock, ...(path === undefined ? {} : { path }) })
  const log = new NotificationLog(store.records, clock, { retentionMs: 120 * 3_600_000 })
  return { store, log, time }
}

function hear(store: StateStore, entry: Notification): number {
  const record = encodeNotification(entry)
  const admitting = new AdmittingStore(
    store,
    (table, key) => store.records.get(table, key),
    () => undefined,
  )
  const records = [{ table: NOTIFICATION_TABLE, key: KEY, record }]
  return admitting.join({ puts: [], adds: [], covered: [], records }).records.length
}

describe('an entry of the notification log', () => {
  it('is there after a restart as it was recorded, with data and hashes of 64 bits', async () => {
    const path = tempDir()
    const first = await setup(path)
    const receiverData = new Map<string, string | bigint | number>([
      ['double', 0.1],
      ['int', 2n ** 63n - 1n],
      ['text', 'é'],
    ])
    const request = { ...REQUEST, firing: [2n ** 64n - 1n], resolved: [0n], receiverData }
    const { notification, deltas } = await first.log.record(request)
    expect(deltas.flatMap(({ records }) => records.map(({ key }) => key))).toEqual([KEY])
    await first.store.close()
    const second = await setup(path)
    const { carried: _, ...held } = second.log.query(GROUP_KEY, WEBHOOK)
    expect(held).toEqual(notification)
    await second.store.close()
  })

  it('from the year 2096 is repeated once, then when it is due, and forgotten in time', async () => {
    const { store, log, time } = await setup()
    const farNs = 70n * 365n * 86_400_000n * MS
    hear(
      store,
      aNotification({ firing: [1n], timestampNs: NOW_NS + farNs, expiresAtNs: NOW_NS + farNs + MS }),
    )
    await vi.waitFor(() => expect(log.get(KEY)).toBeDefined())
    const repeatIntervalMs = 4 * 3_600_000
    const decide = () => {
      const flushedAtNs = BigInt(time.nowMs) * MS
      return log.decide(aFlush({ firing: [1n], repeatIntervalMs, flushedAtNs })).reason
    }
    expect(decide()).toBe('repeat')
    await log.record({ ...REQUEST, expiryMs: 2 * repeatIntervalMs })
    expect(log.get(KEY)?.timestampNs).toBe(NOW_NS + farNs + 1n)
    expect(decide()).toBe('already-notified')
    time.nowMs += repeatIntervalMs + 1
    expect(decide()).toBe('repeat')
    time.nowMs += repeatIntervalMs
    expect(log.get(KEY)).toBeUndefined()
    await store.close()
  })

  it('is not read once it has expired, though it is swept only later', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    const { store, log, time } = await setup()
    const heard: string[] = []
    log.watch((key) => heard.push(key))
    await log.record(REQUEST)
    time.nowMs = NOW_MS + 1000
    expect(log.get(KEY)).toBeDefined()
    time.nowMs++
    expect(log.get(KEY)).toBeUndefined()
    expect([...log.entries()]).toEqual([])
    expect(log.decide(aFlush({ firing: [1n] }))).toEqual({ notify: true, reason: 'first' })
    expect([store.status().records, heard]).toEqual([1, [KEY]])
    time.nowMs = NOW_MS + 60_000
    vi.advanceTimersByTime(1000)
    expect([store.status().records, heard]).toEqual([0, [KEY, KEY]])
    await store.close()
  })

  it('that has expired unswept is written over by the next notification, which begins a sequence', async () => {
    const { store, log, time } = await setup()
    await log.record({ ...REQUEST, receiverData: new Map([['thread', 'old']]) })
    time.nowMs += 2000
    const { notification } = await log.record(REQUEST)
    expect(notification.receiverData.size).toBe(0)
    expect(log.get(KEY)?.timestampNs).toBe(NOW_NS + 2000n * MS)
    await store.close()
  })

  it('from a peer is added when new, taken when newer, dropped when older', async () => {
    const { store, log } = await setup()
    expect(hear(store, aNotification({ firing: [1n], timestampNs: NOW_NS - 5n }))).toBe(1)
    expect(hear(store, aNotification({ firing: [2n], timestampNs: NOW_NS - 6n }))).toBe(0)
    expect(log.get(KEY)?.firing).toEqual([1n])
    expect(hear(store, aNotification({ firing: [3n], timestampNs: NOW_NS - 4n }))).toBe(1)
    expect(log.get(KEY)?.firing).toEqual([3n])
    await store.close()
  })

  it('from a peer with the version of the one held is the same on all replicas, whichever came first', async () => {
    const [a, b] = [aNotification({ firing: [1n] }), aNotification({ firing: [2n] })]
    const kept = []
    for (const order of [
      [a, b],
      [b, a],
    ]) {
      const { store, log } = await setup()
      for (const entry of order) hear(store, entry)
      kept.push(log.recordBytes(KEY))
      await store.close()
    }
    expect(kept[0]).toBeDefined()
    expect(kept[0]).toEqual(kept[1])
  })

  it('from a peer that expired before the last full minute does not take the place of what is held', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    const { store, log } = await setup()
    await log.record(REQUEST)
    vi.advanceTimersByTime(1000)
    const newer = aNotification({ firing: [2n], timestampNs: NOW_NS + 5n })
    expect(hear(store, { ...newer, expiresAtNs: NOW_NS - 1n * MS })).toBe(0)
    expect(log.get(KEY)?.firing).toEqual([1n])
    expect(hear(store, { ...newer, expiresAtNs: NOW_NS })).toBe(1)
    expect(log.get(KEY)?.firing).toEqual([2n])
    await store.close()
  })

  it('from the year 2096 does not keep the next notification from being logged', async () => {
    const { store, log } = await setup()
    const farNs = BigInt(Date.UTC(2096, 0, 1)) * MS
    hear(store, aNotification({ firing: [9n], timestampNs: farNs }))
    await log.record(REQUEST)
    expect(log.get(KEY)).toMatchObject({ firing: [1n], timestampNs: farNs + 1n })
    await store.close()
  })
})
