import { create, toBinary } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { QUARANTINE_TABLE, SILENCE_TABLE } from '../../../src/alerting/core/admission.ts'
import { FullStateSchema, MeshSilenceSchema, PartSchema } from '../../../src/alerting/core/alertmanager_pb.ts'
import {
  coalesceForeignParts,
  decodeForeignPart,
  decodeForeignState,
  encodeForeignPart,
  encodeForeignState,
  FOREIGN_FAULTS_MAX,
  hearsayFrameOf,
} from '../../../src/alerting/core/foreign-state.ts'
import { instantFromNanos } from '../../../src/alerting/core/nanos.ts'
import { encodeSilence, silenceFromRecord } from '../../../src/alerting/core/silence-codec.ts'
import { ByteWriter } from '../../../src/base/bytes.ts'
import type { ForeignRecord, RecordPut } from '../../../src/store/core/delta.ts'
import {
  fromHex,
  GOLDEN_NOTIFICATION,
  GOLDEN_SILENCE_ID,
  GOLDEN_SILENCE_LIST,
} from '../../support/golden-alertmanager.ts'
import { aSilence, HOUR_NS, NOW_NS, silenceMessage } from '../../support/silences.ts'

const NO_FRAME = new Uint8Array(0)

function listOf(...records: readonly Uint8Array[]): Uint8Array {
  const writer = new ByteWriter()
  for (const record of records) writer.bytes(record)
  return writer.finish()
}

function partOf(key: string, data: Uint8Array): Uint8Array {
  return toBinary(PartSchema, create(PartSchema, { key, data }))
}

/** A state of parts given as bytes, so that they may be wrong. */
function stateOf(...parts: readonly Uint8Array[]): Uint8Array {
  const writer = new ByteWriter()
  for (const part of parts) writer.u8(0x0a).bytes(part)
  return writer.finish()
}

function wire(inner: Parameters<typeof silenceMessage>[0]): Uint8Array {
  return toBinary(MeshSilenceSchema, silenceMessage(inner))
}

function tablesOf(puts: readonly RecordPut[]) {
  return (table: string): (readonly [string, ForeignRecord])[] =>
    puts.filter((put) => put.table === table).map((put) => [put.key, put.record] as const)
}

const LEFT = wire({ id: 'left' })
const RIGHT = wire({ id: 'right' })

function withField12(...content: readonly number[]): Uint8Array {
  const message = silenceMessage({})
  const data = Uint8Array.of(content.length, ...content)
  if (message.silence !== undefined) message.silence.$unknown = [{ no: 12, wireType: 2, data }]
  return toBinary(MeshSilenceSchema, message)
}

