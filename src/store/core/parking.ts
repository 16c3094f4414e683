/**
 * Entries from the future: puts whose stamp is further ahead than the allowed clock skew wait here until it is not.
 *
 * A replica whose clock is a year ahead could otherwise write what nobody can overwrite for a year. Refusing such a put
 * would make replicas disagree at the limit; parking turns the refusal into a delay (peers.md 3c). What is parked is not
 * merged, not shown and not relayed. Its dot stays out of the context, and the dots that its write covered stay
 * unclaimed too: so peers still send it, and nobody takes it for removed.
 *
 * One a key, the newest. It counts in the digest as an item of its own, beside what is held under its key, so that two
 * replicas that parked the same agree and send nothing more. What is held under the key of a parked entry is never
 * retired: a peer whose clock is ahead has replaced it already, and would take it from our readers with nothing to show
 * instead. Until the entry is due, the root differs from that of such a peer. An entry that a peer has seen and lost is
 * dropped like any other.
 *
 * Bounds: 10,000 entries and 16 MiB of keys and values; beyond them a put is refused and counted, and comes again with
 * the next anti-entropy. Nothing here is on disk: a replica that starts anew gets it again from its peers.
 */
import type { ActorId } from '../../base/names.ts'
import type { CausalContext } from '../../crdt/context.ts'
import { type Dot, sameDot } from '../../crdt/dot.ts'
import { compareEntries } from '../../crdt/lww-map.ts'
import type { MapPut } from './delta.ts'
import type { HeldEntry } from './held-entry.ts'
import type { ItemDigest } from './item-digest.ts'
import { Tables } from './tables.ts'

export interface ParkingOptions {
  /** Default 10,000. */
  readonly parkedMax?: number
  /** Of keys and values. Default 16 MiB. */
  readonly parkedBytesMax?: number
}

/** Whose clock is ahead, by what is parked. */
export interface ParkedActor {
  readonly actor: ActorId
  readonly count: number
  /** How far the furthest of its stamps is ahead of our wall clock. */
  readonly aheadMs: number
}

export interface Parked extends MapPut {
  readonly entry: HeldEntry
}

export const PARKED_MAX = 10_000
/** Dots of one key remembered as replaced by what is parked. */
export const REPLACED_MAX = 64
export const PARKED_BYTES_MAX: number = 16 * 1024 * 1024

export class Parking {
  readonly #digest: ItemDigest
  readonly #entriesMax: number
  readonly #bytesMax: number
  readonly #byKey = new Tables<Parked>()
  readonly #byDot = new Map<string, Parked>()
  /** Older writes to the keys of what is parked that came as well: nothing is held in their place yet. */
  readonly #replaced = new Tables<Dot[]>()
  #bytes = 0
  #refused = 0

  /** @param digest counts what is parked */
  constructor(digest: ItemDigest, options: ParkingOptions = {}) {
    this.#digest = digest
    this.#entriesMax = options.parkedMax ?? PARKED_MAX
    this.#bytesMax = options.parkedBytesMax ?? PARKED_BYTES_MAX
  }

  get size(): number {
    return this.#byKey.size
  }

  /** Puts refused for want of room. */
  get refused(): number {
    return this.#refused
  }

  get(map: string, key: string): Parked | undefined {
    return this.#byKey.size === 0 ? undefined : this.#byKey.get(map, key)
  }

  /** In no particular order. */
  *puts(): Generator<Parked> {
    for (const [, , parked] of this.#byKey.entries()) yield parked
  }

  /** Whether a context claims the dot of anything parked, or of what that has replaced here. */
  isSeenBy(theirs: CausalContext): boolean {
    for (const { entry } of this.puts()) if (theirs.has(entry.dot)) return true
    for (const [, , dots] of this.#replaced.entries()) {
      if (dots.length > REPLACED_MAX || dots.some((dot) => theirs.has(dot))) return true
    }
    return false
  }

  /** Keeps it, unless a newer one of its key is parked or there is no room. */
  park({ map, key, entry }: MapPut): void {
    const parked = this.get(map, key)
    if (parked !== undefined && compareEntries(entry, parked.entry) <= 0) {
      if (!sameDot(entry.dot, parked.entry.dot)) this.#replace(map, key, [entry.dot])
      return
    }
    const count = this.size + (parked === undefined ? 1 : 0)
    const bytes = this.#bytes + bytesOf({ map, key, entry }) - (parked === undefined ? 0 : bytesOf(parked))
    if (count > this.#entriesMax || bytes > this.#bytesMax) {
      this.#refused++
      return
    }
    const replaced = this.#replaced.get(map, key) ?? []
    if (parked !== undefined) {
      this.drop(parked)
      this.#replace(map, key, [...replaced, parked.entry.dot])
    }
    const held = this.#digest.held(map, key, entry)
    const next = { map, key, entry: held }
    this.#byKey.set(map, key, next)
    this.#byDot.set(nameOf(entry.dot), next)
    this.#bytes = bytes
    this.#digest.toggle(held.hi, held.lo, 1)
  }

  /** One more than are remembered stands for all that are not. */
  #replace(map: string, key: string, dots: readonly Dot[]): void {
    const known = this.#replaced.get(map, key) ?? []
    const news = dots.filter((dot) => !known.some((other) => sameDot(dot, other)))
    this.#replaced.set(map, key, [...known, ...news].slice(0, REPLACED_MAX + 1))
  }

  drop(parked: Parked): void {
    this.#replaced.delete(parked.map, parked.key)
    this.#byKey.delete(parked.map, parked.key)
    this.#byDot.delete(nameOf(parked.entry.dot))
    this.#bytes -= bytesOf(parked)
    this.#digest.toggle(parked.entry.hi, parked.entry.lo, -1)
  }

  /** The context has come to claim this dot: nothing waits for it any more. */
  dropDot(dot: Dot): void {
    const parked = this.#byDot.size === 0 ? undefined : this.#byDot.get(nameOf(dot))
    if (parked !== undefined) this.drop(parked)
  }

  /** Takes what is not ahead of `untilMs` any more. */
  due(untilMs: number): Parked[] {
    const due = [...this.puts()].filter(({ entry }) => entry.stamp.ms <= untilMs)
    for (const parked of due) this.drop(parked)
    return due
  }

  actors(nowMs: number): readonly ParkedActor[] {
    const actors = new Map<ActorId, { actor: ActorId; count: number; aheadMs: number }>()
    for (const { entry } of this.puts()) {
      const { actor, ms } = entry.stamp
      const known = actors.get(actor) ?? { actor, count: 0, aheadMs: 0 }
      known.count++
      known.aheadMs = Math.max(known.aheadMs, ms - nowMs)
      actors.set(actor, known)
    }
    return [...actors.values()]
  }
}

function bytesOf({ map, key, entry }: MapPut): number {
  return map.length + key.length + (entry.value?.bytes.length ?? 0)
}

function nameOf(dot: Dot): string {
  return `${dot.n}@${dot.actor}`
}
