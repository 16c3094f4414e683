/** The short way to read and write silences against the general one. */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AnnotationSchema, MeshSilenceSchema } from '../../../src/alerting/core/alertmanager_pb.ts'
import { readCanonicalSilence, writeCanonicalSilence } from '../../../src/alerting/core/canonical-silence.ts'
import { INSTANT_END_NS } from '../../../src/alerting/core/nanos.ts'
import type { Silence } from '../../../src/alerting/core/silence.ts'
import {
  decodeMeshSilence,
  encodeSilence,
  silenceFromMessage,
  silenceRecord,
} from '../../../src/alerting/core/silence-codec.ts'
import { GOLDEN_SILENCE, GOLDEN_SILENCE_ID } from '../../support/golden-alertmanager.ts'
import { aSilence, silenceMessage } from '../../support/silences.ts'

const text = fc.oneof(fc.string({ maxLength: 12 }), fc.string({ maxLength: 90, unit: 'grapheme' }))
/** Mostly of the usual form. */
const instant = fc.oneof(
  { weight: 19, arbitrary: fc.bigInt({ min: 1_000_000_000n, max: INSTANT_END_NS - 1n }) },
  { weight: 1, arbitrary: fc.bigInt({ min: -1n, max: 999_999_999n }) },
)
const matchers = (typeMax: number) =>
  fc.array(fc.record({ type: fc.nat({ max: typeMax }), name: text, pattern: text }), { maxLength: 3 })
const silences: fc.Arbitrary<Silence> = fc.record({
  id: text,
  matcherSets: fc.oneof(
    { weight: 9, arbitrary: fc.tuple(matchers(3)) },
    { weight: 1, arbitrary: fc.array(matchers(4), { maxLength: 2 }) },
  ),
  startsAtNs: instant,
  endsAtNs: instant,
  updatedAtNs: instant,
  expiresAtNs: instant,
  createdBy: text,
  comment: text,
  annotations: fc.array(fc.tuple(text, text), { maxLength: 4 }).map((entries) => new Map(entries)),
})

/** What the general way makes of bytes: the silence, and the bytes in canonical form. */
function generalWay(bytes: Uint8Array): { silence: Silence | undefined; bytes: Uint8Array } | undefined {
  try {
    const message = decodeMeshSilence(bytes)
    const silence = silenceFromMessage(message)
    return {
      silence: silence === undefined ? undefined : { ...silence, carried: undefined },
      bytes: silenceRecord(message).bytes,
    }
  } catch {
    return undefined
  }
}

function expectAgreement(bytes: Uint8Array): boolean {
  const read = readCanonicalSilence(bytes)
  if (read === undefined) return false
  const general = generalWay(bytes)
  expect({ ...read, carried: undefined }).toEqual(general?.silence)
  expect(bytes).toEqual(general?.bytes)
  return true
}

describe('a silence of the usual form', () => {
  it('is read from the bytes of a real Alertmanager, and written as these', () => {
    const silence = readCanonicalSilence(GOLDEN_SILENCE)
    expect(silence?.id).toBe(GOLDEN_SILENCE_ID)
    expect(writeCanonicalSilence(silence ?? aSilence())).toEqual(GOLDEN_SILENCE)
  })

  it('is written as the general way writes it, and read back the same', () => {
    let usual = 0
    fc.assert(
      fc.property(silences, (silence) => {
        const bytes = writeCanonicalSilence(silence)
        if (bytes === undefined) return
        usual++
        expect(generalWay(bytes)?.bytes).toEqual(bytes)
        expect(generalWay(bytes)?.silence).toEqual({ ...silence, carried: undefined })
        expect(expectAgreement(bytes)).toBe(!hasMark(silence))
      }),
      { numRuns: 500 },
    )
    expect(usual).toBeGreaterThan(100)
  })

  it('is read only where the general way gives the same silence and the same bytes, whatever a byte is changed to', () => {
    let read = 0
    const edit = fc.record({
      at: fc.nat(),
      byte: fc.nat({ max: 255 }),
      kind: fc.constantFrom('set', 'insert', 'delete'),
    })
    fc.assert(
      fc.property(silences, fc.array(edit, { maxLength: 2 }), (silence, edits) => {
        let bytes = [...encodeSilence(silence).bytes]
        for (const { at, byte, kind } of edits) {
          const place = at % (bytes.length + 1)
          bytes = [
            ...bytes.slice(0, place),
            ...(kind === 'delete' ? [] : [byte]),
            ...bytes.slice(kind === 'insert' ? place : place + 1),
          ]
        }
        if (expectAgreement(Uint8Array.from(bytes))) read++
      }),
      { numRuns: 3000 },
    )
    expect(read).toBeGreaterThan(100)
  })
})

function hasMark({ id, matcherSets, createdBy, comment, annotations }: Silence): boolean {
  const texts = [id, createdBy, comment, ...[...annotations].flat()]
  for (const { name, pattern } of matcherSets.flat()) texts.push(name, pattern)
  return texts.some((of) => of.startsWith('\ufeff'))
}

describe('left to the general way', () => {
  it.each([
    ['field 2 only', toBinary(MeshSilenceSchema, silenceMessage({}))],
    ['an unknown field at the end', Uint8Array.of(...GOLDEN_SILENCE, 0x18, 1)],
    ['a cut', GOLDEN_SILENCE.subarray(0, -1)],
    ['nothing', new Uint8Array(0)],
    ['a length in more bytes than it takes', padded(GOLDEN_SILENCE)],
    ['annotations out of order', annotated('b', 'a')],
    ['an annotation twice', annotated('a', 'a')],
    ['a matcher set unlike field 2', unlike()],
  ])('is %s', (_what, bytes) => {
    expect(readCanonicalSilence(bytes)).toBeUndefined()
  })

  it('is a silence of two sets, of none, of an unknown type, or one that carries what we do not know', () => {
    const two = aSilence({
      matcherSets: [[{ type: 0, name: 'a', pattern: 'b' }], [{ type: 0, name: 'c', pattern: 'd' }]],
    })
    const unknown = aSilence({ matcherSets: [[{ type: 7, name: 'a', pattern: 'b' }]] })
    const carrying = aSilence({ carried: fromBinary(MeshSilenceSchema, GOLDEN_SILENCE) })
    for (const silence of [
      two,
      unknown,
      carrying,
      aSilence({ matcherSets: [] }),
      aSilence({ startsAtNs: -1n }),
    ]) {
      expect(writeCanonicalSilence(silence)).toBeUndefined()
      expect(readCanonicalSilence(encodeSilence(silence).bytes)?.matcherSets.length ?? 1).toBe(1)
    }
  })
})

/** The same message, with the length of its silence written in three bytes instead of two. */
function padded(bytes: Uint8Array): Uint8Array {
  const [tag = 0, low = 0, high = 0, ...rest] = bytes
  return Uint8Array.of(tag, low, high | 128, 0, ...rest)
}

function annotated(...keys: readonly string[]): Uint8Array {
  const message = decodeMeshSilence(GOLDEN_SILENCE)
  const annotations = keys.map((key) => create(AnnotationSchema, { key, value: 'v' }))
  if (message.silence !== undefined) message.silence.annotations = annotations
  return toBinary(MeshSilenceSchema, message)
}

function unlike(): Uint8Array {
  const message = fromBinary(MeshSilenceSchema, GOLDEN_SILENCE)
  const [matcher] = message.silence?.matchers ?? []
  if (matcher !== undefined) matcher.pattern = 'z'
  return toBinary(MeshSilenceSchema, message)
}
