/** Items 38-49 of the checklist: the notification log, and the decision whether a flush is worth a notification. */
import { fromBinary, toBinary } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import { MeshEntrySchema, PartSchema } from '../../src/alerting/core/alertmanager_pb.ts'
import type { Flush } from '../../src/alerting/core/flush.ts'
import type { Notification, ReceiverDatum } from '../../src/alerting/core/notification.ts'
import { encodeNotification } from '../../src/alerting/core/notification-codec.ts'
import { decide, isSubset } from '../../src/alerting/core/notification-decision.ts'
import { type NotificationRequest, sentFlush } from '../../src/alerting/core/notification-rules.ts'
import { notificationKey } from '../../src/alerting/core/receiver.ts'
import { aFlush, aNotification, GROUP_KEY, WEBHOOK } from '../support/notifications.ts'
import { HOUR_NS, NOW_NS } from '../support/silences.ts'
import { tempDir } from '../support/temp-dir.ts'
import { openStateRig, RETENTION_MS, type StateRig } from './state-rig.ts'

const HOUR_MS = 3_600_000
const KEY = notificationKey(GROUP_KEY, WEBHOOK)

function entry(parts: Partial<Notification> = {}): Notification {
  return aNotification({ timestampNs: NOW_NS, expiresAtNs: NOW_NS + 8n * HOUR_NS, ...parts })
}

function bytesOf(of: Notification): Uint8Array {
  return encodeNotification(of).bytes
}

function request(parts: Partial<NotificationRequest> = {}): NotificationRequest {
  return { groupKey: GROUP_KEY, receiver: WEBHOOK, firing: [1n], resolved: [], expiryMs: 0, ...parts }
}

function held(rig: StateRig): Notification {
  return rig.log.query(GROUP_KEY, WEBHOOK)
}

