/**
 * memberlist's opaque payloads as Alertmanagers fill them: `FullState` in a push-pull, `Part` in a user message.
 *
 * Reading is tolerant where Alertmanager is all or nothing: a part that does not parse, an unknown part key, a bad
 * record are counted by reason and stepped over. Records of equal key in one payload are joined by the record order,
 * where Alertmanager takes the last. Writing gives what the oldest of them accepts: both parts always, no key twice,
 * no part key of our own. What hearsay replicas say among themselves rides in a field that Alertmanagers skip.
 */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { ByteReader, BytesError, ByteWriter, compareBytes, utf8Decode } from '../../base/bytes.ts'
import type { ForeignRecord, RecordPut } from '../../store/core/delta.ts'
import { compareRecords } from '../../store/core/record-tables.ts'
import {
  type Admission,
  NOTIFICATION_TABLE,
  QUARANTINE_TABLE,
  type RefusalReason,
  SILENCE_TABLE,
} from './admission.ts'
import { FullStateSchema, PartSchema } from './alertmanager_pb.ts'
import { readDelimited, writeDelimited } from './delimited.ts'
import { operatorOf } from './matcher.ts'
import { admitNotification } from './notification-admission.ts'
import { admitSilence } from './silence-admission.ts'
import { peekSilenceId, silenceFromRecord } from './silence-codec.ts'

/** A payload with this many faults is not read further: garbage must not cost more than state. */
export const FOREIGN_FAULTS_MAX = 1000

export type ForeignFault =
  | RefusalReason
  | 'STATE_MALFORMED'
  | 'PART_MALFORMED'
  | 'PART_UNKNOWN'
  | 'LIST_TRUNCATED'

/** What a payload held. Quarantined records are among `puts`, in their own table. */
export interface ForeignState {
  /** For each table and key the version that wins, and ahead of it one that loses but is to be remembered longer. */
  readonly puts: readonly RecordPut[]
  /** Empty when there is none. */
  readonly hearsayFrame: Uint8Array
  readonly faults: ReadonlyMap<ForeignFault, number>
}

/** What the reader holds already, by table and key. */
export type HeldRecords = (table: string, key: string) => ForeignRecord | undefined

const PART_ADMISSION: ReadonlyMap<string, (record: Uint8Array) => Admission> = new Map([
  ['nfl', admitNotification],
  ['sil', admitSilence],
])
/** In the order they are written. */
const PARTS: readonly (readonly [key: string, tables: readonly string[]])[] = [
  ['nfl', [NOTIFICATION_TABLE]],
  ['sil', [SILENCE_TABLE, QUARANTINE_TABLE]],
]
/** Where a silence that was judged before may be. */
const HOMES: readonly string[] = [SILENCE_TABLE, QUARANTINE_TABLE]
const PARTS_FIELD = 1
const FRAME_FIELD = 1000
const PART_KEY_FIELD = 1
const PART_DATA_FIELD = 2
/** A part has two; garbage of 20 MiB has millions, and looking at each would take a tenth of a second. */
const PART_FIELDS_MAX = 16
/** Looked at; those we know have three. */
const PART_KEY_BYTES_MAX = 64
/** Of a state: its parts, one a table, and the frame behind them. */
const STATE_FIELDS_MAX = 1024
const NO_BYTES = new Uint8Array(0)
const LENGTH_DELIMITED = 2
/** Before a record of at most 4 MiB. */
const LENGTH_BYTES_MAX = 5

function nothingHeld(): undefined {
  return undefined
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && compareBytes(a, b) === 0
}

interface ForeignPart {
  readonly key: string
  /** A view. */
  readonly data: Uint8Array
}

class Collector {
  readonly #held: HeldRecords
  readonly #puts = new Map<string, RecordPut>()
  readonly #outlasting = new Map<string, RecordPut>()
  readonly #faults = new Map<ForeignFault, number>()
  #faultCount = 0

  constructor(held: HeldRecords) {
    this.#held = held
  }

  get isExhausted(): boolean {
    return this.#faultCount >= FOREIGN_FAULTS_MAX
  }

  fault(reason: ForeignFault): void {
    this.#faultCount++
    this.#faults.set(reason, (this.#faults.get(reason) ?? 0) + 1)
  }

  part(part: ForeignPart): void {
    const admit = PART_ADMISSION.get(part.key)
    if (admit === undefined) {
      this.fault('PART_UNKNOWN')
      return
    }
    const whole = readDelimited(part.data, (record) => {
      if (part.key !== 'sil' || !this.#isHeld(record)) this.#take(admit(record))
      return !this.isExhausted
    })
    if (!whole) this.fault('LIST_TRUNCATED')
  }

  partBytes(bytes: Uint8Array): void {
    const part = readPart(bytes)
    if (part === undefined) this.fault('PART_MALFORMED')
    else this.part(part)
  }

  /** Most of a push-pull is known; a look at the bytes costs a tenth of judging them again. */
  #isHeld(record: Uint8Array): boolean {
    const id = peekSilenceId(record)
    if (id === undefined) return false
    return HOMES.some((table) => {
      const held = this.#held(table, id)
      return held !== undefined && sameBytes(held.bytes, record)
    })
  }

