/** Items 6, 9 and 13-36 of the checklist that need the clock in hand: rules, merging, sweeping and matching of silences. */
import { fromBinary, toBinary } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import { QUARANTINE_TABLE, SILENCE_TABLE } from '../../src/alerting/core/admission.ts'
import { MeshSilenceSchema, PartSchema } from '../../src/alerting/core/alertmanager_pb.ts'
import { matcher } from '../../src/alerting/core/matcher.ts'
import { ZERO_TIME_NS } from '../../src/alerting/core/nanos.ts'
import { type Silence, silenceState } from '../../src/alerting/core/silence.ts'
import { encodeSilence } from '../../src/alerting/core/silence-codec.ts'
import type { SilenceRequest } from '../../src/alerting/core/silence-rules.ts'
import { ByteReader } from '../../src/base/bytes.ts'
import { aRequest, aSilence, HOUR_NS, NOW_NS, silenceMessage } from '../support/silences.ts'
import { tempDir } from '../support/temp-dir.ts'
import { openStateRig, RETENTION_MS, type StateRig, silencesOf } from './state-rig.ts'

const ALL = { filters: [], states: new Set(['active', 'pending', 'expired'] as const) }
const RETENTION_NS = BigInt(RETENTION_MS) * 1_000_000n
const MINUTE_MS = 60_000
const MS_NS = 1_000_000n
const API = { job: 'api' }

function bytesOf(silence: Silence): Uint8Array {
  return encodeSilence(silence).bytes
}

/** Bytes of its record without the copy of the matchers for older releases. */
function sizeOf(silence: Silence): number {
  const message = fromBinary(MeshSilenceSchema, bytesOf(silence))
  if (message.silence !== undefined) message.silence.matchers = []
  return toBinary(MeshSilenceSchema, message).length
}

function ids(rig: StateRig): readonly string[] {
  return rig.silences
    .query(ALL)
    .map(({ id }) => id)
    .sort((a, b) => (a < b ? -1 : 1))
}

/** An active silence of the past hour that came from a peer, and an edit of it. */
async function editing(rig: StateRig, change: Partial<SilenceRequest>): Promise<string> {
  const old = aSilence({ id: 'old' })
  rig.merge('sil', bytesOf(old))
  return rig.silences.create(
    aRequest({ id: 'old', startsAtNs: old.startsAtNs, endsAtNs: old.endsAtNs, ...change }),
  )
}

