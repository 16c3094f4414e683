import { fromBinary, toBinary } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MeshEntrySchema } from '../../../src/alerting/core/alertmanager_pb.ts'
import { VERSION_END_NS, ZERO_TIME_NS } from '../../../src/alerting/core/nanos.ts'
import type { Notification, ReceiverDatum } from '../../../src/alerting/core/notification.ts'
import { admitNotification } from '../../../src/alerting/core/notification-admission.ts'
import { encodeNotification, notificationFromRecord } from '../../../src/alerting/core/notification-codec.ts'
import { fromHex, GOLDEN_NOTIFICATION } from '../../support/golden-alertmanager.ts'
import { aNotification, GROUP_KEY, NOW_NS } from '../../support/notifications.ts'

function recordOf(bytes: Uint8Array) {
  const admission = admitNotification(bytes)
  if (admission.verdict !== 'accepted') throw new Error(JSON.stringify(admission))
  return admission.put.record
}

function read(bytes: Uint8Array): Notification {
  const notification = notificationFromRecord(recordOf(bytes))
  if (notification === undefined) throw new Error('not a notification')
  return notification
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]))
}

/** A record of one entry with these fields, given as hex, after what every entry has. */
function recordWith(fieldsHex: string): Uint8Array {
  const entry = fromHex(`0a016112040a0277682a020805${fieldsHex}`)
  return concat(Uint8Array.of(0x0a, entry.length), entry, fromHex('12020806'))
}

const data: fc.Arbitrary<ReceiverDatum> = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.double({ noNaN: true }),
)