  #take(admission: Admission): void {
    if (admission.verdict === 'refused') {
      this.fault(admission.reason)
      return
    }
    const { put } = admission
    const name = `${put.table}\0${put.key}`
    const before = this.#puts.get(name)
    if (before === undefined) {
      this.#puts.set(name, put)
      return
    }
    const [winner, loser] = compareRecords(before.record, put.record) < 0 ? [put, before] : [before, put]
    this.#puts.set(name, winner)
    const longest = Math.max(winner.record.expiresAtMs, this.#outlasting.get(name)?.record.expiresAtMs ?? 0)
    if (loser.record.expiresAtMs > longest) this.#outlasting.set(name, loser)
  }

  finish(hearsayFrame: Uint8Array): ForeignState {
    return {
      puts: [...this.#outlasting.values(), ...this.#puts.values()],
      hearsayFrame,
      faults: this.#faults,
    }
  }
}

/** Numbers may have all 64 bits here, more than the reader gives, so they are stepped over byte by byte. */
function skipNumber(reader: ByteReader): void {
  for (let i = 0; i < 10; i++) if (reader.u8() < 128) return
  throw new BytesError('BYTES_MALFORMED', 'number of more than 10 bytes')
}

/** @returns false for a wire type that has no length of its own */
function skipField(reader: ByteReader, wireType: number): boolean {
  if (wireType === 0) skipNumber(reader)
  else if (wireType === 1) reader.raw(8)
  else if (wireType === LENGTH_DELIMITED) reader.bytes()
  else if (wireType === 5) reader.raw(4)
  else return false
  return true
}

/** Of repeated fields the last counts. @returns undefined for what is no part, or has more fields than one ever will */
function readPart(bytes: Uint8Array): ForeignPart | undefined {
  const reader = new ByteReader(bytes)
  let key = ''
  let data: Uint8Array = NO_BYTES
  try {
    for (let fields = 0; reader.remaining > 0; fields++) {
      if (fields === PART_FIELDS_MAX) return undefined
      const tag = reader.varint()
      if (tag === PART_KEY_FIELD * 8 + LENGTH_DELIMITED)
        key = utf8Decode(reader.bytes().subarray(0, PART_KEY_BYTES_MAX))
      else if (tag === PART_DATA_FIELD * 8 + LENGTH_DELIMITED) data = reader.bytes()
      else if (tag < 8 || !skipField(reader, tag % 8)) return undefined
    }
  } catch (error) {
    if (error instanceof BytesError) return undefined
    throw error
  }
  return { key, data }
}

/**
 * Reads the user state of a push-pull, from an Alertmanager or a hearsay replica.
 *
 * @param bytes as received; the frame and the records' bytes are copied or views of it, so it must not be changed
 * @param held silences stored with the very bytes of a record need no second look, and are not among the puts
 * @returns all that could be read; never throws
 */
export function decodeForeignState(bytes: Uint8Array, held: HeldRecords = nothingHeld): ForeignState {
  const collector = new Collector(held)
  const reader = new ByteReader(bytes)
  let frame: Uint8Array = new Uint8Array(0)
  try {
    for (let fields = 0; reader.remaining > 0 && !collector.isExhausted; fields++) {
      if (fields === STATE_FIELDS_MAX) {
        collector.fault('STATE_MALFORMED')
        break
      }
      const tag = reader.varint()
      const [field, wireType] = [Math.floor(tag / 8), tag % 8]
      if (field === PARTS_FIELD && wireType === LENGTH_DELIMITED) collector.partBytes(reader.bytes())
      else if (field === FRAME_FIELD && wireType === LENGTH_DELIMITED) frame = reader.bytes()
      else if (field === 0 || !skipField(reader, wireType)) {
        collector.fault('STATE_MALFORMED')
        break
      }
    }
  } catch (error) {
    if (!(error instanceof BytesError)) throw error
    collector.fault('STATE_MALFORMED')
  }
  return collector.finish(frame)
}

/** The hearsay frame in the user state of a push-pull, without a look at anything else; empty when there is none. */
export function hearsayFrameOf(bytes: Uint8Array): Uint8Array {
  const reader = new ByteReader(bytes)
  try {
    for (let fields = 0; reader.remaining > 0 && fields < STATE_FIELDS_MAX; fields++) {
      const tag = reader.varint()
      if (tag === FRAME_FIELD * 8 + LENGTH_DELIMITED) return reader.bytes()
      if (!skipField(reader, tag % 8)) break
    }
  } catch (error) {
    if (!(error instanceof BytesError)) throw error
  }
  return new Uint8Array(0)
}

/** Reads a broadcast: one `Part`. Never throws. @param held as for a state */
export function decodeForeignPart(bytes: Uint8Array, held: HeldRecords = nothingHeld): ForeignState {
  const collector = new Collector(held)
  collector.partBytes(bytes)
  return collector.finish(new Uint8Array(0))
}

/**
 * Whether Alertmanagers may be told. A quarantined silence is kept from them, until it has been ended: that version
 * stops the harm where it is already known. But one with a matcher type that they do not know would make them fail the
 * whole list of silences, ended or not.
 */
function isForForeigners(table: string, record: ForeignRecord): boolean {
  if (table !== QUARANTINE_TABLE) return true
  const silence = silenceFromRecord(record)
  if (silence === undefined || silence.endsAtNs > silence.updatedAtNs) return false
  return silence.matcherSets.every((set) => set.every(({ type }) => operatorOf(type) !== undefined))
}

/** Whether a silence is in the other table as well, in a version that wins and that Alertmanagers are told instead. */
function isOutdone({ table, key, record }: RecordPut, tables: readonly string[], held: HeldRecords): boolean {
  return tables.some((other) => {
    const rival = other === table ? undefined : held(other, key)
    return rival !== undefined && compareRecords(rival, record) > 0 && isForForeigners(other, rival)
  })
}

/** What of a state is told when it cannot be told as a whole. */
export interface StateShare {
  /** Of records; each of the two parts gets half of it. */
  readonly bytesMax: number
  /** Where in each part to begin, from 0 to below 1: with another one each time, all is told in the end. */
  readonly from: number
}

/**
 * @param tables gives the records of a table; asked for each table once
 * @param hearsayFrame left out when empty
 * @param share default: all
 */
export function encodeForeignState(
  tables: (table: string) => Iterable<readonly [key: string, record: ForeignRecord]>,
  hearsayFrame: Uint8Array,
  share: StateShare = { bytesMax: Number.POSITIVE_INFINITY, from: 0 },
): Uint8Array {
  const parts = PARTS.map(([partKey, partTables]) => {
    const best = new Map<string, ForeignRecord>()
    for (const table of partTables) {
      for (const [key, record] of tables(table)) {
        const held = best.get(key)
        if (held !== undefined && compareRecords(held, record) >= 0) continue
        if (isForForeigners(table, record)) best.set(key, record)
      }
    }
    return create(PartSchema, { key: partKey, data: listOf([...best.values()], share) })
  })
  return toBinary(FullStateSchema, create(FullStateSchema, { parts, hearsayFrame }))
}

function listOf(records: readonly ForeignRecord[], { bytesMax, from }: StateShare): Uint8Array {
  const data = new ByteWriter()
  const first = Math.floor(from * records.length)
  for (const { bytes } of [...records.slice(first), ...records.slice(0, first)]) {
    if (data.length + bytes.length + LENGTH_BYTES_MAX > bytesMax / PARTS.length) break
    writeDelimited(data, bytes)
  }
  return data.finish()
}

/** The broadcast of one record, or undefined when it is not for Alertmanagers. @param held what is stored */
export function encodeForeignPart(put: RecordPut, held: HeldRecords = nothingHeld): Uint8Array | undefined {
  const { table, key, record } = put
  const part = PARTS.find(([, tables]) => tables.includes(table))
  if (part === undefined || key === '' || !isForForeigners(table, record)) return undefined
  if (isOutdone(put, part[1], held)) return undefined
  const data = new ByteWriter(record.bytes.length + 5)
  writeDelimited(data, record.bytes)
  return toBinary(PartSchema, create(PartSchema, { key: part[0], data: data.finish() }))
}

/**
 * Broadcasts of one record each as few with many: one for each part key, in which Alertmanagers read all records.
 *
 * @param payloads made by `encodeForeignPart`, no two of the same record: of such a reader takes the last, whatever its version
 */
export function coalesceForeignParts(payloads: readonly Uint8Array[]): Uint8Array[] {
  const bytes = payloads.reduce((total, { length }) => total + length, 0)
  const dataOf = new Map<string, ByteWriter>()
  for (const payload of payloads) {
    const { key, data } = fromBinary(PartSchema, payload)
    const writer = dataOf.get(key) ?? new ByteWriter(bytes)
    dataOf.set(key, writer.raw(data))
  }
  return [...dataOf].map(([key, data]) =>
    toBinary(PartSchema, create(PartSchema, { key, data: data.finish() })),
  )
}
