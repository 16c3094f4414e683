/**
 * The pieces that disk records and wire frames are made of: dots, stamps, entries, records, contexts.
 *
 * Fixed layout over base/bytes.ts. Actor ids and names are written out once a frame and named by number afterwards
 * (`0` and the text, then 1, 2, ...), so a frame with 64 writes of one actor spends 16 bytes on it, not a kilobyte.
 * The reader is bounded by the bytes it is given: a count never sizes memory, and each text has its limit.
 */
import { ByteReader, BytesError, ByteWriter } from '../../base/bytes.ts'
import { HearsayError } from '../../base/errors.ts'
import type { ActorId } from '../../base/names.ts'
import { CausalContext, type Interval } from '../../crdt/context.ts'
import type { Dot } from '../../crdt/dot.ts'
import { LOGICAL_MAX, STAMP_MS_MAX, type Stamp } from '../../crdt/hlc.ts'
import { writeActor } from './actor-bytes.ts'
import type { ForeignRecord, MapEntry, StoredValue } from './delta.ts'
import { SharedTexts } from './shared-texts.ts'

export interface CodecLimits {
  /** UTF-8 bytes of a key or set member. */
  readonly keyBytesMax: number
  /** UTF-8 bytes of a map, set or table name, and of a content type. */
  readonly nameBytesMax: number
  readonly valueBytesMax: number
}

/** What every replica reads, whatever its own limits are: these can be set to less, and up to here (store-limits.ts). */
export const DEFAULT_CODEC_LIMITS: CodecLimits = {
  keyBytesMax: 16_384,
  nameBytesMax: 1024,
  valueBytesMax: 4_194_304,
}

const HAS_VALUE = 1
const HAS_EXPIRY = 2

export class FrameWriter {
  readonly bytes: ByteWriter = new ByteWriter()
  readonly #actors = new Numbering<ActorId>()
  readonly #names = new Numbering<string>()

  /** Starts another frame, for callers that write very many small ones. */
  reset(): void {
    this.bytes.reset()
    this.#actors.reset()
    this.#names.reset()
  }

  actor(actor: ActorId): void {
    if (!this.#known(this.#actors, actor)) writeActor(this.bytes, actor)
  }

  name(name: string): void {
    if (!this.#known(this.#names, name)) this.bytes.string(name)
  }

  dot(dot: Dot): void {
    this.actor(dot.actor)
    this.bytes.varint(dot.n)
  }

  entry({ dot, stamp, value, expiresAtMs }: MapEntry): void {
    this.dot(dot)
    this.bytes.varint(stamp.epoch).varint(stamp.ms).varint(stamp.logical)
    this.actor(stamp.actor)
    this.bytes.u8((value === undefined ? 0 : HAS_VALUE) | (expiresAtMs === undefined ? 0 : HAS_EXPIRY))
    if (value !== undefined) {
      this.name(value.contentType)
      this.bytes.bytes(value.bytes)
    }
    if (expiresAtMs !== undefined) this.bytes.varint(expiresAtMs)
  }

  record({ versionNs, expiresAtMs, bytes }: ForeignRecord): void {
    this.bytes.i64(versionNs).varint(Math.max(0, expiresAtMs)).bytes(bytes)
  }

  /** What was seen of one actor. */
  intervals(context: CausalContext, actor: ActorId): void {
    const intervals = context.intervals(actor)
    this.bytes.varint(intervals.length)
    let above = 0
    for (const { first, last } of intervals) {
      this.bytes.varint(first - above).varint(last - first)
      above = last
    }
  }

  context(context: CausalContext): void {
    const actors = context.actors()
    this.bytes.varint(actors.length)
    for (const actor of actors) {
      this.actor(actor)
      this.intervals(context, actor)
    }
  }

  /** Writes the number of what was named before, or 0 and leaves the text to the caller. */
  #known<T>(numbering: Numbering<T>, value: T): boolean {
    const number = numbering.numberOf(value)
    this.bytes.varint(number)
    return number > 0
  }
}

/** Up to here a look at each value beats a Map. Most frames name two or three. */
const FEW = 8

/** Numbers values from 1 in the order they come. */
class Numbering<T> {
  readonly #few: T[] = []
  #many: Map<T, number> | undefined

  /** 0 for a value that is met for the first time. */
  numberOf(value: T): number {
    const few = this.#few
    for (let i = 0; i < few.length; i++) if (few[i] === value) return i + 1
    if (few.length < FEW) {
      few.push(value)
      return 0
    }
    this.#many ??= new Map()
    const number = this.#many.get(value)
    if (number === undefined) this.#many.set(value, FEW + this.#many.size + 1)
    return number ?? 0
  }

