import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MatcherSetSchema, MeshSilenceSchema } from '../../../src/alerting/core/alertmanager_pb.ts'
import { readDelimited } from '../../../src/alerting/core/delimited.ts'
import { admitNotification } from '../../../src/alerting/core/notification-admission.ts'
import type { Silence } from '../../../src/alerting/core/silence.ts'
import { admitSilence } from '../../../src/alerting/core/silence-admission.ts'
import {
  decodeMeshSilence,
  encodeSilence,
  silenceFromRecord,
} from '../../../src/alerting/core/silence-codec.ts'
import {
  GOLDEN_NOTIFICATION,
  GOLDEN_SILENCE,
  GOLDEN_SILENCE_ID,
  GOLDEN_SILENCE_LIST,
} from '../../support/golden-alertmanager.ts'
import { aSilence, silenceMessage } from '../../support/silences.ts'

function recordOf(bytes: Uint8Array) {
  const admission = admitSilence(bytes)
  if (admission.verdict !== 'accepted') throw new Error(JSON.stringify(admission))
  return admission.put.record
}

describe('the silence record', () => {
  it('comes back byte for byte as a real Alertmanager wrote it', () => {
    const seen: Uint8Array[] = []
    expect(readDelimited(GOLDEN_SILENCE_LIST, (record) => seen.push(record) > 0)).toBe(true)
    expect(seen).toEqual([GOLDEN_SILENCE])
    const record = recordOf(GOLDEN_SILENCE)
    expect(record.bytes).toEqual(GOLDEN_SILENCE)
    expect(record.versionNs).toBe(1_735_689_600_500_000_000n)
    expect(record.expiresAtMs).toBe(Date.UTC(2035, 0, 6))
    const silence = silenceFromRecord(record)
    expect(silence?.id).toBe(GOLDEN_SILENCE_ID)
    expect(silence?.matcherSets).toEqual([
      [
        { type: 0, name: 'job', pattern: 'a' },
        { type: 3, name: 'env', pattern: 'dev.*' },
      ],
    ])
    expect(silence?.annotations).toEqual(new Map([['team', 'x']]))
    expect(encodeSilence(silence as Silence)).toEqual(record)
  })

  it('is read the same from the old matcher field, the new one, or both, and always written with both', () => {
    const both = decodeMeshSilence(GOLDEN_SILENCE)
    for (const drop of ['matchers', 'matcherSets'] as const) {
      const partial = fromBinary(MeshSilenceSchema, GOLDEN_SILENCE)
      if (partial.silence !== undefined) partial.silence[drop] = []
      expect(recordOf(toBinary(MeshSilenceSchema, partial)).bytes, drop).toEqual(GOLDEN_SILENCE)
    }
    expect(both.silence?.matchers).toEqual(both.silence?.matcherSets[0]?.matchers)
  })

  it('prefers matcher sets to the old field, and writes only the first set there', () => {
    const message = silenceMessage({
      matchers: [{ type: 0, name: 'old', pattern: 'x' }],
      matcherSets: [
        { matchers: [{ type: 0, name: 'new', pattern: 'y' }] },
        { matchers: [{ type: 0, name: 'other', pattern: 'z' }] },
      ],
    })
    const written = fromBinary(MeshSilenceSchema, recordOf(toBinary(MeshSilenceSchema, message)).bytes)
    expect(written.silence?.matchers.map((m) => m.name)).toEqual(['new'])
    expect(written.silence?.matcherSets.map((s) => s.matchers.map((m) => m.name))).toEqual([
      ['new'],
      ['other'],
    ])
  })

  it('lifts the first of the old comments', () => {
    const message = silenceMessage({
      comments: [
        { author: 'ana', comment: 'swap' },
        { author: 'bob', comment: 'no' },
      ],
    })
    const silence = silenceFromRecord(recordOf(toBinary(MeshSilenceSchema, message)))
    expect(silence).toMatchObject({ createdBy: 'ana', comment: 'swap' })
  })

  it('keeps fields it does not know, also through an edit', () => {
    // Field 13 of the silence and field 9 of the wrapper, both strings, and field 12, of which nobody makes any use.
    const inner = [...toBinary(MeshSilenceSchema, silenceMessage({}))]
    const message = fromBinary(MeshSilenceSchema, Uint8Array.from([...inner, 0x4a, 2, 104, 105]))
    if (message.silence === undefined) throw new Error('no silence')
    message.silence.$unknown = [{ no: 13, wireType: 2, data: Uint8Array.of(2, 10, 0) }]
    message.silence.receiverMatcherSets = [create(MatcherSetSchema, { matchers: [{ name: 'team' }] })]
    const record = recordOf(toBinary(MeshSilenceSchema, message))
    const silence = silenceFromRecord(record)
    const edited = encodeSilence({ ...(silence as Silence), comment: 'edited' })
    const after = fromBinary(MeshSilenceSchema, edited.bytes)
    expect(after.silence?.comment).toBe('edited')
    expect(after.silence?.$unknown).toEqual(message.silence.$unknown)
    expect(after.silence?.receiverMatcherSets).toEqual(message.silence.receiverMatcherSets)
    expect(after.$unknown?.map((field) => field.no)).toEqual([9])
  })

  it('has equal bytes whatever the order of its annotations, and any key', () => {
    const pairs = [
      ['b', '1'],
      ['a', ''],
      ['__proto__', 'p'],
      ['10', 'ten'],
      ['9', 'nine'],
    ] as const
    const record = (order: readonly (readonly [string, string])[]) =>
      encodeSilence(aSilence({ annotations: new Map(order) })).bytes
    expect(record(pairs)).toEqual(record([...pairs].reverse()))
    expect(silenceFromRecord(recordOf(record(pairs)))?.annotations).toEqual(new Map(pairs))
  })

  it('survives a round trip for all matcher types and texts', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 12 })
    const instant = fc.bigInt({ min: 0n, max: 9_000_000_000_000_000_000n })
    const matcher = fc.record({ type: fc.integer({ min: 0, max: 3 }), name: text, pattern: text })
    const silence = fc.record({
      id: fc.uuid(),
      matcherSets: fc.array(fc.array(matcher, { minLength: 1, maxLength: 3 }), {
        minLength: 1,
        maxLength: 2,
      }),
      startsAtNs: instant,
      endsAtNs: instant,
      updatedAtNs: instant,
      expiresAtNs: instant,
      createdBy: text,
      comment: text,
      annotations: fc.array(fc.tuple(text, text), { maxLength: 3 }).map((pairs) => new Map(pairs)),
    })
    fc.assert(
      fc.property(silence, (original) => {
        const record = encodeSilence(original)
        const { carried: _, ...decoded } = silenceFromRecord(record) ?? {}
        const carried = decodeMeshSilence(record.bytes)
        expect(decoded).toEqual(original)
        expect(encodeSilence({ ...original, carried })).toEqual(record)
      }),
    )
  })

  it('tells a record without a silence from an empty one', () => {
    expect(admitSilence(toBinary(MeshSilenceSchema, create(MeshSilenceSchema, {})))).toEqual({
      verdict: 'refused',
      reason: 'RECORD_EMPTY',
    })
    expect(admitSilence(toBinary(MeshSilenceSchema, create(MeshSilenceSchema, { silence: {} })))).toEqual({
      verdict: 'refused',
      reason: 'IDENTITY_INVALID',
    })
  })
})

describe('the notification log record', () => {
  it('comes back byte for byte as a real Alertmanager wrote it', () => {
    expect(admitNotification(GOLDEN_NOTIFICATION)).toEqual({
      verdict: 'accepted',
      put: {
        table: 'nfl',
        key: '{}/{node="bar"}:{alertname="foo"}:wh/webhook/0',
        record: {
          versionNs: 1_795_220_014_453_978_799n,
          bytes: GOLDEN_NOTIFICATION,
          expiresAtMs: 1_795_220_134_454,
        },
      },
    })
  })
})
