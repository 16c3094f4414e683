import { describe, expect, it } from 'vitest'
import { IDENTITY_BYTES_MAX } from '../../../src/alerting/core/admission.ts'
import { INSTANT_END_NS, VERSION_END_NS } from '../../../src/alerting/core/nanos.ts'
import type { Notification, ReceiverDatum } from '../../../src/alerting/core/notification.ts'
import { admitNotification } from '../../../src/alerting/core/notification-admission.ts'
import {
  NOTIFICATION_HASHES_MAX,
  type NotificationRequest,
  planNotification,
  sentFlush,
} from '../../../src/alerting/core/notification-rules.ts'
import { compareBytes } from '../../../src/base/bytes.ts'
import { aFlush, aNotification, GROUP_KEY, HOUR_NS, NOW_NS, WEBHOOK } from '../../support/notifications.ts'

const RETENTION_NS = 120n * HOUR_NS
const HOUR_MS = 3_600_000

function aRequest(fields: Partial<NotificationRequest> = {}): NotificationRequest {
  return { groupKey: GROUP_KEY, receiver: WEBHOOK, firing: [1n], resolved: [], expiryMs: 0, ...fields }
}

function planned(
  fields: Partial<NotificationRequest> = {},
  existing?: Notification,
  retentionNs: bigint = RETENTION_NS,
): Notification {
  const plan = planNotification(aRequest(fields), { existing, nowNs: NOW_NS, retentionNs })
  if (plan === undefined) throw new Error('nothing planned')
  return plan.notification
}

function data(...pairs: readonly (readonly [string, ReceiverDatum])[]): ReadonlyMap<string, ReceiverDatum> {
  return new Map(pairs)
}

