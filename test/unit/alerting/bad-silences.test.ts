/**
 * Bad silences from peers, by every way in: a broadcast, a push-pull, a private frame of somebody who claims to be a
 * hearsay replica. Whatever comes, every other silence goes on working: those before it, and those in the same message.
 */
import { create, toBinary } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import { AlertmanagerDelegate } from '../../../src/alerting/alertmanager-delegate.ts'
import { SILENCE_TABLE } from '../../../src/alerting/core/admission.ts'
import { FullStateSchema, MeshSilenceSchema, PartSchema } from '../../../src/alerting/core/alertmanager_pb.ts'
import { decodeForeignState } from '../../../src/alerting/core/foreign-state.ts'
import { matcher } from '../../../src/alerting/core/matcher.ts'
import { instantFromNanos, ZERO_TIME_NS } from '../../../src/alerting/core/nanos.ts'
import type { Silence } from '../../../src/alerting/core/silence.ts'
import { encodeSilence } from '../../../src/alerting/core/silence-codec.ts'
import { Silences } from '../../../src/alerting/silences.ts'
import { ByteWriter, utf8Encode } from '../../../src/base/bytes.ts'
import { seededRandom } from '../../../src/base/random.ts'
import type { Delta } from '../../../src/store/core/delta.ts'
import { ReplicaState } from '../../../src/store/core/replica-state.ts'
import { memoryRecords } from '../../support/memory-records.ts'
import { memorySyncStore } from '../../support/memory-sync-store.ts'
import { aSilence, NOW_MS, NOW_NS, silenceMessage } from '../../support/silences.ts'

const ALL = { filters: [], states: new Set(['active', 'pending', 'expired'] as const) }
const YEAR_2096_NS = 4_000_000_000_000_000_000n
const YEAR_2300_NS = 10_413_792_000_000_000_000n

function setup() {
  const state = new ReplicaState()
  const records = memoryRecords()
  const dropped: string[] = []
  const heldBack: (readonly [id: string, reason: string])[] = []
  const join = (delta: Delta): Delta => {
    const { effective } = state.join(delta, NOW_MS)
    records.merge(effective.records)
    return effective
  }
  const delegate = new AlertmanagerDelegate({
    name: 'self',
    random: seededRandom(1),
    schedule: () => undefined,
    wallMs: () => NOW_MS,
    requestExchange: () => undefined,
    store: memorySyncStore(state, NOW_MS, { join }),
    records,
    broadcaster: { broadcast: () => undefined, sendReliable: () => undefined, members: () => [] },
    note: () => undefined,
    dropped: (reason) => void dropped.push(reason),
  })
  let ids = 0
  const silences = new Silences(
    records,
    { monotonicMs: () => NOW_MS, wallMs: () => NOW_MS },
    {
      retentionMs: 1000,
      newId: () => `id-${++ids}`,
      quarantined: ({ id, reason }) => void heldBack.push([id, reason]),
    },
  )
  return { delegate, silences, records, dropped, heldBack }
}

type Rig = ReturnType<typeof setup>

function part(...silences: readonly Uint8Array[]): Uint8Array {
  const data = new ByteWriter()
  for (const bytes of silences) data.bytes(bytes)
  return toBinary(PartSchema, create(PartSchema, { key: 'sil', data: data.finish() }))
}

const WAYS: Readonly<Record<string, (rig: Rig, silences: readonly Uint8Array[]) => void>> = {
  'a broadcast': ({ delegate }, silences) => delegate.userMessage(part(...silences)),
  'a push-pull': ({ delegate }, silences) => {
    const data = new ByteWriter()
    for (const bytes of silences) data.bytes(bytes)
    const parts = [create(PartSchema, { key: 'sil', data: data.finish() })]
    const state = toBinary(FullStateSchema, create(FullStateSchema, { parts }))
    delegate.mergeRemoteState(state, { join: true, remoteState: undefined, peer: 'am', peerClass: 'foreign' })
  },
  'a private frame': ({ delegate }, silences) => {
    const record = (bytes: Uint8Array) => ({ versionNs: NOW_NS, bytes, expiresAtMs: NOW_MS + 1e9 })
    const puts = silences.map((bytes, i) => ({ table: SILENCE_TABLE, key: `${i}`, record: record(bytes) }))
    delegate.receive({ puts: [], adds: [], covered: [], records: puts })
  },
}

function bytesOf(parts: Partial<Silence>): Uint8Array {
  return encodeSilence(aSilence({ id: 'bad', ...parts })).bytes
}