  reset(): void {
    this.#few.length = 0
    this.#many = undefined
  }
}

/** One for all: frames of one mutation repeat what the frame before named. */
const TEXTS = new SharedTexts()

export interface FrameReaderOptions {
  /** How values are kept: by default each in a copy of its own, so that none holds a large frame in memory. */
  readonly ownBytes?: (view: Uint8Array) => Uint8Array
}

export class FrameReader {
  readonly bytes: ByteReader
  readonly #limits: CodecLimits
  readonly #ownBytes: (view: Uint8Array) => Uint8Array
  readonly #actors = new Named<ActorId>()
  readonly #names = new Named<string>()

  constructor(bytes: Uint8Array, limits: CodecLimits, { ownBytes = copyOf }: FrameReaderOptions = {}) {
    this.bytes = new ByteReader(bytes)
    this.#limits = limits
    this.#ownBytes = ownBytes
  }

  /** Starts over with another frame, for callers that read very many small ones. */
  reset(bytes: Uint8Array): void {
    this.bytes.reset(bytes)
    this.#actors.reset()
    this.#names.reset()
  }

  actor(): ActorId {
    const number = this.bytes.varint()
    return number > 0 ? this.#actors.at(number) : this.#actors.add(TEXTS.actor(this.bytes))
  }

  name(): string {
    const number = this.bytes.varint()
    if (number > 0) return this.#names.at(number)
    return this.#names.add(TEXTS.name(this.bytes, this.#length(this.#limits.nameBytesMax)))
  }

  key(): string {
    return this.bytes.text(this.#length(this.#limits.keyBytesMax))
  }

  dot(): Dot {
    const actor = this.actor()
    return { actor, n: this.#positive() }
  }

  entry(): MapEntry {
    const dot = this.dot()
    const stamp = this.#stamp()
    const flags = this.bytes.u8()
    if (flags > (HAS_VALUE | HAS_EXPIRY)) throw new BytesError('BYTES_MALFORMED', 'unknown entry flags')
    const value = (flags & HAS_VALUE) === 0 ? undefined : this.#value()
    const expiresAtMs = (flags & HAS_EXPIRY) === 0 ? undefined : this.bytes.varint()
    return { dot, stamp, value, expiresAtMs }
  }

  record(): ForeignRecord {
    const versionNs = this.bytes.i64()
    const expiresAtMs = this.bytes.varint()
    // Bounded by the frame; what the record may hold is its own admission's business.
    return { versionNs, expiresAtMs, bytes: this.#ownBytes(this.bytes.bytes()) }
  }

  intervals(): Interval[] {
    let above = 0
    return this.list(() => {
      const first = above + this.#positive()
      const last = first + this.bytes.varint()
      if (!Number.isSafeInteger(last)) throw new BytesError('BYTES_MALFORMED', 'interval above 2^53')
      above = last
      return { first, last }
    })
  }

  context(): CausalContext {
    const context = new CausalContext()
    for (let count = this.bytes.varint(); count > 0; count--) {
      const actor = this.actor()
      for (const interval of this.intervals()) context.addInterval(actor, interval)
    }
    return context
  }

  list<T>(item: () => T): T[] {
    const items: T[] = []
    for (let count = this.bytes.varint(); count > 0; count--) items.push(item())
    return items
  }

  /** @throws BytesError `BYTES_MALFORMED` when something follows */
  end(): void {
    if (this.bytes.remaining > 0) throw new BytesError('BYTES_MALFORMED', 'bytes after the end')
  }

  #stamp(): Stamp {
    const epoch = this.bytes.varint()
    const ms = this.bytes.varint()
    const logical = this.bytes.varint()
    if (ms > STAMP_MS_MAX) throw new BytesError('BYTES_MALFORMED', 'physical time above its limit')
    if (logical > LOGICAL_MAX) throw new BytesError('BYTES_MALFORMED', 'logical time above its limit')
    return { epoch, ms, logical, actor: this.actor() }
  }

  #value(): StoredValue {
    const contentType = this.name()
    return { contentType, bytes: this.#ownBytes(this.bytes.raw(this.#length(this.#limits.valueBytesMax))) }
  }

  #positive(): number {
    const n = this.bytes.varint()
    if (n === 0) throw new BytesError('BYTES_MALFORMED', 'numbers count from 1')
    return n
  }

  #length(bytesMax: number): number {
    const length = this.bytes.varint()
    if (length > bytesMax) {
      throw new HearsayError('STATE_LIMIT_EXCEEDED', `${length} bytes; the limit is ${bytesMax}`)
    }
    return length
  }
}

function copyOf(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes)
}

/** What a frame has named so far, by number from 1. The array is kept when it starts over: emptying it costs more. */
class Named<T> {
  readonly #values: T[] = []
  #count = 0

  add(value: T): T {
    this.#values[this.#count++] = value
    return value
  }

  at(number: number): T {
    const value = this.#values[number - 1]
    if (number > this.#count || value === undefined) {
      throw new BytesError('BYTES_MALFORMED', 'refers to a name that was not given')
    }
    return value
  }

  reset(): void {
    this.#count = 0
  }
}