describe('the entry of a notification', () => {
  it('is stamped now, or just above the one it replaces', () => {
    expect(planned().timestampNs).toBe(NOW_NS)
    expect(planned({}, aNotification({ timestampNs: NOW_NS - 5n })).timestampNs).toBe(NOW_NS)
    expect(planned({}, aNotification({ timestampNs: NOW_NS })).timestampNs).toBe(NOW_NS + 1n)
    expect(planned({}, aNotification({ timestampNs: NOW_NS + HOUR_NS })).timestampNs).toBe(
      NOW_NS + HOUR_NS + 1n,
    )
  })

  it('stays as it is when its version is the last that peers take', () => {
    const existing = aNotification({ timestampNs: VERSION_END_NS - 1n })
    const context = { existing, nowNs: NOW_NS, retentionNs: RETENTION_NS }
    expect(planNotification(aRequest(), context)).toBeUndefined()
    const before = aNotification({ timestampNs: VERSION_END_NS - 2n })
    const plan = planNotification(aRequest(), { ...context, existing: before })
    expect(plan?.notification.timestampNs).toBe(VERSION_END_NS - 1n)
    expect(admitNotification(plan?.record.bytes ?? new Uint8Array(0)).verdict).toBe('accepted')
  })

  it('expires after the asked time or the retention, whichever is shorter, and no time means the retention', () => {
    const expiryOf = (expiryMs: number): bigint => planned({ expiryMs }).expiresAtNs - NOW_NS
    expect(expiryOf(HOUR_MS)).toBe(HOUR_NS)
    expect(expiryOf(119 * HOUR_MS)).toBe(119n * HOUR_NS)
    for (const ms of [0, 120 * HOUR_MS, 121 * HOUR_MS, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(expiryOf(ms), String(ms)).toBe(RETENTION_NS)
    }
  })

  it('expires counted from now, also when it had to be stamped ahead', () => {
    const ahead = aNotification({ timestampNs: VERSION_END_NS - 9n, expiresAtNs: INSTANT_END_NS - 1n })
    expect(planned({ expiryMs: HOUR_MS }, ahead).expiresAtNs).toBe(NOW_NS + HOUR_NS)
  })

  it('lists each hash once and in order, so that equal sets make equal records', () => {
    const entry = planned({ firing: [3n, 1n, 3n, 2n ** 64n - 1n], resolved: [9n, 8n] })
    expect(entry.firing).toEqual([1n, 3n, 2n ** 64n - 1n])
    expect(entry.resolved).toEqual([8n, 9n])
  })

  it('takes over nothing of the old record but receiver data', () => {
    const existing = aNotification({ firing: [7n], resolved: [8n], timestampNs: NOW_NS - HOUR_NS })
    expect(planned({ firing: [], resolved: [] }, existing)).toMatchObject({ firing: [], resolved: [] })
    expect(planned({}, existing).carried).toBeUndefined()
  })

  it('is what a flush that was sent asks for: both lists of hashes, remembered for twice the repeat interval', () => {
    const flush = aFlush({ firing: [1n], resolved: [2n], repeatIntervalMs: 4 * HOUR_MS })
    expect(sentFlush(flush, { ok: true, receiverData: data(['ts', 'x']) })).toEqual({
      groupKey: GROUP_KEY,
      receiver: WEBHOOK,
      firing: [1n],
      resolved: [2n],
      expiryMs: 8 * HOUR_MS,
      receiverData: data(['ts', 'x']),
    })
    expect(planned(sentFlush(flush, { ok: true })).expiresAtNs).toBe(NOW_NS + 8n * HOUR_NS)
  })
})

describe('receiver data', () => {
  const thread = data(['thread', '1.2'], ['count', 1n])

  it('stay when the sender does not touch them', () => {
    const existing = aNotification({ firing: [1n], receiverData: thread })
    expect(planned({ firing: [1n, 2n] }, existing).receiverData).toEqual(thread)
    expect(planned({ firing: [], resolved: [1n] }, existing).receiverData).toEqual(thread)
    expect(planned({ firing: [1n], receiverData: data() }, existing).receiverData).toEqual(thread)
  })

  it('change key by key', () => {
    const existing = aNotification({ firing: [1n], receiverData: thread })
    expect(planned({ receiverData: data(['count', 2n], ['ratio', 0.5]) }, existing).receiverData).toEqual(
      data(['thread', '1.2'], ['count', 2n], ['ratio', 0.5]),
    )
    expect(existing.receiverData).toEqual(data(['thread', '1.2'], ['count', 1n]))
  })

  it('stay while nothing fires again', () => {
    const over = aNotification({ firing: [], resolved: [1n], receiverData: thread })
    expect(planned({ firing: [], resolved: [1n, 2n] }, over).receiverData).toEqual(thread)
  })

  it('begin empty with the first notification of a sequence', () => {
    expect(planned().receiverData.size).toBe(0)
    expect(planned({ receiverData: data(['a', 'b']) }).receiverData).toEqual(data(['a', 'b']))
    const over = aNotification({ firing: [], resolved: [1n], receiverData: thread })
    expect(planned({ firing: [1n] }, over).receiverData.size).toBe(0)
    expect(planned({ firing: [1n], receiverData: data(['a', 'b']) }, over).receiverData).toEqual(
      data(['a', 'b']),
    )
  })
})

describe('a notification that cannot be logged', () => {
  const refusals: readonly (readonly [string, string, Partial<NotificationRequest>])[] = [
    ['no group key', 'NOTIFICATION_INVALID', { groupKey: '' }],
    ['half a surrogate pair in its key', 'NOTIFICATION_INVALID', { groupKey: '\ud800' }],
    [
      'half a surrogate pair in its receiver',
      'NOTIFICATION_INVALID',
      { receiver: { ...WEBHOOK, groupName: '\udc00' } },
    ],
    ['a negative index', 'NOTIFICATION_INVALID', { receiver: { ...WEBHOOK, idx: -1 } }],
    ['a broken index', 'NOTIFICATION_INVALID', { receiver: { ...WEBHOOK, idx: 0.5 } }],
    ['an index beyond 32 bits', 'NOTIFICATION_INVALID', { receiver: { ...WEBHOOK, idx: 2 ** 32 } }],
    ['a negative hash', 'NOTIFICATION_INVALID', { firing: [-1n] }],
    ['a hash beyond 64 bits', 'NOTIFICATION_INVALID', { resolved: [2n ** 64n] }],
    ['a number beyond 64 bits', 'NOTIFICATION_INVALID', { receiverData: data(['a', 2n ** 63n]) }],
    ['half a surrogate pair in its data', 'NOTIFICATION_INVALID', { receiverData: data(['a', '\ud800']) }],
    ['too long a key', 'NOTIFICATION_TOO_LARGE', { groupKey: 'é'.repeat(IDENTITY_BYTES_MAX / 2) }],
    ['4 MiB of data', 'NOTIFICATION_TOO_LARGE', { receiverData: data(['a', 'x'.repeat(4 * 1024 * 1024)]) }],
    [
      'too many alerts',
      'NOTIFICATION_TOO_LARGE',
      { resolved: new Array<bigint>(NOTIFICATION_HASHES_MAX).fill(1n) },
    ],
  ]
  it.each(refusals)('is refused for %s', (_, code, fields) => {
    expect(() => planned(fields)).toThrow(expect.objectContaining({ code }))
  })

  it('may have as many alerts as the bound says, and its record is one that peers take', () => {
    const firing = Array.from({ length: NOTIFICATION_HASHES_MAX }, (_, i) => 2n ** 64n - 1n - BigInt(i))
    const plan = planNotification(aRequest({ firing }), {
      existing: undefined,
      nowNs: NOW_NS,
      retentionNs: RETENTION_NS,
    })
    const bytes = plan?.record.bytes ?? new Uint8Array(0)
    expect(bytes.length).toBeGreaterThan(1_000_000)
    const admission = admitNotification(bytes)
    expect(admission.verdict === 'accepted' && compareBytes(admission.put.record.bytes, bytes)).toBe(0)
  })
})