function withMatcher(type: number, pattern: string): Uint8Array {
  return bytesOf({ matcherSets: [[{ type, name: 'job', pattern }]] })
}

/** With two bytes of its comment that no text has. */
function notUtf8(): Uint8Array {
  const bytes = bytesOf({ comment: '@@' })
  return bytes.map((byte) => (byte === 0x40 ? 0xff : byte))
}

function withoutMatchers(): Uint8Array {
  return toBinary(MeshSilenceSchema, silenceMessage({ id: 'bad', matchers: [] }))
}

/** What is wrong, the record, and what becomes of it: `quarantined`, or the reason for which it is dropped. */
const BAD: readonly (readonly [what: string, bytes: Uint8Array, fate: string])[] = [
  ['a pattern that does not close', withMatcher(1, '(('), 'quarantined'],
  ['a pattern for another engine', withMatcher(1, '(?=x)'), 'quarantined'],
  ['a quotation that swallows what follows', withMatcher(1, 'a\\Qb'), 'quarantined'],
  ['a negative pattern that does not close', withMatcher(3, '['), 'quarantined'],
  ['a pattern of 1 MiB', withMatcher(1, 'a|'.repeat(2 ** 19)), 'quarantined'],
  ['a pattern that grows to 1 MiB', withMatcher(1, 'a{1000}'.repeat(1000)), 'quarantined'],
  ['a type of the future', withMatcher(7, 'api'), 'quarantined'],
  ['no matchers', withoutMatchers(), 'quarantined'],
  [
    'an empty set beside a good one',
    bytesOf({ matcherSets: [[matcher('job', '=', 'api')], []] }),
    'quarantined',
  ],
  ['matchers for every alert', withMatcher(1, '.*'), 'quarantined'],
  ['a start in year 1', bytesOf({ startsAtNs: ZERO_TIME_NS }), 'quarantined'],
  ['an end in year 1', bytesOf({ startsAtNs: ZERO_TIME_NS, endsAtNs: ZERO_TIME_NS }), 'quarantined'],
  ['a stamp of year 1', bytesOf({ updatedAtNs: ZERO_TIME_NS }), 'INSTANT_INVALID'],
  ['a stamp of year 2300', bytesOf({ updatedAtNs: YEAR_2300_NS }), 'INSTANT_INVALID'],
  [
    'a year 10,000',
    toBinary(
      MeshSilenceSchema,
      silenceMessage({ id: 'bad', endsAt: instantFromNanos(253_402_300_800_000_000_000n) }),
    ),
    'INSTANT_INVALID',
  ],
  [
    'no silence in it',
    toBinary(MeshSilenceSchema, create(MeshSilenceSchema, { expiresAt: instantFromNanos(NOW_NS * 2n) })),
    'RECORD_EMPTY',
  ],
  ['nothing in it', new Uint8Array(0), 'RECORD_EMPTY'],
  ['no id', bytesOf({ id: '' }), 'IDENTITY_INVALID'],
  ['an id of 4,097 bytes', bytesOf({ id: 'x'.repeat(4097) }), 'IDENTITY_INVALID'],
  ['text that is not UTF-8', notUtf8(), 'RECORD_MALFORMED'],
  ['half a record', bytesOf({}).subarray(0, 40), 'RECORD_MALFORMED'],
  ['more than 4 MiB', bytesOf({ comment: 'x'.repeat(2 ** 22) }), 'RECORD_TOO_LARGE'],
]

function shownIds({ quarantine }: Silences): string[] {
  return quarantine.view().silences.map(({ id }) => id)
}

