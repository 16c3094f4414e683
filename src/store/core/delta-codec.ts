/**
 * Bytes of deltas, for the private wire.
 *
 * frame: layout version, kind, then counted lists: puts (map, key, entry), adds (set, member, dot), covered dots, records
 * (table, key, record). Nothing may follow. The pieces are those of frame-codec.ts.
 *
 * What breaks a rule refuses the whole frame. Skipping a line would not do: a mutation that covers what it replaces, without
 * the line that replaces it, reads as a removal.
 */
import { BytesError } from '../../base/bytes.ts'
import { HearsayError } from '../../base/errors.ts'
import type { Delta, MapPut, RecordPut, SetAdd } from './delta.ts'
import { type CodecLimits, DEFAULT_CODEC_LIMITS, FrameReader, FrameWriter } from './frame-codec.ts'

const LAYOUT_VERSION = 1
const KIND_DELTA = 1

/** Reused: a burst makes thousands of small frames a second. */
const scratch = new FrameWriter()

/** @param head bytes to stand before it */
export function encodeDelta(delta: Delta, head?: Uint8Array): Uint8Array {
  const frame = scratch
  frame.reset()
  if (head !== undefined) frame.bytes.raw(head)
  frame.bytes.u8(LAYOUT_VERSION).u8(KIND_DELTA)
  writePuts(frame, delta.puts)
  writeAdds(frame, delta.adds)
  frame.bytes.varint(delta.covered.length)
  for (const dot of delta.covered) frame.dot(dot)
  writeRecords(frame, delta.records)
  return frame.bytes.finish()
}

/** @throws BytesError, HearsayError `STATE_VERSION_UNSUPPORTED` | `STATE_LIMIT_EXCEEDED` */
export function decodeDelta(bytes: Uint8Array, limits: CodecLimits = DEFAULT_CODEC_LIMITS): Delta {
  const frame = opened(bytes, limits)
  const delta = {
    puts: readPuts(frame),
    adds: readAdds(frame),
    covered: frame.list(() => frame.dot()),
    records: readRecords(frame),
  }
  frame.end()
  return delta
}

function opened(bytes: Uint8Array, limits: CodecLimits): FrameReader {
  const frame = new FrameReader(bytes, limits)
  const version = frame.bytes.u8()
  if (version !== LAYOUT_VERSION) {
    throw new HearsayError('STATE_VERSION_UNSUPPORTED', `state layout ${version}; known is ${LAYOUT_VERSION}`)
  }
  if (frame.bytes.u8() !== KIND_DELTA) throw new BytesError('BYTES_MALFORMED', 'a frame of another kind')
  return frame
}

function writePuts(frame: FrameWriter, puts: readonly MapPut[]): void {
  frame.bytes.varint(puts.length)
  for (const { map, key, entry } of puts) {
    frame.name(map)
    frame.bytes.string(key)
    frame.entry(entry)
  }
}

function readPuts(frame: FrameReader): MapPut[] {
  return frame.list(() => ({ map: frame.name(), key: frame.key(), entry: frame.entry() }))
}

function writeAdds(frame: FrameWriter, adds: readonly SetAdd[]): void {
  frame.bytes.varint(adds.length)
  for (const { set, member, dot } of adds) {
    frame.name(set)
    frame.bytes.string(member)
    frame.dot(dot)
  }
}

function readAdds(frame: FrameReader): SetAdd[] {
  return frame.list(() => ({ set: frame.name(), member: frame.key(), dot: frame.dot() }))
}

function writeRecords(frame: FrameWriter, records: readonly RecordPut[]): void {
  frame.bytes.varint(records.length)
  for (const { table, key, record } of records) {
    frame.name(table)
    frame.bytes.string(key)
    frame.record(record)
  }
}

function readRecords(frame: FrameReader): RecordPut[] {
  return frame.list(() => ({ table: frame.name(), key: frame.key(), record: frame.record() }))
}
