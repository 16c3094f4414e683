/**
 * Remembers the few texts that nearly all records and frames repeat (actors, maps, content types): bytes that are known
 * are compared, not decoded, and a million entries share one string.
 *
 * Bounded, and safe to share by everything that is decoded: a peer that names ever new actors and maps pushes the others
 * out, and then they are decoded again.
 */
import { type ByteReader, utf8Decode } from '../../base/bytes.ts'
import type { ActorId } from '../../base/names.ts'
import { ACTOR_BYTES, decodeActor } from './actor-bytes.ts'

/** Remembered of each kind. Looked through one by one, so it must be few. */
const REMEMBERED_MAX = 16
/** Longer names are decoded each time. */
const NAME_BYTES_MAX = 128

interface Remembered<T> {
  readonly bytes: Uint8Array
  readonly value: T
}

export class SharedTexts {
  readonly #actors = new Texts<ActorId>()
  readonly #names = new Texts<string>()

  /** Reads an actor. @throws BytesError `BYTES_TRUNCATED` */
  actor(reader: ByteReader): ActorId {
    const known = this.#actors.take(reader, ACTOR_BYTES)
    if (known !== undefined) return known
    const bytes = reader.raw(ACTOR_BYTES)
    return this.#actors.remember(bytes, decodeActor(bytes))
  }

  /** Reads a text of `length` bytes. @throws BytesError `BYTES_TRUNCATED`, `BYTES_MALFORMED` when it is not valid UTF-8 */
  name(reader: ByteReader, length: number): string {
    if (length > NAME_BYTES_MAX) return reader.text(length)
    const known = this.#names.take(reader, length)
    if (known !== undefined) return known
    const bytes = reader.raw(length)
    return this.#names.remember(bytes, utf8Decode(bytes))
  }
}

class Texts<T> {
  readonly #known: Remembered<T>[] = []
  #oldest = 0

  /** The next `length` bytes, if they are known; otherwise stays. */
  take(reader: ByteReader, length: number): T | undefined {
    for (const { bytes, value } of this.#known)
      if (bytes.length === length && reader.takes(bytes)) return value
    return undefined
  }

  remember(view: Uint8Array, value: T): T {
    const entry = { bytes: new Uint8Array(view), value }
    if (this.#known.length < REMEMBERED_MAX) this.#known.push(entry)
    else {
      this.#known[this.#oldest] = entry
      this.#oldest = (this.#oldest + 1) % REMEMBERED_MAX
    }
    return value
  }
}