describe.each(Object.entries(WAYS))('a silence that comes by %s', (_way, deliver) => {
  it.each(BAD)('with %s harms no other', (what, bytes, fate) => {
    const rig = setup()
    const good = (id: string) => bytesOf({ id })
    deliver(rig, [good('before')])
    deliver(rig, [good('first'), bytes, good('last')])
    const { silences, dropped, delegate } = rig
    expect(silences.matching({ job: 'api' })).toEqual(['before', 'first', 'last'])
    expect(silences.matching({ job: 'x' })).toEqual([])
    expect(silences.query(ALL).map(({ id }) => id)).toEqual(['before', 'first', 'last'])
    expect(silences.counts()).toEqual({ active: 3, pending: 0, expired: 0 })
    // One that has ended is not in force, nor is it shown.
    const inForce = fate === 'quarantined' && what !== 'an end in year 1'
    expect(shownIds(silences)).toEqual(inForce ? ['bad'] : [])
    expect(dropped).toEqual(fate === 'quarantined' ? [] : [fate])
    // And an Alertmanager is not told of it, unless it has ended and so can do no harm but undo some.
    const told = delegate.localState({
      join: false,
      remoteState: undefined,
      peer: 'am',
      peerClass: 'foreign',
    })
    const ended = what === 'an end in year 1' ? ['bad'] : []
    expect(decodeForeignState(told).puts.map(({ key }) => key)).toEqual(['before', 'first', 'last', ...ended])
  })

  it('and is held back is told once for each version, however often it comes', () => {
    const rig = setup()
    for (let i = 0; i < 3; i++) deliver(rig, [bytesOf({ id: 'good' }), withMatcher(1, '((')])
    expect(rig.heldBack).toEqual([['bad', expect.stringContaining('missing closing )')]])
    deliver(rig, [bytesOf({ updatedAtNs: NOW_NS + 1n, matcherSets: [[matcher('job', '=~', '.*')]] })])
    expect(rig.heldBack.slice(1)).toEqual([['bad', expect.stringContaining('must not match the empty')]])
  })

  it('and has expired already is not taken, as one of year 1', () => {
    const rig = setup()
    deliver(rig, [bytesOf({ expiresAtNs: ZERO_TIME_NS }), bytesOf({ id: 'good' })])
    expect(rig.silences.matching({ job: 'api' })).toEqual(['good'])
    expect(shownIds(rig.silences)).toEqual([])
  })

  it('from the year 2096 mutes, and can be ended, here and in Alertmanagers', async () => {
    const rig = setup()
    deliver(rig, [bytesOf({ updatedAtNs: YEAR_2096_NS }), bytesOf({ id: 'good' })])
    expect(rig.silences.matching({ job: 'api' })).toEqual(['bad', 'good'])
    await rig.silences.expire('bad')
    // An Alertmanager takes what is newer by as little as a nanosecond.
    expect(rig.silences.get('bad')).toMatchObject({ endsAtNs: NOW_NS, updatedAtNs: YEAR_2096_NS + 1n })
    // It comes back from a peer that has not heard, and stays ended.
    deliver(rig, [bytesOf({ updatedAtNs: YEAR_2096_NS })])
    expect(rig.silences.get('bad')?.endsAtNs).toBe(NOW_NS)
  })

  it('several times in one message is the newest of them, wherever that stands', () => {
    const versions = [1n, 3n, 2n].map((stamp) =>
      bytesOf({ updatedAtNs: NOW_NS + stamp, comment: `${stamp}` }),
    )
    const rig = setup()
    deliver(rig, [...versions, bytesOf({ id: 'good' })])
    expect(rig.silences.query(ALL).map(({ id, comment }) => [id, comment])).toEqual([
      ['bad', '3'],
      ['good', 'swap'],
    ])
  })

  it('and is bad as an edit of a good one leaves the good one in force, until an end comes', async () => {
    const rig = setup()
    deliver(rig, [bytesOf({})])
    deliver(rig, [bytesOf({ updatedAtNs: NOW_NS + 1n, matcherSets: [[matcher('job', '=~', '((')]] })])
    expect(rig.silences.matching({ job: 'api' })).toEqual(['bad'])
    await rig.silences.expire('bad')
    expect(rig.silences.counts()).toMatchObject({ active: 1 })
    expect(rig.silences.get('bad')?.endsAtNs).toBe(NOW_NS)
  })
})

describe('a message', () => {
  it('of which the end is missing loses what is cut, and nothing before it', () => {
    const rig = setup()
    const whole = part(bytesOf({ id: 'a' }), bytesOf({ id: 'b' }))
    const data = new ByteWriter().bytes(bytesOf({ id: 'a' })).finish()
    const cut = create(PartSchema, { key: 'sil', data: Uint8Array.of(...data, 200, 1, 10) })
    rig.delegate.userMessage(toBinary(PartSchema, cut))
    rig.delegate.userMessage(whole.subarray(0, whole.length - 1))
    expect(rig.silences.matching({ job: 'api' })).toEqual(['a'])
    expect(rig.dropped).toEqual(['LIST_TRUNCATED', 'PART_MALFORMED'])
  })

  it('of another kind altogether is nothing', () => {
    const rig = setup()
    for (const text of ['', 'GET / HTTP/1.1\r\n\r\n', '\u0000', '{"a":1}'])
      rig.delegate.userMessage(utf8Encode(text))
    expect(rig.silences.query(ALL)).toEqual([])
  })
})
