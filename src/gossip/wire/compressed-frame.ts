/** The compressed frame: type byte 9, then a map of the algorithm (0 is LZW, the only one) and the packed bytes. */
import type { DropReason } from './drop-reason.ts'
import { lzwDecode } from './lzw-decoder.ts'
import { lzwEncode } from './lzw-encoder.ts'
import { MessageType } from './message-type.ts'
import { MsgpackCursor } from './msgpack-cursor.ts'
import { encodedKey, MsgpackWriter } from './msgpack-writer.ts'
import { type Layout, readStruct, uintField, viewField } from './struct-layout.ts'

interface CompressedBody {
  algorithm: number
  packed: Uint8Array
}

const LZW = 0
const LAYOUT: Layout<CompressedBody> = [uintField('Algo', 'algorithm', 255), viewField('Buf', 'packed')]
const KEY_ALGO = encodedKey('Algo')
const KEY_BUF = encodedKey('Buf')

/** The whole frame; may be longer than what it holds, which the caller compares. */
export function encodeCompressed(inner: Uint8Array): Uint8Array {
  const packed = lzwEncode(inner)
  return new MsgpackWriter(packed.length + 32)
    .u8(MessageType.compressed)
    .mapHead(2)
    .verbatim(KEY_ALGO)
    .uint(LZW)
    .verbatim(KEY_BUF)
    .raw(packed)
    .finish()
}

/**
 * @param start first byte after the type byte
 * @param maxBytes bound on the bytes that come out
 * @returns at least one byte, or why not
 */
export function decodeCompressed(
  bytes: Uint8Array,
  start: number,
  end: number,
  maxBytes: number,
): Uint8Array | DropReason {
  const cursor = new MsgpackCursor(bytes, start, end)
  const body: CompressedBody = { algorithm: LZW, packed: new Uint8Array(0) }
  readStruct(cursor, LAYOUT, body)
  if (cursor.failure !== undefined) return cursor.failure
  if (body.algorithm !== LZW) return 'unknown-compression'
  const inner = lzwDecode(body.packed, maxBytes)
  return typeof inner !== 'string' && inner.length === 0 ? 'empty' : inner
}
