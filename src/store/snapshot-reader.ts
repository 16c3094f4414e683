/**
 * Reads a snapshot as its bytes arrive, in whatever pieces, and believes nothing before it has been checked: each frame's
 * checksum before its records are given out, and at the end the hash over everything, so that a file which was cut between
 * two frames, or put together from two, is noticed as well. Holds one frame.
 */
import { createHash, type Hash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { BytesError } from '../base/bytes.ts'
import { HearsayError } from '../base/errors.ts'
import { PieceReader } from './core/disk-layout.ts'
import {
  checkOpening,
  damaged,
  decodeFrame,
  FRAME_BYTES_MAX,
  FRAME_HEAD_BYTES,
  OPENING_BYTES,
  type SnapshotFrame,
  type SnapshotRecord,
} from './snapshot-format.ts'

export interface SnapshotSummary {
  readonly bytes: number
  readonly savedAtMs: number
  readonly records: number
  /** Map entries with a value; expired ones included. */
  readonly entries: number
  readonly tombstones: number
  readonly setMembers: number
  /** Silences and notification log. */
  readonly foreignRecords: number
  readonly contextActors: number
}

type Counts = { -readonly [Name in keyof SnapshotSummary]: SnapshotSummary[Name] }

export class SnapshotReader {
  readonly #visit: (records: readonly SnapshotRecord[]) => Promise<void> | undefined
  readonly #hash: Hash = createHash('sha256')
  readonly #counts: Counts = {
    bytes: 0,
    savedAtMs: 0,
    records: 0,
    entries: 0,
    tombstones: 0,
    setMembers: 0,
    foreignRecords: 0,
    contextActors: 0,
  }
  readonly #pieces = new PieceReader()
  #waiting: Uint8Array = new Uint8Array()
  /** What has come since, put together only when a whole frame is there: a frame may come in thousands of pieces. */
  #arrived: Uint8Array[] = []
  #arrivedBytes = 0
  /** Bytes that the next step takes. */
  #neededBytes = OPENING_BYTES
  #opened = false
  #ended = false

  /** @param visit gets the records of one checked frame at a time; what it returns is awaited */
  constructor(visit: (records: readonly SnapshotRecord[]) => Promise<void> | undefined = () => undefined) {
    this.#visit = visit
  }

  /** Bytes checked so far. */
  get bytes(): number {
    return this.#counts.bytes
  }

  /** @throws HearsayError `SNAPSHOT_DAMAGED` with the offset, `SNAPSHOT_FORMAT_NEWER`, and what `visit` throws */
  async take(piece: Uint8Array): Promise<void> {
    this.#arrived.push(piece)
    this.#arrivedBytes += piece.length
    if (this.#waiting.length + this.#arrivedBytes < this.#neededBytes) return
    this.#waiting = Buffer.concat([this.#waiting, ...this.#arrived])
    this.#arrived = []
    this.#arrivedBytes = 0
    if (!this.#opened) {
      checkOpening(this.#waiting)
      this.#pass(OPENING_BYTES)
      this.#opened = true
    }
    while (this.#opened) {
      const body = this.#body()
      if (body === undefined) return
      await this.#frame(body)
    }
  }

  /** After the last piece. @throws HearsayError `SNAPSHOT_DAMAGED` */
  finish(): SnapshotSummary {
    const left = this.#waiting.length + this.#arrivedBytes
    if (!this.#ended) throw damaged(this.#counts.bytes + left, 'it ends before its end')
    if (left > 0) throw damaged(this.#counts.bytes, 'something follows its end')
    return this.#counts
  }

  /** The body of the next frame, once it is there in full. */
  #body(): Uint8Array | undefined {
    const at = this.#counts.bytes
    if (this.#ended && this.#waiting.length > 0) throw damaged(at, 'something follows its end')
    this.#neededBytes = FRAME_HEAD_BYTES
    if (this.#waiting.length < FRAME_HEAD_BYTES) return undefined
    const head = new DataView(this.#waiting.buffer, this.#waiting.byteOffset, FRAME_HEAD_BYTES)
    const length = head.getUint32(0)
    if (length > FRAME_BYTES_MAX) throw damaged(at, `a frame of ${length} bytes`)
    this.#neededBytes = FRAME_HEAD_BYTES + length
    if (this.#waiting.length < this.#neededBytes) return undefined
    const body = this.#waiting.subarray(FRAME_HEAD_BYTES, FRAME_HEAD_BYTES + length)
    if (crc32(body) !== head.getUint32(4)) throw damaged(at, 'the checksum of a frame is wrong')
    return body
  }

  async #frame(body: Uint8Array): Promise<void> {
    const at = this.#counts.bytes
    const frame = readable(at, () => decodeFrame(body))
    if (frame.kind === 'end') this.#end(frame)
    else if (frame.kind === 'head') this.#counts.savedAtMs = frame.savedAtMs
    else {
      for (const record of frame.records) readable(at, () => this.#count(record))
      await this.#visit(frame.records)
    }
    this.#pass(FRAME_HEAD_BYTES + body.length)
  }

  #end({ records, hash }: SnapshotFrame & { readonly kind: 'end' }): void {
    const at = this.#counts.bytes
    if (records !== this.#counts.records) {
      throw damaged(at, `${records} records were saved and ${this.#counts.records} are there`)
    }
    if (!this.#hash.digest().equals(hash)) throw damaged(at, 'the hash over all of it is wrong')
    this.#ended = true
  }

  #pass(length: number): void {
    if (!this.#ended) this.#hash.update(this.#waiting.subarray(0, length))
    this.#counts.bytes += length
    this.#waiting = this.#waiting.subarray(length)
  }

  #count([key, payload]: SnapshotRecord): void {
    const counts = this.#counts
    const piece = this.#pieces.read(key, payload)
    counts.records++
    if (piece.kind === 'context') counts.contextActors++
    else if (piece.kind === 'member') counts.setMembers++
    else if (piece.kind === 'record') counts.foreignRecords++
    else if (piece.kind === 'entry') {
      if (piece.entry.value === undefined) counts.tombstones++
      else counts.entries++
    }
  }
}

/** A checksum that is right over something that is not ours: made by somebody else, or by a fault of ours. */
function readable<T>(at: number, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof BytesError || error instanceof HearsayError) throw damaged(at, error.message)
    throw error
  }
}
