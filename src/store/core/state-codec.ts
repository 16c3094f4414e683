/** Bytes of deltas and full states, for the private wire. */
import type { Delta, FullState } from './delta.ts'

export interface CodecLimits {
  /** UTF-8 bytes of a key or set member. */
  readonly keyBytesMax: number
  /** UTF-8 bytes of a map, set or table name, and of a content type. */
  readonly nameBytesMax: number
  readonly valueBytesMax: number
}

export const DEFAULT_CODEC_LIMITS: CodecLimits = {
  keyBytesMax: 1024,
  nameBytesMax: 1024,
  valueBytesMax: 1_048_576,
}

export function encodeDelta(_delta: Delta): Uint8Array {
  throw new Error('being written')
}

/** @throws BytesError, HearsayError `STATE_VERSION_UNSUPPORTED` | `STATE_LIMIT_EXCEEDED` */
export function decodeDelta(_bytes: Uint8Array, _limits: CodecLimits = DEFAULT_CODEC_LIMITS): Delta {
  throw new Error('being written')
}

export function encodeFullState(_full: FullState): Uint8Array {
  throw new Error('being written')
}

export function decodeFullState(_bytes: Uint8Array, _limits: CodecLimits = DEFAULT_CODEC_LIMITS): FullState {
  throw new Error('being written')
}
