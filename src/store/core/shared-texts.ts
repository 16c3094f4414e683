/**
 * Remembers the few texts that nearly every record of a store repeats (actors, maps, content types), so that a million
 * entries share them: half the time of loading, and about 150 bytes an entry.
 */
import { type ByteReader, utf8Encode } from '../../base/bytes.ts'
import type { ActorId } from '../../base/names.ts'
import { ACTOR_BYTES, decodeActor } from './actor-bytes.ts'

/** Remembered of each kind; later ones are decoded every time. Looked through in order, so it must be few. */
const REMEMBERED_MAX = 16

interface Remembered<T> {
  readonly bytes: Uint8Array
  readonly value: T
}

export class SharedTexts {
  readonly #actors: Remembered<ActorId>[] = []
  readonly #names: Remembered<string>[] = []

  /** Reads an actor. @throws BytesError `BYTES_TRUNCATED` */
  actor(reader: ByteReader): ActorId {
    for (const { bytes, value } of this.#actors) if (reader.takes(bytes)) return value
    const bytes = reader.raw(ACTOR_BYTES).slice()
    const value = decodeActor(bytes)
    if (this.#actors.length < REMEMBERED_MAX) this.#actors.push({ bytes, value })
    return value
  }

  /** Reads a text of `length` bytes. @throws BytesError `BYTES_TRUNCATED`, `BYTES_MALFORMED` when it is not valid UTF-8 */
  name(reader: ByteReader, length: number): string {
    for (const { bytes, value } of this.#names)
      if (bytes.length === length && reader.takes(bytes)) return value
    const value = reader.text(length)
    if (this.#names.length < REMEMBERED_MAX) this.#names.push({ bytes: utf8Encode(value), value })
    return value
  }
}