describe('the notification record', () => {
  it('comes back byte for byte as a real Alertmanager wrote it', () => {
    const record = recordOf(GOLDEN_NOTIFICATION)
    expect(record.bytes).toEqual(GOLDEN_NOTIFICATION)
    const notification = read(GOLDEN_NOTIFICATION)
    expect(notification).toMatchObject({
      groupKey: '{}/{node="bar"}:{alertname="foo"}',
      receiver: { groupName: 'wh', integration: 'webhook', idx: 0 },
      firing: [11332729002249449581n],
      resolved: [],
      receiverData: new Map(),
    })
    expect(notification.expiresAtNs - notification.timestampNs).toBe(120_000_000_000n)
    expect(encodeNotification(notification)).toEqual(record)
  })

  it('is written without help as the Alertmanager wrote it', () => {
    const { carried, ...own } = read(GOLDEN_NOTIFICATION)
    expect(carried).toBeDefined()
    expect(encodeNotification(own)).toEqual(recordOf(GOLDEN_NOTIFICATION))
  })

  it('comes back with all its fields, hashes of 64 bits and receiver data of each type', () => {
    const hashes = fc.array(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), { maxLength: 5 })
    fc.assert(
      fc.property(
        hashes,
        hashes,
        fc.array(fc.tuple(fc.string({ unit: 'grapheme' }), data), { maxLength: 4 }),
        (firing, resolved, pairs) => {
          const written = aNotification({ firing, resolved, receiverData: new Map(pairs) })
          const record = encodeNotification(written)
          const { carried, ...seen } = read(record.bytes)
          expect(carried).toBeDefined()
          expect(seen).toEqual(written)
          expect(recordOf(record.bytes)).toEqual(record)
        },
      ),
    )
  })

  it('tells the whole number 1 from the double 1 and from the text 1', () => {
    const receiverData = new Map<string, ReceiverDatum>([
      ['double', 1],
      ['int', 1n],
      ['text', '1'],
    ])
    expect(read(encodeNotification(aNotification({ receiverData })).bytes).receiverData).toEqual(receiverData)
  })

  it('is the same in whatever order the receiver data came, the last of equal keys holding', () => {
    const a = encodeNotification(
      aNotification({
        receiverData: new Map([
          ['a', 'x'],
          ['b', 'y'],
        ]),
      }),
    )
    const b = encodeNotification(
      aNotification({
        receiverData: new Map([
          ['b', 'y'],
          ['a', 'x'],
        ]),
      }),
    )
    expect(a).toEqual(b)
    // Keys k=1, then j=2, then k=3.
    const messy = recordWith('42080a016b12030a0131' + '42080a016a12030a0132' + '42080a016b12030a0133')
    expect([...read(messy).receiverData]).toEqual([
      ['j', '2'],
      ['k', '3'],
    ])
  })

  it('packs hashes that came one by one', () => {
    const single = recordWith('3005' + '3006')
    expect(read(single).firing).toEqual([5n, 6n])
    expect(recordOf(single).bytes).toEqual(recordWith('32020506'))
  })

  it('keeps the fields that no release reads any more, and those of releases to come', () => {
    const entryFields = '1a03010203' + '2001' + '9206026869'
    const bytes = concat(recordWith(entryFields), fromHex('9206026f6b'))
    const record = recordOf(bytes)
    const edited = encodeNotification({ ...read(bytes), firing: [9n], timestampNs: NOW_NS })
    for (const { bytes: kept } of [record, edited]) {
      const message = fromBinary(MeshEntrySchema, kept)
      expect(message.$unknown?.map((field) => field.no)).toEqual([98])
      expect(message.entry?.$unknown?.map((field) => field.no)).toEqual([98])
      expect(message.entry).toMatchObject({ groupHash: Uint8Array.of(1, 2, 3), resolved: true })
    }
  })

  it('is refused for a field of another type than all know it by, though nobody reads that any more', () => {
    // One such record makes a real Alertmanager refuse the whole payload: "wrong wireType = 0 for field GroupHash".
    for (const fields of ['1801', '220141']) {
      expect(admitNotification(recordWith(fields))).toEqual({
        verdict: 'refused',
        reason: 'RECORD_MALFORMED',
      })
    }
  })

  it('keeps a datum of an unknown type without showing it, until its key is written', () => {
    // Key k with a value of field 4; key s with text.
    const bytes = recordWith('42070a016b12022001' + '42080a017312030a0131')
    const notification = read(bytes)
    expect([...notification.receiverData]).toEqual([['s', '1']])
    expect(encodeNotification(notification).bytes).toEqual(recordOf(bytes).bytes)
    const written = { ...notification, receiverData: new Map([['k', 'mine']]) }
    expect([...read(encodeNotification(written).bytes).receiverData]).toEqual([['k', 'mine']])
  })

  it('does not change what it was read from when it is written anew', () => {
    const { carried, ...notification } = read(GOLDEN_NOTIFICATION)
    if (carried === undefined) throw new Error('read from nothing')
    const receiver = { groupName: 'x', integration: 'y', idx: 3 }
    encodeNotification({ ...notification, carried, groupKey: 'other', firing: [], receiver })
    expect(toBinary(MeshEntrySchema, carried)).toEqual(GOLDEN_NOTIFICATION)
  })

  it('is taken from a peer with a timestamp from 1970 up to the last possible version', () => {
    const verdictAt = (timestampNs: bigint): string =>
      admitNotification(encodeNotification(aNotification({ timestampNs })).bytes).verdict
    expect([0n, VERSION_END_NS - 1n].map(verdictAt)).toEqual(['accepted', 'accepted'])
    expect([-1n, ZERO_TIME_NS, VERSION_END_NS].map(verdictAt)).toEqual(['refused', 'refused', 'refused'])
  })

  it('counts an absent timestamp as 1970', () => {
    const message = fromBinary(MeshEntrySchema, GOLDEN_NOTIFICATION)
    if (message.entry !== undefined) message.entry.timestamp = undefined
    expect(recordOf(toBinary(MeshEntrySchema, message)).versionNs).toBe(0n)
  })

  it('is keyed by group key, receiver, integration and index', () => {
    const { bytes } = encodeNotification(
      aNotification({ receiver: { groupName: 'a/b', integration: 'c', idx: 7 } }),
    )
    expect(admitNotification(bytes)).toMatchObject({ put: { table: 'nfl', key: `${GROUP_KEY}:a/b/c/7` } })
  })
})
