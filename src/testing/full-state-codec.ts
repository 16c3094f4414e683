/**
 * Bytes of a whole state, for oracles and benchmarks: its context, then all it holds as one delta. Replicas send none.
 */
import { ByteReader, ByteWriter } from '../base/bytes.ts'
import type { FullState } from '../store/core/delta.ts'
import { decodeDelta, encodeDelta } from '../store/core/delta-codec.ts'
import { DEFAULT_CODEC_LIMITS, FrameReader, FrameWriter } from '../store/core/frame-codec.ts'

export function encodeFullState({ context, puts, adds, records }: FullState): Uint8Array {
  const frame = new FrameWriter()
  frame.context(context)
  const delta = encodeDelta({ puts, adds, covered: [], records })
  return new ByteWriter(delta.length + 256).bytes(frame.bytes.finish()).bytes(delta).finish()
}

/** @throws as decodeDelta */
export function decodeFullState(bytes: Uint8Array): FullState {
  const reader = new ByteReader(bytes)
  const frame = new FrameReader(reader.bytes(), DEFAULT_CODEC_LIMITS)
  const context = frame.context()
  frame.end()
  const { puts, adds, records } = decodeDelta(reader.bytes())
  return { context, puts, adds, records }
}