describe('hearsay', () => {
  it('item 6: what replicas remember a silence by moves with its end', async () => {
    const rig = await openStateRig()
    const id = await rig.silences.create(aRequest({ endsAtNs: NOW_NS + HOUR_NS }))
    expect(rig.stored(id).expiresAtNs).toBe(NOW_NS + HOUR_NS + RETENTION_NS)
    rig.clock.nowMs += 1
    await rig.silences.create(aRequest({ id, startsAtNs: NOW_NS, endsAtNs: NOW_NS + 5n * HOUR_NS }))
    expect(rig.stored(id)).toMatchObject({
      endsAtNs: NOW_NS + 5n * HOUR_NS,
      expiresAtNs: NOW_NS + 5n * HOUR_NS + RETENTION_NS,
    })
  })

  it('item 9: an active silence may be edited to end now, but not before', async () => {
    const rig = await openStateRig()
    await expect(editing(rig, { endsAtNs: NOW_NS - 1n })).rejects.toMatchObject({ code: 'SILENCE_INVALID' })
    expect(rig.stored('old')).toMatchObject({ endsAtNs: NOW_NS + HOUR_NS, updatedAtNs: NOW_NS - HOUR_NS })
    expect(await editing(rig, { endsAtNs: NOW_NS })).toBe('old')
    expect(rig.stored('old').endsAtNs).toBe(NOW_NS)
    expect(ids(rig)).toEqual(['old'])
  })

  it('item 13: an edit that is refused leaves the old silence as it was', async () => {
    const rig = await openStateRig()
    for (const change of [
      { endsAtNs: ZERO_TIME_NS },
      { matchers: [] },
      { matchers: [matcher('a', '=~', '((')] },
    ]) {
      await expect(editing(rig, change)).rejects.toMatchObject({ code: 'SILENCE_INVALID' })
    }
    expect(bytesOf(rig.stored('old'))).toEqual(bytesOf(aSilence({ id: 'old' })))
    expect(rig.silences.matching(API)).toEqual(['old'])
  })

  it('item 14: one silence too many is refused by numbers, until an ended one has been swept', async () => {
    const rig = await openStateRig({ retentionMs: MINUTE_MS, limits: { silencesMax: 1 } })
    const endsAtNs = NOW_NS + 60_000n * MS_NS
    const id = await rig.silences.create(aRequest({ endsAtNs }))
    const full = { code: 'SILENCES_MAX', message: 'exceeded maximum number of silences: 1 (limit: 1)' }
    await expect(rig.silences.create(aRequest())).rejects.toMatchObject(full)
    await rig.silences.expire(id)
    await expect(rig.silences.create(aRequest())).rejects.toMatchObject(full)
    await rig.sweepAfter(3 * MINUTE_MS)
    const next = await rig.silences.create(aRequest())
    expect(ids(rig)).toEqual([next])
  })

  it('item 15: at the limit an edit in place is allowed; a replacement is refused and the old silence stays', async () => {
    const rig = await openStateRig({ limits: { silencesMax: 1 } })
    expect(await editing(rig, { comment: 'in place' })).toBe('old')
    rig.clock.nowMs += 1
    const old = bytesOf(rig.stored('old'))
    const replacing = editing(rig, { matchers: [matcher('job', '=', 'db')] })
    await expect(replacing).rejects.toMatchObject({ code: 'SILENCES_MAX' })
    expect(bytesOf(rig.stored('old'))).toEqual(old)
    expect(rig.silences.matching(API)).toEqual(['old'])
    rig.merge('sil', bytesOf(aSilence({ id: 'merged' })))
    expect(ids(rig)).toEqual(['merged', 'old'])
  })

  it('item 16: what is too large is refused by numbers, whether new, edited or replacing; the old silence stays', async () => {
    const small = aSilence({ id: 'old' })
    const silenceBytesMax = sizeOf({ ...small, comment: 'x'.repeat(64) })
    const rig = await openStateRig({ limits: { silenceBytesMax } })
    const comment = 'x'.repeat(200)
    const kept = { startsAtNs: NOW_NS - HOUR_NS, endsAtNs: NOW_NS + HOUR_NS }
    // What is refused is as it would have been stored: now, with an id of 36 characters where it is new.
    const stamped = { ...kept, comment, updatedAtNs: NOW_NS }
    const expiresAtNs = kept.endsAtNs + RETENTION_NS
    const fresh = { id: '-'.repeat(36), startsAtNs: NOW_NS, expiresAtNs }
    const matchers = [matcher('job', '=', 'other')]
    const refusal = (bytes: number) => ({
      code: 'SILENCE_TOO_LARGE',
      message: `silence exceeded maximum size: ${bytes} bytes (limit: ${silenceBytesMax} bytes)`,
    })
    await expect(rig.silences.create(aRequest({ comment }))).rejects.toMatchObject(
      refusal(sizeOf(aSilence({ ...stamped, ...fresh }))),
    )
    await expect(editing(rig, { comment })).rejects.toMatchObject(
      refusal(sizeOf(aSilence({ id: 'old', ...stamped, expiresAtNs: NOW_NS + 121n * HOUR_NS }))),
    )
    await expect(editing(rig, { comment, matchers })).rejects.toMatchObject(
      refusal(sizeOf(aSilence({ ...stamped, ...fresh, matcherSets: [matchers] }))),
    )
    expect(bytesOf(rig.stored('old'))).toEqual(bytesOf(small))
    expect(ids(rig)).toEqual(['old'])
  })

  it('item 17: without limits a comment of 1 KiB is fine', async () => {
    const rig = await openStateRig()
    const id = await rig.silences.create(aRequest({ comment: 'x'.repeat(1024) }))
    expect(rig.stored(id).comment).toHaveLength(1024)
  })

  it.each([0, RETENTION_MS])(
    'item 19: after an end the counts are 0, 0, n one tick later, with retention %i ms',
    async (retentionMs) => {
      const rig = await openStateRig({ retentionMs })
      const [active, pending] = [
        await rig.silences.create(aRequest()),
        await rig.silences.create(aRequest({ startsAtNs: NOW_NS + MS_NS })),
      ]
      expect(rig.silences.counts()).toEqual({ active: 1, pending: 1, expired: 0 })
      await rig.silences.expire(active)
      await rig.silences.expire(pending)
      rig.clock.nowMs += 1
      expect(rig.silences.counts()).toEqual({ active: 0, pending: 0, expired: 2 })
    },
  )

  it('item 20: a silence that is stored and not valid can be ended', async () => {
    const rig = await openStateRig()
    // Of the two the second is valid once its matcher is one that can be listed.
    for (const [id, type, pattern, table] of [
      ['bad', 1, '((', QUARANTINE_TABLE],
      ['newer', 333, 'b', SILENCE_TABLE],
    ] as const) {
      rig.merge('sil', bytesOf(aSilence({ id, matcherSets: [[{ type, name: 'a', pattern }]] })))
      expect(rig.silences.quarantine.view().silences.map((held) => held.id)).toContain(id)
      await rig.silences.expire(id)
      const record = rig.store.records.get(table, id)
      const ended = fromBinary(MeshSilenceSchema, record?.bytes ?? new Uint8Array(0)).silence
      expect(ended?.endsAt?.seconds).toBe(NOW_NS / 1_000_000_000n)
    }
  })

  it('item 21: at its start a silence is active, at its end still, and matches between', async () => {
    const rig = await openStateRig()
    const silence = aSilence({ startsAtNs: NOW_NS + 5n * MS_NS, endsAtNs: NOW_NS + 7n * MS_NS })
    rig.merge('sil', bytesOf(silence))
    const seen: unknown[] = []
    for (const afterMs of [4, 5, 7, 8]) {
      rig.clock.nowMs = Number(NOW_NS / MS_NS) + afterMs
      const state = silenceState(silence, NOW_NS + BigInt(afterMs) * MS_NS)
      seen.push([state, rig.silences.matching(API).length])
    }
    expect(seen).toEqual([
      ['pending', 0],
      ['active', 1],
      ['active', 1],
      ['expired', 0],
    ])
    expect(silenceState(silence, silence.endsAtNs + 1n)).toBe('expired')
  })

  it('item 22: the store takes equal start and end and a start that is not set, and nothing else that is odd', async () => {
    const rig = await openStateRig()
    await rig.silences.create(aRequest({ startsAtNs: NOW_NS, endsAtNs: NOW_NS }))
    await rig.silences.create(aRequest({ startsAtNs: ZERO_TIME_NS }))
    const everything = 'matcher set 0: at least one matcher must not match the empty string'
    const refusals: readonly (readonly [Partial<SilenceRequest>, string])[] = [
      [{ matchers: [] }, 'matcher set 0 is empty'],
      [{ matchers: [matcher('', '=', 'b')] }, 'invalid label matcher 0 in set 0: invalid label name ""'],
      [{ matchers: [matcher('a', '=', '')] }, everything],
      [{ matchers: [matcher('b', '=~', '.*')] }, everything],
      [{ matchers: [matcher('a', '=', ''), matcher('b', '=~', '.*')] }, everything],
      [{ startsAtNs: NOW_NS + HOUR_NS, endsAtNs: NOW_NS }, 'end time must not be before start time'],
      [{ endsAtNs: ZERO_TIME_NS }, 'invalid zero end timestamp'],
    ]
    for (const [change, fault] of refusals) {
      await expect(rig.silences.create(aRequest(change))).rejects.toThrow(`invalid silence: ${fault}`)
    }
    expect(ids(rig)).toHaveLength(2)
  })

  it('item 23: text that is not UTF-8, bad patterns and unknown types are refused, here and from peers', async () => {
    const rig = await openStateRig()
    const cases = [
      [matcher('a', '=', '\ud800'), 'invalid label value'],
      [matcher('a', '=~', '(('), 'invalid regular expression'],
      [matcher('a', '=~', '))'), 'invalid regular expression'],
      [{ type: 333, name: 'a', pattern: 'b' }, 'unknown matcher type "333"'],
    ] as const
    for (const [of, fault] of cases) {
      await expect(rig.silences.create(aRequest({ matchers: [of] }))).rejects.toThrow(fault)
    }
    for (const name of ['00', '🙂'])
      await rig.silences.create(aRequest({ matchers: [matcher(name, '=', 'b')] }))
    const text = toBinary(
      MeshSilenceSchema,
      silenceMessage({ matchers: [{ type: 0, name: 'a', pattern: '@@' }] }),
    )
    const broken = text.map((byte) => (byte === 0x40 ? 0xff : byte))
    rig.merge('sil', broken)
    expect(rig.dropped).toEqual(['RECORD_MALFORMED'])
    expect(ids(rig)).toHaveLength(2)
  })

  it('item 24: merging adds what is new, takes the newer version, and nothing that is older or has expired', async () => {
    const rig = await openStateRig()
    const held = aSilence({ id: 'a', updatedAtNs: NOW_NS, comment: 'held' })
    rig.merge('sil', bytesOf(held))
    rig.merge('sil', bytesOf({ ...held, updatedAtNs: NOW_NS - 1n, comment: 'older' }))
    expect(rig.stored('a').comment).toBe('held')
    rig.merge('sil', bytesOf({ ...held, updatedAtNs: NOW_NS + 1n, comment: 'newer' }))
    expect(rig.stored('a').comment).toBe('newer')
    rig.merge(
      'sil',
      bytesOf(aSilence({ id: 'gone', endsAtNs: NOW_NS - HOUR_NS, expiresAtNs: NOW_NS - MS_NS })),
    )
    expect(ids(rig)).toEqual(['a'])
    rig.merge('sil', bytesOf(aSilence({ id: 'last', expiresAtNs: NOW_NS })))
    expect(ids(rig)).toEqual(['a', 'last'])
  })

  it('item 24: of two records of one version all replicas keep the same, whatever came first', async () => {
    const [one, two] = [await openStateRig(), await openStateRig()]
    const ties = ['x', 'y'].map((comment) => bytesOf(aSilence({ id: 'a', comment })))
    for (const bytes of ties) one.merge('sil', bytes)
    for (const bytes of [...ties].reverse()) two.merge('sil', bytes)
    expect(one.stored('a').comment).toBe(two.stored('a').comment)
  })

  it('item 25: a record without a silence is refused, and its neighbours are taken', async () => {
    const rig = await openStateRig()
    const empty = toBinary(MeshSilenceSchema, { ...silenceMessage({}), silence: undefined })
    rig.merge('sil', bytesOf(aSilence({ id: 'a' })), empty, bytesOf(aSilence({ id: 'b' })))
    expect(ids(rig)).toEqual(['a', 'b'])
    expect(rig.dropped).toEqual(['RECORD_EMPTY'])
  })

  it('item 28: a broadcast is one part of one silence after its length, old matcher field and expiry included', async () => {
    const rig = await openStateRig()
    const id = await rig.silences.create(aRequest({ matchers: [matcher('job', '=', 'api')] }))
    const [told, ...others] = rig.broadcasts.filter(({ audience }) => audience === 'foreign')
    expect(others).toEqual([])
    const { key, data } = fromBinary(PartSchema, told?.payload ?? new Uint8Array(0))
    expect(key).toBe('sil')
    const reader = new ByteReader(data)
    const record = reader.bytes()
    expect(reader.remaining).toBe(0)
    expect(record).toEqual(rig.store.records.get(SILENCE_TABLE, id)?.bytes)
    const message = fromBinary(MeshSilenceSchema, record)
    expect(message.silence?.matchers).toMatchObject([{ type: 0, name: 'job', pattern: 'api' }])
    expect(message.silence?.matcherSets).toHaveLength(1)
    expect(message.expiresAt?.seconds).toBe((NOW_NS + HOUR_NS + RETENTION_NS) / 1_000_000_000n)
  })

  it('item 28: so is that of an edit and of an end, also where the record has fields we do not know', async () => {
    const rig = await openStateRig()
    const id = await rig.silences.create(aRequest())
    const unknown = silenceMessage({ id: 'newer' })
    if (unknown.silence !== undefined) {
      unknown.silence.$unknown = [{ no: 13, wireType: 2, data: Uint8Array.of(2, 10, 0) }]
    }
    rig.merge('sil', toBinary(MeshSilenceSchema, unknown))
    for (const of of [id, 'newer']) {
      rig.clock.nowMs += 1
      const { startsAtNs } = rig.stored(of)
      await rig.silences.create(aRequest({ id: of, startsAtNs, comment: 'edited' }))
      rig.clock.nowMs += 1
      await rig.silences.expire(of)
    }
    const told = rig.broadcasts
      .filter(({ audience }) => audience === 'foreign')
      .map(({ payload }) => fromBinary(PartSchema, payload).data)
      .map((data) => fromBinary(MeshSilenceSchema, new ByteReader(data).bytes()).silence)
    expect(told.map((silence) => silence?.id)).toEqual([id, 'newer', id, id, 'newer', 'newer'])
    for (const silence of told) {
      expect(silence?.matchers).toMatchObject([{ name: 'job', pattern: 'api' }])
      expect(silence?.matchers).toEqual(silence?.matcherSets[0]?.matchers)
    }
    expect(told.at(-1)?.$unknown).toEqual(unknown.silence?.$unknown)
  })

  it('item 29: what was acknowledged is there after a restart, to the byte', async () => {
    const path = tempDir()
    const first = await openStateRig({ path })
    first.merge('sil', bytesOf(aSilence({ id: 'merged', annotations: new Map([['team', 'x']]) })))
    const id = await first.silences.create(aRequest())
    const held = ['merged', id].map((of) => first.store.records.get(SILENCE_TABLE, of)?.bytes)
    await first.store.close()
    const second = await openStateRig({ path })
    expect(['merged', id].map((of) => second.store.records.get(SILENCE_TABLE, of)?.bytes)).toEqual(held)
    expect(ids(second)).toEqual(['merged', id].sort((a, b) => (a < b ? -1 : 1)))
  })

  it('item 31: a sweep drops what has expired, from the list and from matching, and keeps the rest', async () => {
    const rig = await openStateRig()
    const expiring = (id: string, ns: bigint) => bytesOf(aSilence({ id, expiresAtNs: NOW_NS + ns }))
    rig.merge(
      'sil',
      expiring('soon', HOUR_NS / 60n),
      expiring('later', HOUR_NS),
      expiring('never', 500n * HOUR_NS),
    )
    const neverSet = toBinary(MeshSilenceSchema, { ...silenceMessage({ id: 'unset' }), expiresAt: undefined })
    rig.merge('sil', neverSet)
    expect(rig.store.status().records).toBe(3)
    await rig.sweepAfter(2 * MINUTE_MS)
    expect(rig.store.status().records).toBe(2)
    expect(ids(rig)).toEqual(['later', 'never'])
    expect(rig.silences.matching(API)).toEqual(['later', 'never'])
  })

  it('item 31: replacing and editing leave nothing behind once all has expired', async () => {
    const rig = await openStateRig({ retentionMs: MINUTE_MS })
    let id = await rig.silences.create(aRequest())
    for (let round = 0; round < 5; round++) {
      rig.clock.nowMs += 1
      const { startsAtNs, matcherSets } = rig.stored(id)
      const matchers = matcherSets[0] ?? []
      id = await rig.silences.create(aRequest({ id, matchers, startsAtNs, comment: `round ${round}` }))
      rig.clock.nowMs += 1
      id = await rig.silences.create(aRequest({ id, matchers: [matcher('job', '=', `api-${round}`)] }))
    }
    expect(rig.store.status().records).toBe(6)
    await rig.silences.expire(id)
    // Each is remembered as long as any version of it asked for: an hour, and a minute of retention.
    await rig.sweepAfter(60 * MINUTE_MS)
    expect(rig.store.status().records).toBe(6)
    await rig.sweepAfter(2 * MINUTE_MS)
    expect(rig.store.status().records).toBe(0)
    expect(rig.silences.counts()).toEqual({ active: 0, pending: 0, expired: 0 })
    expect(ids(rig)).toEqual([])
  })

  it('item 32: with an hour of retention, ends at 30, 45 and 60 minutes are swept at 90, 105 and 120', async () => {
    const rig = await openStateRig({ retentionMs: 60 * MINUTE_MS })
    for (const minutes of [30n, 45n, 60n]) {
      for (const job of ['a', 'b']) {
        const endsAtNs = NOW_NS + minutes * 60_000n * MS_NS
        await rig.silences.create(aRequest({ matchers: [matcher('job', '=', job)], endsAtNs }))
      }
    }
    const left: number[] = []
    for (const minutes of [89, 91, 104, 106, 119, 121]) {
      await rig.sweepAfter(minutes * MINUTE_MS - (rig.clock.nowMs - Number(NOW_NS / MS_NS)))
      left.push(rig.store.status().records)
    }
    expect(left).toEqual([6, 4, 4, 2, 2, 0])
    expect(ids(rig)).toEqual([])
  })

  it('item 35: an alert is matched by what holds now, whether by a write, a merge, an end or by time', async () => {
    const rig = await openStateRig()
    expect(rig.silences.matching(API)).toEqual([])
    const id = await rig.silences.create(aRequest())
    expect(rig.silences.matching(API)).toEqual([id])
    rig.merge('sil', bytesOf(aSilence({ id: 'merged' })))
    expect(rig.silences.matching(API)).toEqual([id, 'merged'].sort((a, b) => (a < b ? -1 : 1)))
    expect(rig.silences.matching({ job: 'db' })).toEqual([])
    await rig.silences.expire(id)
    rig.clock.nowMs += 1
    expect(rig.silences.matching(API)).toEqual(['merged'])
    rig.merge('sil', bytesOf(aSilence({ id: 'later', startsAtNs: NOW_NS + 10n * MS_NS })))
    expect(rig.silences.matching(API)).toEqual(['merged'])
    rig.clock.nowMs += 10
    expect(rig.silences.matching(API)).toEqual(['later', 'merged'])
    expect(silencesOf(rig).matching(API)).toEqual(['later', 'merged'])
  })

  it('item 36: annotations travel to peers and back, and an edit without them clears them', async () => {
    const [one, two] = [await openStateRig(), await openStateRig()]
    const annotations = new Map([['team', 'x']])
    const id = await one.silences.create(aRequest({ annotations }))
    two.merge('sil', bytesOf(one.stored(id)))
    expect(two.stored(id).annotations).toEqual(annotations)
    one.clock.nowMs += 1
    await one.silences.create(aRequest({ id, startsAtNs: NOW_NS }))
    two.merge('sil', bytesOf(one.stored(id)))
    expect(two.stored(id).annotations.size).toBe(0)
  })
})
