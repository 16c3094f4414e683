/**
 * The compressed frame: type byte 9, then a map of the algorithm (0 is LZW, the only one) and the packed bytes.
 *
 * Two ways to read it. A datagram's is there as a whole and expands to little: at once. A stream's is read as it comes,
 * and what it expands to is handed on piece by piece: its packed bytes are gone before it ends, and a small frame that
 * expands to much is stopped by whoever reads what comes out.
 */
import { utf8Encode } from '../../base/bytes.ts'
import type { ByteAccumulator } from './byte-accumulator.ts'
import type { DropReason } from './drop-reason.ts'
import { LZW_STRING_BYTES_MAX, LzwDecoder, lzwDecode } from './lzw-decoder.ts'
import { lzwEncode } from './lzw-encoder.ts'
import { MessageType } from './message-type.ts'
import { MsgpackCursor } from './msgpack-cursor.ts'
import { encodedKey, MsgpackWriter } from './msgpack-writer.ts'
import { type Layout, readStruct, uintField, viewField } from './struct-layout.ts'

interface CompressedBody {
  algorithm: number
  packed: Uint8Array
}

interface CompressedHead {
  algorithm: number
  packedAt: number
  packedBytes: number
}

const LZW = 0
/** Of a stream's frame, before the packed bytes; Go's has 16. */
const HEAD_BYTES_MAX = 256
/** What one `read` expands at most. */
const PIECE_BYTES: number = 32 * 1024
const ALGORITHM = uintField('Algo', 'algorithm', 255)
const LAYOUT: Layout<CompressedBody> = [ALGORITHM, viewField('Buf', 'packed')]
const HEAD_LAYOUT: Layout<CompressedHead> = [
  ALGORITHM,
  {
    key: utf8Encode('Buf'),
    read: (cursor, head) => {
      const length = cursor.rawLength()
      if (cursor.failure !== undefined) return
      head.packedBytes = length
      head.packedAt = cursor.position
      // Nothing is read as msgpack from here on.
      cursor.fail('truncated')
    },
  },
]
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

// Shared by all readers: a piece is taken over before the next is made.
const piece = new Uint8Array(PIECE_BYTES + LZW_STRING_BYTES_MAX)

export class CompressedReader {
  readonly #packedBytesMax: number
  readonly #inflatedBytesMax: number
  readonly #decoder = new LzwDecoder()
  #packedLeft = 0
  #inflatedBytes = 0
  #over: 'ended' | 'lzw-malformed' | undefined

  /**
   * @param packedBytesMax bound on what the frame announces
   * @param inflatedBytesMax bound on what it expands to
   */
  constructor(packedBytesMax: number, inflatedBytesMax: number) {
    this.#packedBytesMax = packedBytesMax
    this.#inflatedBytesMax = inflatedBytesMax
  }

  /** Bytes it has expanded to. */
  get inflatedBytes(): number {
    return this.#inflatedBytes
  }

  /** Consumes the head of the frame from `input`, which starts behind the type byte. */
  readHead(input: ByteAccumulator): 'done' | 'need-more' | DropReason {
    const end = Math.min(input.end, input.start + HEAD_BYTES_MAX)
    const cursor = new MsgpackCursor(input.bytes, input.start, end)
    const head: CompressedHead = { algorithm: LZW, packedAt: -1, packedBytes: 0 }
    readStruct(cursor, HEAD_LAYOUT, head)
    if (head.algorithm !== LZW) return 'unknown-compression'
    if (head.packedAt < 0) {
      if (cursor.failure !== 'truncated') return cursor.failure ?? 'lzw-malformed'
      return input.length < HEAD_BYTES_MAX ? 'need-more' : 'too-large'
    }
    if (head.packedBytes > this.#packedBytesMax) return 'too-large'
    input.consume(head.packedAt - input.start)
    this.#packedLeft = head.packedBytes
    return 'done'
  }

  /** Expands a piece of `packed` into `output`. */
  read(packed: ByteAccumulator, output: ByteAccumulator): 'read' | 'ended' | 'need-more' | DropReason {
    if (this.#over !== undefined) return this.#over
    const end = packed.start + Math.min(packed.length, this.#packedLeft)
    const outcome = this.#decoder.step(packed.bytes, packed.start, end, piece, 0)
    const { position, written } = this.#decoder
    const usedBytes = position - packed.start
    this.#packedLeft -= usedBytes
    packed.consume(usedBytes)
    this.#inflatedBytes += written
    if (this.#inflatedBytes > this.#inflatedBytesMax) return 'too-large'
    if (outcome === 'lzw-malformed' || outcome === 'ended') this.#over = outcome
    if (outcome === 'ended' && this.#inflatedBytes === 0) return 'empty'
    if (written > 0) {
      // What is right comes out before what is wrong, however the bytes are cut.
      output.push(piece.subarray(0, written))
      return 'read'
    }
    return this.#over ?? (this.#packedLeft > 0 ? 'need-more' : 'lzw-malformed')
  }
}