describe('a poisonous record leaves its neighbours merged', () => {
  const bad = (type: number, name: string, pattern: string) => ({ matchers: [{ type, name, pattern }] })
  const quarantined: readonly (readonly [string, Parameters<typeof silenceMessage>[0]])[] = [
    ['a pattern that does not compile', bad(1, 'a', '((')],
    ['a look-ahead', bad(1, 'a', '(?=a)')],
    ['a group that only newer Go names', bad(3, 'a', '(?<n>a)')],
    ['an over-long pattern', bad(1, 'a', 'x'.repeat(16_385))],
    ['a pattern that costs too much', bad(1, 'a', '(x{1000})'.repeat(10))],
    ['a matcher type of the future', bad(7, 'a', 'b')],
    ['a negative matcher type', bad(-1, 'a', 'b')],
    ['no matchers', { matchers: [] }],
    ['an empty set', { matchers: [], matcherSets: [{ matchers: [] }] }],
    ['matchers that hold for absent labels', bad(0, 'a', '')],
    ['an empty name', bad(0, '', 'x')],
    ['an end before its start', { endsAt: instantFromNanos(NOW_NS - 2n * HOUR_NS) }],
    ['a start in the year 1', { startsAt: { seconds: -62_135_596_800n, nanos: 0 } }],
  ]
  it.each(quarantined)('quarantined: %s', (_name, inner) => {
    const state = decodeForeignState(
      stateOf(partOf('sil', listOf(LEFT, wire({ id: 'bad', ...inner }), RIGHT))),
    )
    expect(state.puts.map(({ table, key }) => [table, key])).toEqual([
      [SILENCE_TABLE, 'left'],
      [QUARANTINE_TABLE, 'bad'],
      [SILENCE_TABLE, 'right'],
    ])
    expect(state.faults.size).toBe(0)
  })

  it('is not judged again where it is held with the same bytes', () => {
    const matcherSets = [[{ type: 1, name: 'a', pattern: '((' }]]
    const record = encodeSilence(aSilence({ id: 'bad', matcherSets }))
    const state = stateOf(partOf('sil', listOf(record.bytes, RIGHT)))
    const held = (table: string, key: string) =>
      table === QUARANTINE_TABLE && key === 'bad' ? record : undefined
    expect(decodeForeignState(state).puts.map(({ key }) => key)).toEqual(['bad', 'right'])
    expect(decodeForeignState(state, held).puts.map(({ key }) => key)).toEqual(['right'])
  })

  const refused: readonly (readonly [string, string, Uint8Array])[] = [
    ['an empty record', 'RECORD_EMPTY', NO_FRAME],
    ['a wrapper without a silence', 'RECORD_EMPTY', fromHex('1206088086a7d207')],
    ['a silence without an id', 'IDENTITY_INVALID', wire({ id: '' })],
    ['an id too long for a key', 'IDENTITY_INVALID', wire({ id: 'x'.repeat(4097) })],
    ['a record cut short inside', 'RECORD_MALFORMED', LEFT.subarray(0, 20)],
    ['text that is not UTF-8', 'RECORD_MALFORMED', fromHex('0a050a036161ff')],
    ['an unused field that an Alertmanager cannot read', 'RECORD_MALFORMED', withField12(255, 255)],
    ['groups nested deep', 'RECORD_MALFORMED', new Uint8Array(50_000).fill(0x2b)],
    [
      'nanoseconds above a second',
      'INSTANT_INVALID',
      wire({ updatedAt: { seconds: 1n, nanos: 1_000_000_000 } }),
    ],
    ['a version beyond 2262', 'INSTANT_INVALID', wire({ updatedAt: { seconds: 9_300_000_000n, nanos: 0 } })],
    ['a version before 1970', 'INSTANT_INVALID', wire({ updatedAt: { seconds: -1n, nanos: 0 } })],
    [
      'an end in the year 10000',
      'INSTANT_INVALID',
      wire({ endsAt: { seconds: 253_402_300_800n, nanos: 0 } }),
    ],
    [
      'matchers of more than 4 MiB once they are written twice',
      'RECORD_TOO_LARGE',
      wire({ matchers: Array.from({ length: 150 }, () => ({ name: 'a', pattern: 'x'.repeat(16_000) })) }),
    ],
    ['a comment of more than 4 MiB', 'RECORD_TOO_LARGE', wire({ comment: 'x'.repeat(4 * 1024 * 1024) })],
  ]
  it.each(refused)('refused: %s', (_name, reason, record) => {
    const state = decodeForeignState(stateOf(partOf('sil', listOf(LEFT, record, RIGHT))))
    expect(state.puts.map((put) => put.key)).toEqual(['left', 'right'])
    expect([...state.faults]).toEqual([[reason, 1]])
  })

  it('refused: a log entry without receiver, without group, or with a group that is not text', () => {
    const records = [
      fromHex('0a040a026161'),
      fromHex('0a0412020a00'),
      fromHex('0a070a01ff12020a00'),
      NO_FRAME,
    ]
    const state = decodeForeignState(stateOf(partOf('nfl', listOf(...records, GOLDEN_NOTIFICATION))))
    expect(state.puts.map((put) => put.key)).toEqual(['{}/{node="bar"}:{alertname="foo"}:wh/webhook/0'])
    expect([...state.faults]).toEqual([
      ['IDENTITY_INVALID', 3],
      ['RECORD_EMPTY', 1],
    ])
  })

  it('loses only what follows a length that runs over the end', () => {
    const state = decodeForeignState(
      stateOf(
        partOf('sil', Uint8Array.from([...listOf(LEFT), 0xff, 0x7f, 1, 2, 3])),
        partOf('sil', listOf(RIGHT)),
      ),
    )
    expect(state.puts.map((put) => put.key)).toEqual(['left', 'right'])
    expect([...state.faults]).toEqual([['LIST_TRUNCATED', 1]])
  })

  it('steps over unknown parts and parts that do not parse', () => {
    const state = decodeForeignState(
      stateOf(partOf('custom', listOf(LEFT)), fromHex('0a7f61'), partOf('sil', listOf(RIGHT))),
    )
    expect(state.puts.map((put) => put.key)).toEqual(['right'])
    expect([...state.faults]).toEqual([
      ['PART_UNKNOWN', 1],
      ['PART_MALFORMED', 1],
    ])
  })

  it('keeps what came before a state that breaks off', () => {
    const whole = stateOf(partOf('sil', listOf(LEFT)), partOf('sil', listOf(RIGHT)))
    const state = decodeForeignState(whole.subarray(0, whole.length - 1))
    expect(state.puts.map((put) => put.key)).toEqual(['left'])
    expect([...state.faults]).toEqual([['STATE_MALFORMED', 1]])
  })

  it('stops reading after a thousand faults', () => {
    const state = decodeForeignState(
      stateOf(partOf('sil', new Uint8Array(1_000_000)), partOf('sil', listOf(LEFT))),
    )
    expect([...state.faults]).toEqual([
      ['RECORD_EMPTY', FOREIGN_FAULTS_MAX],
      ['LIST_TRUNCATED', 1],
    ])
    expect(state.puts).toEqual([])
  })

  it('does not read a part of many fields, nor a state of more than a thousand: that is how garbage looks', () => {
    const fields = (count: number): Uint8Array =>
      new Uint8Array(count * 3).map((_, i) => [0x0a, 1, 0x7a][i % 3] ?? 0)
    expect(decodeForeignPart(fields(16)).faults).toEqual(new Map([['PART_UNKNOWN', 1]]))
    expect(decodeForeignPart(fields(17)).faults).toEqual(new Map([['PART_MALFORMED', 1]]))
    const empty = (count: number): Uint8Array =>
      new Uint8Array(count * 2).map((_, i) => [0x12, 0][i % 2] ?? 0)
    expect(decodeForeignState(empty(1024)).faults).toEqual(new Map())
    expect(decodeForeignState(empty(1025)).faults).toEqual(new Map([['STATE_MALFORMED', 1]]))
    const frame = Uint8Array.of(0xc2, 0x3e, 1, 9)
    expect(hearsayFrameOf(Uint8Array.of(...empty(1023), ...frame))).toEqual(Uint8Array.of(9))
    expect(hearsayFrameOf(Uint8Array.of(...empty(1024), ...frame))).toEqual(new Uint8Array(0))
  })

  it('never throws, whatever the bytes', () => {
    const good = [...stateOf(partOf('sil', GOLDEN_SILENCE_LIST), partOf('nfl', listOf(GOLDEN_NOTIFICATION)))]
    const flipped = fc
      .array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 })
      .map((flips) => {
        const bytes = Uint8Array.from(good)
        for (const [at, value] of flips) bytes[at] = value
        return bytes
      })
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), flipped), (bytes) => {
        expect(decodeForeignState(bytes).puts.length + decodeForeignPart(bytes).puts.length).toBeLessThan(9)
      }),
      { numRuns: 2000 },
    )
  })
})

