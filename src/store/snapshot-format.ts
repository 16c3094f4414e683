/**
 * The format of a snapshot: the records of a store, as they stand on its disk, in one file that says whether it is whole.
 *
 *   magic "hearsay snapshot\n" (17 bytes), format version (1 byte)
 *   frames: length (u32), CRC-32 of the body (u32), body
 *
 * Body: its kind, then for `head` the wall time in ms; for `records` pairs of key and payload, each with its length, keys
 * and payloads as in core/disk-layout.ts; for `end` the number of records and the SHA-256 of all bytes before this frame.
 * Nothing follows the end. Numbers are varints unless said otherwise.
 *
 * The records of the causal context come first, as they were before anything else was looked at: an entry that was written
 * in between is then held without being claimed, which is harmless, where the other order would claim what is not there.
 * The actor is not in it: what is restored goes on as somebody new.
 */
import { createHash, type Hash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { ByteReader, ByteWriter } from '../base/bytes.ts'
import { HearsayError } from '../base/errors.ts'

export const SNAPSHOT_TYPE = 'application/vnd.hearsay.snapshot'
const MAGIC = 'hearsay snapshot\n'
const FORMAT = 1
export const OPENING_BYTES: number = MAGIC.length + 1
export const FRAME_HEAD_BYTES = 8
/** A frame is closed once it has this many bytes; one record may go beyond. */
export const FRAME_BYTES: number = 64 * 1024
/** Above the largest record a store takes by default (a value of 1 MiB), with room for raised limits. */
export const FRAME_BYTES_MAX: number = 256 * 1024 * 1024

const KIND_HEAD = 1
const KIND_RECORDS = 2
const KIND_END = 3

export type SnapshotRecord = readonly [key: Uint8Array, payload: Uint8Array]

export type SnapshotFrame =
  | { readonly kind: 'head'; readonly savedAtMs: number }
  | { readonly kind: 'records'; readonly records: readonly SnapshotRecord[] }
  | { readonly kind: 'end'; readonly records: number; readonly hash: Uint8Array }

/** Makes the bytes of one snapshot, in order. */
export class SnapshotEncoder {
  readonly #hash: Hash = createHash('sha256')
  #frame = new ByteWriter(FRAME_BYTES + 4096).u8(KIND_RECORDS)
  #records = 0

  /** The beginning, to be sent before anything else. */
  open(savedAtMs: number): Uint8Array {
    const opening = new ByteWriter(64).text(MAGIC).u8(FORMAT)
    return this.#hashed(
      opening.raw(framed(new ByteWriter().u8(KIND_HEAD).varint(savedAtMs).finish())).finish(),
    )
  }

  /** @returns a frame to be sent, when one is full */
  add(key: Uint8Array, payload: Uint8Array): Uint8Array | undefined {
    this.#frame.bytes(key).bytes(payload)
    this.#records++
    return this.#frame.length < FRAME_BYTES ? undefined : this.#flush()
  }

  /** The rest, to be sent last. */
  close(): Uint8Array {
    const rest = this.#frame.length > 1 ? this.#flush() : new Uint8Array()
    const end = new ByteWriter().u8(KIND_END).varint(this.#records).raw(this.#hash.digest()).finish()
    return new ByteWriter().raw(rest).raw(framed(end)).finish()
  }

  #flush(): Uint8Array {
    const bytes = framed(this.#frame.finish())
    this.#frame = new ByteWriter(FRAME_BYTES + 4096).u8(KIND_RECORDS)
    return this.#hashed(bytes)
  }

  #hashed(bytes: Uint8Array): Uint8Array {
    this.#hash.update(bytes)
    return bytes
  }
}

function framed(body: Uint8Array): Uint8Array {
  return new ByteWriter(FRAME_HEAD_BYTES + body.length).u32(body.length).u32(crc32(body)).raw(body).finish()
}

/** @throws HearsayError `SNAPSHOT_DAMAGED` when it is no snapshot, `SNAPSHOT_FORMAT_NEWER` */
export function checkOpening(bytes: Uint8Array): void {
  const isOurs = Buffer.from(bytes.subarray(0, MAGIC.length)).toString('latin1') === MAGIC
  if (!isOurs) throw damaged(0, 'it does not begin as a snapshot does')
  const format = bytes[MAGIC.length] ?? 0
  if (format > FORMAT) {
    throw new HearsayError(
      'SNAPSHOT_FORMAT_NEWER',
      `the snapshot has format ${format}, but this version of hearsay knows only formats up to ${FORMAT}`,
    )
  }
  if (format !== FORMAT) throw damaged(MAGIC.length, `its format is ${format}`)
}

/**
 * @param body of a frame whose checksum is right
 * @throws HearsayError what `ByteReader` throws, when it is none of ours all the same
 */
export function decodeFrame(body: Uint8Array): SnapshotFrame {
  const reader = new ByteReader(body)
  const kind = reader.u8()
  if (kind === KIND_HEAD) return { kind: 'head', savedAtMs: reader.varint() }
  if (kind === KIND_END) return { kind: 'end', records: reader.varint(), hash: reader.raw(32) }
  if (kind !== KIND_RECORDS) throw new HearsayError('SNAPSHOT_DAMAGED', `there is no frame of kind ${kind}`)
  const records: SnapshotRecord[] = []
  while (reader.remaining > 0) records.push([reader.bytes(), reader.bytes()])
  return { kind: 'records', records }
}

export function damaged(offset: number, fault: string): HearsayError {
  return new HearsayError('SNAPSHOT_DAMAGED', `the snapshot is damaged at byte ${offset}: ${fault}`)
}