describe('hearsay', () => {
  it('item 38: a query without key or receiver, and one that finds nothing, each say so', async () => {
    const { log } = await openStateRig()
    expect(() => log.query('', WEBHOOK)).toThrow('no query parameters specified')
    expect(() => log.query(GROUP_KEY, undefined)).toThrow('no query parameters specified')
    expect(() => log.query(GROUP_KEY, WEBHOOK)).toThrow('not found')
  })

  it('item 39: what was logged is found with the same lists of hashes', async () => {
    const rig = await openStateRig()
    const firing = [1n, 11_332_729_002_249_449_581n]
    await rig.log.record(request({ firing, resolved: [3n] }))
    expect(held(rig)).toMatchObject({ firing, resolved: [3n], timestampNs: NOW_NS })
    const [told] = rig.broadcasts.filter(({ audience }) => audience === 'foreign')
    expect(fromBinary(PartSchema, told?.payload ?? new Uint8Array(0)).key).toBe('nfl')
  })

  it('item 40: merging adds what is new, takes the newer entry, and nothing that is older or has expired', async () => {
    const rig = await openStateRig()
    rig.merge('nfl', bytesOf(entry({ firing: [1n] })))
    rig.merge('nfl', bytesOf(entry({ firing: [2n], timestampNs: NOW_NS - 1n })))
    expect(held(rig).firing).toEqual([1n])
    rig.merge('nfl', bytesOf(entry({ firing: [3n], timestampNs: NOW_NS + 1n })))
    expect(held(rig).firing).toEqual([3n])
    const elsewhere = { ...WEBHOOK, idx: 1 }
    rig.merge('nfl', bytesOf(entry({ receiver: elsewhere, expiresAtNs: NOW_NS - 1_000_000n })))
    expect(() => rig.log.query(GROUP_KEY, elsewhere)).toThrow('not found')
    for (const receiver of [
      elsewhere,
      { ...WEBHOOK, integration: 'slack' },
      { ...WEBHOOK, groupName: 'other' },
    ]) {
      rig.merge('nfl', bytesOf(entry({ receiver, firing: [9n] })))
      expect(rig.log.query(GROUP_KEY, receiver).firing).toEqual([9n])
    }
    expect(held(rig).firing).toEqual([3n])
    expect(KEY).toBe(`${GROUP_KEY}:wh/webhook/0`)
  })

  it('item 40: of two entries of one version all replicas keep the same, whatever came first', async () => {
    const [one, two] = [await openStateRig(), await openStateRig()]
    const ties = [[1n], [2n]].map((firing) => bytesOf(entry({ firing })))
    for (const bytes of ties) one.merge('nfl', bytes)
    for (const bytes of [...ties].reverse()) two.merge('nfl', bytes)
    expect(held(one).firing).toEqual(held(two).firing)
  })

  it('item 41: an entry without a receiver is refused, and its neighbours are taken', async () => {
    const rig = await openStateRig()
    const message = fromBinary(MeshEntrySchema, bytesOf(entry()))
    if (message.entry !== undefined) delete message.entry.receiver
    const nobody = toBinary(MeshEntrySchema, message)
    rig.merge('nfl', nobody, bytesOf(entry({ firing: [7n] })))
    expect(held(rig).firing).toEqual([7n])
    expect(rig.dropped).toEqual(['IDENTITY_INVALID'])
  })

  it('item 42: a sweep drops what has expired and keeps the rest, and a restart changes nothing', async () => {
    const path = tempDir()
    const rig = await openStateRig({ path })
    const other = { ...WEBHOOK, idx: 1 }
    rig.merge('nfl', bytesOf(entry({ expiresAtNs: NOW_NS + HOUR_NS })))
    rig.merge('nfl', bytesOf(entry({ receiver: other, expiresAtNs: NOW_NS + 2n * HOUR_NS, firing: [2n] })))
    await rig.sweepAfter(HOUR_MS + 60_000)
    expect(rig.store.status().records).toBe(1)
    expect([...rig.log.entries()].map(({ receiver }) => receiver)).toEqual([other])
    const kept = rig.log.recordBytes(notificationKey(GROUP_KEY, other))
    await rig.store.close()
    const again = await openStateRig({ path })
    expect(again.log.recordBytes(notificationKey(GROUP_KEY, other))).toEqual(kept)
  })

  it('item 43: logging over an entry from the future keeps its order: the new one is stamped above it', async () => {
    const rig = await openStateRig()
    const timestampNs = NOW_NS + 5n * HOUR_NS
    rig.merge('nfl', bytesOf(entry({ timestampNs, firing: [1n] })))
    await rig.log.record(request({ firing: [1n, 2n] }))
    expect(held(rig)).toMatchObject({ firing: [1n, 2n], timestampNs: timestampNs + 1n })
  })

  it('item 44: an entry is kept for the shorter of retention and expiry, and no expiry is the retention', async () => {
    const kept: unknown[] = []
    for (const expiryMs of [0, HOUR_MS, RETENTION_MS, 2 * RETENTION_MS]) {
      const rig = await openStateRig()
      await rig.log.record(request({ expiryMs }))
      kept.push(Number((held(rig).expiresAtNs - NOW_NS) / 1_000_000n))
    }
    expect(kept).toEqual([RETENTION_MS, HOUR_MS, RETENTION_MS, RETENTION_MS])
  })

  it('item 45: the empty set is part of any, a set of itself, and nothing of a smaller one', () => {
    expect([isSubset([], []), isSubset([], [1n]), isSubset([1n, 2n], [2n, 1n])]).toEqual([true, true, true])
    expect([isSubset([1n], []), isSubset([1n, 2n, 3n], [1n, 2n]), isSubset([4n], [1n])]).toEqual([
      false,
      false,
      false,
    ])
  })

  it('item 46: receiver data stay through a sequence, begin anew with the next, and do not leak between groups', async () => {
    const rig = await openStateRig()
    const log = async (parts: Partial<NotificationRequest>): Promise<ReadonlyMap<string, ReceiverDatum>> => {
      rig.clock.nowMs += 1
      return (await rig.log.record(request(parts))).notification.receiverData
    }
    const thread = new Map<string, ReceiverDatum>([['thread', '17.4']])
    expect(await log({ receiverData: thread })).toEqual(thread)
    expect(await log({ firing: [1n, 2n] })).toEqual(thread)
    expect(await log({ firing: [], resolved: [1n, 2n] })).toEqual(thread)
    expect((await log({ firing: [5n] })).size).toBe(0)
    expect((await log({ groupKey: '{}:{alertname="other"}' })).size).toBe(0)
  })

  const LAST = entry({ firing: [1n, 2n], resolved: [3n] })
  const HOUR_LATER = NOW_NS + HOUR_NS
  const REPEAT_MS = 4 * HOUR_MS
  const rows: readonly (readonly [string, Notification | undefined, Partial<Flush>, boolean])[] = [
    ['no entry, something fires', undefined, { firing: [1n] }, true],
    ['no entry, resolved only', undefined, { resolved: [1n] }, false],
    ['another alert fires', LAST, { firing: [1n, 4n] }, true],
    ['an entry of 1970', { ...LAST, timestampNs: 0n }, { firing: [1n, 2n] }, true],
    ['the same set before the repeat', LAST, { firing: [1n, 2n], resolved: [3n] }, false],
    [
      'the same set after the repeat',
      LAST,
      { firing: [1n, 2n], flushedAtNs: NOW_NS + 4n * HOUR_NS + 1n },
      true,
    ],
    ['more resolved, wanted', LAST, { firing: [1n], resolved: [3n, 2n] }, true],
    ['more resolved, not wanted', LAST, { firing: [1n], resolved: [3n, 2n], sendResolved: false }, false],
    ['all resolved', LAST, { resolved: [1n, 2n, 3n] }, true],
    ['all resolved, not wanted', LAST, { resolved: [1n, 2n, 3n], sendResolved: false }, true],
    ['nothing had fired, resolved only', entry({ resolved: [3n] }), { resolved: [3n, 4n] }, false],
  ]
  it.each(rows)('item 47: %s', (_what, last, flush, notify) => {
    const decided = decide(
      last,
      aFlush({ repeatIntervalMs: REPEAT_MS, flushedAtNs: HOUR_LATER, ...flush }),
      HOUR_LATER,
    )
    expect(decided.notify).toBe(notify)
  })

  it('item 48: repeats are measured from the moment of the flush, not from when the replica came to decide', async () => {
    const rig = await openStateRig()
    await rig.log.record(request({ firing: [1n] }))
    const flush = aFlush({ firing: [1n], repeatIntervalMs: HOUR_MS, flushedAtNs: NOW_NS + HOUR_NS })
    rig.clock.nowMs += 2 * HOUR_MS
    expect(rig.log.decide(flush)).toEqual({ notify: false, reason: 'already-notified' })
    expect(rig.log.decide({ ...flush, flushedAtNs: NOW_NS + HOUR_NS + 1n })).toEqual({
      notify: true,
      reason: 'repeat',
    })
  })

  it('item 49: a flush that was sent logs both lists, for twice its repeat interval', async () => {
    const rig = await openStateRig()
    const flush = aFlush({ firing: [1n, 2n], resolved: [3n], repeatIntervalMs: HOUR_MS, flushedAtNs: NOW_NS })
    await rig.log.record(sentFlush(flush, { ok: true }))
    expect(held(rig)).toMatchObject({
      firing: [1n, 2n],
      resolved: [3n],
      expiresAtNs: NOW_NS + 2n * HOUR_NS,
    })
  })
})
