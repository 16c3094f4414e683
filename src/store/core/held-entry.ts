/**
 * A map entry as the store holds it, with its hashes (state-item.ts).
 *
 * They are kept, for 16 bytes an entry, because otherwise each overwrite would hash what it replaces: the bytes of an old
 * value are in no cache any more, and reading them cost more than the whole rest of the join (0.4 of 1.9 us).
 *
 * The version as text is kept from the first time that somebody asks for it: making it anew costs each read a thirtieth of
 * all that it takes over HTTP. It is some 70 bytes for an entry that is read, and none for the others.
 */
import type { Dot } from '../../crdt/dot.ts'
import { formatStamp, type Stamp } from '../../crdt/hlc.ts'
import type { Deadline } from './deadlines.ts'
import type { MapEntry, StoredValue } from './delta.ts'

export class HeldEntry implements MapEntry {
  readonly dot: Dot
  readonly stamp: Stamp
  readonly value: StoredValue | undefined
  readonly expiresAtMs: number | undefined
  // Signed, so that they are small integers to the engine, and private, so that an entry looks like any other.
  readonly #hi: number
  readonly #lo: number
  #deadline: Deadline | undefined
  #version: string | undefined

  constructor({ dot, stamp, value, expiresAtMs }: MapEntry, hi: number, lo: number) {
    this.dot = dot
    this.stamp = stamp
    this.value = value
    this.expiresAtMs = expiresAtMs
    this.#hi = hi | 0
    this.#lo = lo | 0
  }

  /** What time will do to it next; kept by entry-lifetimes.ts. */
  get deadline(): Deadline | undefined {
    return this.#deadline
  }

  set deadline(deadline: Deadline | undefined) {
    this.#deadline = deadline
  }

  /** As `versionOf` says it. */
  get version(): string {
    this.#version ??= formatStamp(this.stamp)
    return this.#version
  }

  get hi(): number {
    return this.#hi >>> 0
  }

  get lo(): number {
    return this.#lo >>> 0
  }
}

/** What readers know an entry by. */
export function versionOf(entry: MapEntry): string {
  return entry instanceof HeldEntry ? entry.version : formatStamp(entry.stamp)
}
