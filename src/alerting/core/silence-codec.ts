/**
 * Silences to and from the bytes that Alertmanagers exchange.
 *
 * One silence has one canonical form here, so that replicas which got it from different Alertmanagers hold equal bytes:
 * known fields by number, annotations by key, the dead `comments` lifted into their successors, and the matchers written
 * twice. Field 2 is all that releases up to 0.31 read, and without it they silence every alert; field 11 is what later
 * ones prefer. Fields we do not know are kept where they stand.
 *
 * Decoding checks form only; whether the silence makes sense is silence-rules.ts.
 *
 * What was encoded or judged here is not decoded again when it comes out of the store.
 */
import { clone, create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { ByteReader, BytesError, compareBytes, utf8Encode } from '../../base/bytes.ts'
import type { ForeignRecord } from '../../store/core/delta.ts'
import {
  AnnotationSchema,
  MatcherSchema,
  type MatcherSet as MatcherSetMessage,
  MatcherSetSchema,
  type MeshSilence,
  MeshSilenceSchema,
  SilenceSchema,
} from './alertmanager_pb.ts'
import { readCanonicalSilence, writeCanonicalSilence } from './canonical-silence.ts'
import { instantFromNanos, nanosFromInstant, nanosToMsCeil } from './nanos.ts'
import { type MatcherSet, type Silence, sameMatcherSets } from './silence.ts'

/** The fields of a decoded silence are all present; absent instants mean 1970. */
export function silenceFromMessage(message: MeshSilence): Silence | undefined {
  const inner = message.silence
  if (inner === undefined) return undefined
  return {
    id: inner.id,
    matcherSets: inner.matcherSets.map((set) =>
      set.matchers.map(({ type, name, pattern }) => ({ type, name, pattern })),
    ),
    startsAtNs: nanosFromInstant(inner.startsAt),
    endsAtNs: nanosFromInstant(inner.endsAt),
    updatedAtNs: nanosFromInstant(inner.updatedAt),
    expiresAtNs: nanosFromInstant(message.expiresAt),
    createdBy: inner.createdBy,
    comment: inner.comment,
    annotations: new Map(inner.annotations.map(({ key, value }) => [key ?? '', value ?? ''])),
    carried: message,
  }
}

/**
 * Reads a record and brings it into canonical form.
 *
 * @returns the message, which may still lack its inner silence
 * @throws whatever the decoder finds wrong: truncation, invalid UTF-8, nesting
 */
export function decodeMeshSilence(bytes: Uint8Array): MeshSilence {
  const message = fromBinary(MeshSilenceSchema, bytes)
  const inner = message.silence
  if (inner === undefined) return message
  const [first] = inner.comments
  if (first !== undefined) {
    inner.createdBy = first.author
    inner.comment = first.comment
    inner.comments = []
  }
  if (inner.matcherSets.length === 0 && inner.matchers.length > 0) {
    inner.matcherSets = [create(MatcherSetSchema, { matchers: inner.matchers })]
  }
  inner.matchers = inner.matcherSets[0]?.matchers ?? []
  setAnnotations(message, new Map(inner.annotations.map(({ key, value }) => [key ?? '', value ?? ''])))
  return message
}

function setAnnotations(message: MeshSilence, annotations: ReadonlyMap<string, string>): void {
  if (message.silence === undefined) return
  message.silence.annotations = [...annotations]
    .sort(([a], [b]) => compareBytes(utf8Encode(a), utf8Encode(b)))
    .map(([key, value]) => create(AnnotationSchema, { key, value }))
}

function matcherSetMessages(sets: readonly MatcherSet[]): MatcherSetMessage[] {
  return sets.map((set) =>
    create(MatcherSetSchema, { matchers: set.map((matcher) => create(MatcherSchema, matcher)) }),
  )
}

function messageOf(silence: Silence): MeshSilence {
  const { carried } = silence
  const message = carried === undefined ? create(MeshSilenceSchema) : clone(MeshSilenceSchema, carried)
  const inner = message.silence ?? create(SilenceSchema)
  message.silence = inner
  inner.id = silence.id
  const before = inner.matcherSets.map(({ matchers }) => matchers)
  if (carried === undefined || !sameMatcherSets(before, silence.matcherSets)) {
    inner.matcherSets = matcherSetMessages(silence.matcherSets)
  }
  inner.matchers = inner.matcherSets[0]?.matchers ?? []
  inner.startsAt = instantFromNanos(silence.startsAtNs)
  inner.endsAt = instantFromNanos(silence.endsAtNs)
  inner.updatedAt = instantFromNanos(silence.updatedAtNs)
  inner.createdBy = silence.createdBy
  inner.comment = silence.comment
  setAnnotations(message, silence.annotations)
  message.expiresAt = instantFromNanos(silence.expiresAtNs)
  return message
}

/** The record of a silence; what it was read from lends the fields that we do not know. */
export function encodeSilence(silence: Silence): ForeignRecord {
  const usual = writeCanonicalSilence(silence)
  return usual === undefined ? silenceRecord(messageOf(silence)) : recordOf(silence, usual)
}

/** Bytes of the record without the copy of the matchers that is there for old releases: what limits go by. */
export function silenceSize(silence: Silence): number {
  const message = messageOf(silence)
  if (message.silence !== undefined) message.silence.matchers = []
  return toBinary(MeshSilenceSchema, message).length
}

/** The record of a message in canonical form. */
export function silenceRecord(message: MeshSilence): ForeignRecord {
  return {
    versionNs: nanosFromInstant(message.silence?.updatedAt),
    bytes: toBinary(MeshSilenceSchema, message),
    expiresAtMs: nanosToMsCeil(nanosFromInstant(message.expiresAt)),
  }
}

/** The record of a silence whose canonical bytes are known. */
export function recordOf(silence: Silence, bytes: Uint8Array): ForeignRecord {
  return { versionNs: silence.updatedAtNs, bytes, expiresAtMs: nanosToMsCeil(silence.expiresAtNs) }
}

/** By the very record; records are never changed. */
const known = new WeakMap<ForeignRecord, Silence>()

/** Says what a record holds to the byte, so that nobody has to decode it. */
export function rememberSilence(record: ForeignRecord, silence: Silence): void {
  known.set(record, silence)
}

/** Reads a record that this replica has accepted or written before; of the same record the same silence. */
export function silenceFromRecord(record: ForeignRecord): Silence | undefined {
  const before = known.get(record)
  if (before !== undefined) return before
  const silence = readCanonicalSilence(record.bytes) ?? silenceFromMessage(decodeMeshSilence(record.bytes))
  if (silence !== undefined) known.set(record, silence)
  return silence
}

const FIELD_1_BYTES = 0x0a

/** The id where Alertmanagers and we put it, first of the first field; undefined elsewhere, which says nothing. */
export function peekSilenceId(bytes: Uint8Array): string | undefined {
  try {
    const reader = new ByteReader(bytes)
    if (reader.u8() !== FIELD_1_BYTES) return undefined
    reader.varint()
    return reader.u8() === FIELD_1_BYTES ? reader.string() : undefined
  } catch (error) {
    if (error instanceof BytesError) return undefined
    throw error
  }
}