describe('records of equal key in one payload', () => {
  const versions = [2n, 3n, 1n].map((hours) =>
    wire({ updatedAt: instantFromNanos(NOW_NS - 10n * HOUR_NS + hours * HOUR_NS), comment: `${hours}` }),
  )

  it('are joined by version, not by place', () => {
    const state = decodeForeignState(stateOf(partOf('sil', listOf(...versions))))
    expect(state.puts.map((put) => put.record.versionNs)).toEqual([NOW_NS - 7n * HOUR_NS])
  })

  it('give the older one too when it is to be remembered longer', () => {
    const [older, newer] = [
      wire({ id: 'x' }),
      wire({ id: 'x', updatedAt: instantFromNanos(NOW_NS), comment: 'newer' }),
    ]
    const short = toBinary(MeshSilenceSchema, {
      ...silenceMessage({ id: 'x', updatedAt: instantFromNanos(NOW_NS), comment: 'newer' }),
      expiresAt: instantFromNanos(NOW_NS + HOUR_NS),
    })
    const commentsOf = (...records: readonly Uint8Array[]) =>
      decodeForeignPart(partOf('sil', listOf(...records))).puts.map(
        ({ record }) => silenceFromRecord(record)?.comment,
      )
    expect(commentsOf(older, newer)).toEqual(['newer'])
    expect(commentsOf(older, short, older)).toEqual(['swap', 'newer'])
    expect(commentsOf(short, older)).toEqual(['swap', 'newer'])
  })

  it('agree on ties, whatever their order', () => {
    const [a, b] = [wire({ comment: 'a' }), wire({ comment: 'b' })]
    const read = (...records: readonly Uint8Array[]) =>
      decodeForeignState(stateOf(partOf('sil', listOf(...records)))).puts
    expect(read(a, b)).toEqual(read(b, a))
    expect(read(a, b)).toEqual(read(b))
  })
})

describe('what is held already', () => {
  const put = (comment: string): RecordPut => ({
    table: SILENCE_TABLE,
    key: 'x',
    record: encodeSilence(aSilence({ id: 'x', comment })),
  })
  const read = (sent: RecordPut, held: RecordPut) =>
    decodeForeignState(encodeForeignState(tablesOf([sent]), NO_FRAME), (table, key) =>
      table === held.table && key === held.key ? held.record : undefined,
    ).puts

  it('is left out when it is the same to the byte, and read when it is not', () => {
    expect(read(put('a'), put('a'))).toEqual([])
    expect(read(put('a'), put('b'))).toEqual([put('a')])
    expect(read(put('a'), { ...put('a'), key: 'y' })).toEqual([put('a')])
  })
})

