/**
 * The lines of a storage batch, and back: one for each piece of a replica's state, under the keys of storage-key.ts.
 *
 * Every record is complete in itself. An entry, an element's dots and a foreign record are written as on the wire
 * (frame-codec.ts); the context has one record an actor, so that a batch writes only the actors it touches.
 */
import { ByteSlab } from '../../base/byte-slab.ts'
import { ByteReader, BytesError, ByteWriter } from '../../base/bytes.ts'
import type { ActorId } from '../../base/names.ts'
import type { CausalContext } from '../../crdt/context.ts'
import type { Dot } from '../../crdt/dot.ts'
import { type ClockState, LOGICAL_MAX } from '../../crdt/hlc.ts'
import type { ForeignRecord, MapEntry, MapPut, RecordPut } from './delta.ts'
import { type CodecLimits, FrameReader, FrameWriter } from './frame-codec.ts'
import { encodeStorageKey, type StorageKey, StorageKeyReader } from './storage-key.ts'
import type { StorageOp } from './storage-op.ts'

/** One decoded record. */
export type StoredPiece =
  | { readonly kind: 'clock'; readonly clock: ClockState }
  | { readonly kind: 'context'; readonly actor: ActorId; readonly addTo: (context: CausalContext) => void }
  | ({ readonly kind: 'entry' } & MapPut)
  | { readonly kind: 'member'; readonly set: string; readonly member: string; readonly dots: readonly Dot[] }
  | ({ readonly kind: 'record' } & RecordPut)

/** What was within the limits when it was written is read again, also after limits were lowered. */
const NO_LIMITS: CodecLimits = {
  keyBytesMax: Number.MAX_SAFE_INTEGER,
  nameBytesMax: Number.MAX_SAFE_INTEGER,
  valueBytesMax: Number.MAX_SAFE_INTEGER,
}

export function clockOp(clock: ClockState): StorageOp {
  return put({ kind: 'clock' }, new ByteWriter(12).varint(clock.ms).varint(clock.logical).finish())
}

/** What `context` holds of one actor; a delete when that is nothing. */
export function contextOp(context: CausalContext, actor: ActorId): StorageOp {
  const key: StorageKey = { kind: 'context', actor }
  if (context.maxOf(actor) === 0) return { type: 'delete', key: encodeStorageKey(key) }
  return framed(key, (frame) => frame.intervals(context, actor))
}

/** @param entry undefined when none is held: the record goes */
export function entryOp(map: string, key: string, entry: MapEntry | undefined): StorageOp {
  return framed({ kind: 'entry', map, key }, entry && ((frame) => frame.entry(entry)))
}

export function memberOp(set: string, member: string, dots: readonly Dot[]): StorageOp {
  const write = (frame: FrameWriter): void => {
    frame.bytes.varint(dots.length)
    for (const dot of dots) frame.dot(dot)
  }
  return framed({ kind: 'member', set, member }, dots.length === 0 ? undefined : write)
}

export function recordOp(table: string, key: string, record: ForeignRecord | undefined): StorageOp {
  return framed({ kind: 'record', table, key }, record && ((frame) => frame.record(record)))
}

/** @throws BytesError when it is no record of ours */
export function decodePiece(key: Uint8Array, value: Uint8Array): StoredPiece {
  return new PieceReader().read(key, value)
}

/** Reads many records, of which most repeat a few names and actors; the bytes of small values share buffers. */
export class PieceReader {
  readonly #keys = new StorageKeyReader()
  readonly #slab = new ByteSlab()
  readonly #frame = new FrameReader(new Uint8Array(), NO_LIMITS, {
    ownBytes: (bytes) => this.#slab.copy(bytes),
  })

  /** @throws BytesError when it is no record of ours */
  read(keyBytes: Uint8Array, value: Uint8Array): StoredPiece {
    const key = this.#keys.read(keyBytes)
    if (key.kind === 'clock') return { kind: 'clock', clock: readClock(value) }
    const frame = this.#frame
    frame.reset(value)
    const piece = readPiece(key, frame)
    frame.end()
    return piece
  }
}

function readPiece(key: Exclude<StorageKey, { readonly kind: 'clock' }>, frame: FrameReader): StoredPiece {
  switch (key.kind) {
    case 'context': {
      const intervals = frame.intervals()
      const { actor } = key
      const addTo = (context: CausalContext): void => {
        for (const interval of intervals) context.addInterval(actor, interval)
      }
      return { kind: 'context', actor, addTo }
    }
    case 'entry':
      return { kind: 'entry', map: key.map, key: key.key, entry: frame.entry() }
    case 'member':
      return { kind: 'member', set: key.set, member: key.member, dots: frame.list(() => frame.dot()) }
    case 'record':
      return { kind: 'record', table: key.table, key: key.key, record: frame.record() }
  }
}

function readClock(value: Uint8Array): ClockState {
  const reader = new ByteReader(value)
  const clock = { ms: reader.varint(), logical: reader.varint() }
  if (clock.logical > LOGICAL_MAX || reader.remaining > 0) {
    throw new BytesError('BYTES_MALFORMED', 'not a clock')
  }
  return clock
}

/** Reused: a batch makes up to 100,000 records of some 100 bytes. */
const scratch = new FrameWriter()
/** Of records on their way to the storage, which keeps none of them (storage.ts). */
const slab = new ByteSlab()

function framed(key: StorageKey, write: ((frame: FrameWriter) => void) | undefined): StorageOp {
  if (write === undefined) return { type: 'delete', key: encodeStorageKey(key) }
  const frame = scratch
  frame.reset()
  write(frame)
  return put(key, frame.bytes.finishIn(slab))
}

function put(key: StorageKey, value: Uint8Array): StorageOp {
  return { type: 'put', key: encodeStorageKey(key), value }
}
