/**
 * Hashes of items (state-item.ts): `hi` over what an item is, `lo` over what it says as well.
 *
 * A million of these are made when a store opens, and one or two with each change, so names that repeat are hashed once:
 * actors, and the table and content type of the last call. An entry of 100 bytes takes about 0.2 us.
 *
 * Both halves are on the wire and in no file: a change of these rules is a change of the private wire version.
 */
import { type Hash64, Hasher64, hashText } from '../../base/hash64.ts'
import type { ActorId } from '../../base/names.ts'
import type { Dot } from '../../crdt/dot.ts'
import type { ForeignRecord, MapEntry } from './delta.ts'

const ENTRY = 1
const MEMBER = 2
const RECORD = 3
/** Actors remembered; when there are more, all are forgotten and learned again. */
const ACTORS_MAX = 4096

export class ItemHasher {
  readonly #hasher = new Hasher64()
  readonly #actors = new Map<ActorId, Hash64>()
  readonly #table = new LastText()
  readonly #contentType = new LastText()
  /** Of the last item; unsigned. */
  hi = 0
  lo = 0

  entry(map: string, key: string, { dot, stamp, value, expiresAtMs }: MapEntry): void {
    const hasher = this.#begin(ENTRY, map, key)
    this.#dot(dot)
    this.hi = hasher.hi()
    const flags = (value === undefined ? 0 : 1) | (expiresAtMs === undefined ? 0 : 2)
    hasher.integer(stamp.epoch).integer(stamp.ms).word(stamp.logical)
    // A stamp nearly always has the actor of its dot.
    hasher.word(stamp.actor === dot.actor ? flags : flags | 4)
    if (stamp.actor !== dot.actor) this.#actor(stamp.actor)
    if (expiresAtMs !== undefined) hasher.integer(expiresAtMs)
    if (value !== undefined) {
      const { hi, lo } = this.#contentType.hash(value.contentType)
      hasher.word(hi).word(lo).bytes(value.bytes)
    }
    this.lo = hasher.lo()
  }

  member(set: string, member: string, dot: Dot): void {
    const hasher = this.#hasher.start().word(MEMBER)
    this.#dot(dot)
    this.hi = hasher.hi()
    const { hi, lo } = this.#table.hash(set)
    this.lo = hasher.word(hi).word(lo).text(member).lo()
  }

  record(table: string, key: string, { versionNs, bytes, expiresAtMs }: ForeignRecord): void {
    const hasher = this.#begin(RECORD, table, key)
    this.hi = hasher.hi()
    const version = BigInt.asUintN(64, versionNs)
    hasher.word(Number(version >> 32n)).word(Number(version & 0xffff_ffffn))
    hasher.integer(expiresAtMs).bytes(bytes)
    this.lo = hasher.lo()
  }

  #begin(kind: number, table: string, key: string): Hasher64 {
    const { hi, lo } = this.#table.hash(table)
    return this.#hasher.start(hi, lo).word(kind).text(key)
  }

  #dot(dot: Dot): void {
    this.#actor(dot.actor)
    this.#hasher.integer(dot.n)
  }

  #actor(actor: ActorId): void {
    let hash = this.#actors.get(actor)
    if (hash === undefined) {
      if (this.#actors.size >= ACTORS_MAX) this.#actors.clear()
      hash = hashText(actor)
      this.#actors.set(actor, hash)
    }
    this.#hasher.word(hash.hi).word(hash.lo)
  }
}

/** The hash of one text, until another is asked for. */
class LastText {
  #text = ''
  #hash: Hash64 = hashText('')

  hash(text: string): Hash64 {
    if (text !== this.#text) {
      this.#text = text
      this.#hash = hashText(text)
    }
    return this.#hash
  }
}