describe('what we send', () => {
  const { puts } = decodeForeignState(
    stateOf(partOf('sil', GOLDEN_SILENCE_LIST), partOf('nfl', listOf(GOLDEN_NOTIFICATION))),
  )

  it('holds both parts even when there is nothing, and no frame when it is empty', () => {
    const bytes = encodeForeignState(() => [], NO_FRAME)
    expect(bytes).toEqual(
      toBinary(FullStateSchema, create(FullStateSchema, { parts: [{ key: 'nfl' }, { key: 'sil' }] })),
    )
    expect(decodeForeignState(bytes)).toEqual({
      puts: [],
      hearsayFrame: NO_FRAME,
      faults: new Map(),
    })
  })

  it('carries the same bytes that came, and our frame', () => {
    const frame = Uint8Array.of(1, 2, 3)
    const state = decodeForeignState(encodeForeignState(tablesOf(puts), frame))
    expect(state.hearsayFrame).toEqual(frame)
    expect(new Set(state.puts)).toEqual(new Set(puts))
  })

  it('puts one record in a broadcast', () => {
    const silence = puts.find((put) => put.key === GOLDEN_SILENCE_ID)
    if (silence === undefined) throw new Error('no golden silence')
    const part = encodeForeignPart(silence)
    expect(part).toEqual(partOf('sil', GOLDEN_SILENCE_LIST))
    expect(part?.length).toBe(GOLDEN_SILENCE_LIST.length + 8)
    expect(decodeForeignPart(part ?? NO_FRAME).puts).toEqual([silence])
    expect(encodeForeignPart({ ...silence, table: 'kv' })).toBeUndefined()
  })

  it('keeps quarantined silences from Alertmanagers until they have been ended', () => {
    const poison = aSilence({ id: 'bad', matcherSets: [[{ type: 1, name: 'a', pattern: '((' }]] })
    const ended = { ...poison, endsAtNs: NOW_NS, updatedAtNs: NOW_NS }
    const put = (silence: typeof poison): RecordPut => ({
      table: QUARANTINE_TABLE,
      key: 'bad',
      record: encodeSilence(silence),
    })
    const sent = (record: RecordPut) =>
      decodeForeignState(encodeForeignState(tablesOf([record]), NO_FRAME)).puts
    expect(encodeForeignPart(put(poison))).toBeUndefined()
    expect(sent(put(poison))).toEqual([])
    expect(encodeForeignPart(put(ended))).toBeDefined()
    expect(sent(put(ended))).toEqual([put(ended)])
  })

  it('names no key twice, though a valid version and an ended bad one may both be stored', () => {
    const valid = { table: SILENCE_TABLE, key: 'x', record: encodeSilence(aSilence({ id: 'x' })) }
    const ended = aSilence({
      id: 'x',
      matcherSets: [[{ type: 1, name: 'a', pattern: '((' }]],
      endsAtNs: NOW_NS,
      updatedAtNs: NOW_NS,
    })
    const bad = { table: QUARANTINE_TABLE, key: 'x', record: encodeSilence(ended) }
    expect(decodeForeignState(encodeForeignState(tablesOf([valid, bad]), NO_FRAME)).puts).toEqual([bad])
    const held = (table: string) => [valid, bad].find((put) => put.table === table)?.record
    expect(encodeForeignPart(valid, held)).toBeUndefined()
    expect(encodeForeignPart(bad, held)).toBeDefined()
  })

  it('keeps from Alertmanagers what makes them fail the whole list, ended or not', () => {
    const ended = aSilence({
      id: 'x',
      matcherSets: [[{ type: 7, name: 'a', pattern: 'b' }]],
      endsAtNs: NOW_NS,
      updatedAtNs: NOW_NS,
    })
    const put = { table: QUARANTINE_TABLE, key: 'x', record: encodeSilence(ended) }
    expect(encodeForeignPart(put)).toBeUndefined()
    expect(decodeForeignState(encodeForeignState(tablesOf([put]), NO_FRAME)).puts).toEqual([])
  })
})

describe('coalesced broadcasts', () => {
  it('are one part for each key that Alertmanagers know, with every record', () => {
    const puts = [1, 2, 3].map((n): RecordPut => {
      const id = `aaaaaaaa-0000-4000-8000-00000000000${n}`
      return { table: SILENCE_TABLE, key: id, record: encodeSilence(aSilence({ id })) }
    })
    const payloads = puts.map((put) => encodeForeignPart(put) ?? NO_FRAME)
    payloads.push(partOf('nfl', listOf(GOLDEN_NOTIFICATION)))
    const coalesced = coalesceForeignParts(payloads)
    expect(coalesced).toHaveLength(2)
    const [silences, log] = coalesced.map((payload) => decodeForeignPart(payload))
    expect(silences?.puts).toEqual(puts)
    expect(log?.puts).toHaveLength(1)
    expect([...(silences?.faults ?? []), ...(log?.faults ?? [])]).toEqual([])
  })
})
