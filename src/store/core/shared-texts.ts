/**
 * Remembers the few texts that nearly every record of a store repeats (actors, maps, content types), so that a million
 * entries share them: half the time of loading, and about 150 bytes an entry.
 */
import { utf8Decode } from '../../base/bytes.ts'
import type { ActorId } from '../../base/names.ts'
import { decodeActor } from './actor-bytes.ts'

/** Remembered of each kind; later ones are decoded every time. Looked through in order, so it must be few. */
const REMEMBERED_MAX = 16

interface Remembered<T> {
  readonly bytes: Uint8Array
  readonly value: T
}

export class SharedTexts {
  readonly #actors: Remembered<ActorId>[] = []
  readonly #names: Remembered<string>[] = []

  /** @param bytes 16 of them */
  actor(bytes: Uint8Array): ActorId {
    return remembered(this.#actors, bytes, decodeActor)
  }

  /** @throws BytesError `BYTES_MALFORMED` when `bytes` is not valid UTF-8 */
  name(bytes: Uint8Array): string {
    return remembered(this.#names, bytes, utf8Decode)
  }
}

function remembered<T>(known: Remembered<T>[], bytes: Uint8Array, decode: (bytes: Uint8Array) => T): T {
  for (const entry of known) if (sameBytes(entry.bytes, bytes)) return entry.value
  const value = decode(bytes)
  if (known.length < REMEMBERED_MAX) known.push({ bytes: bytes.slice(), value })
  return value
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
