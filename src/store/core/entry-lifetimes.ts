/**
 * What time does to map entries: a value passes its time to live, becomes a husk, and goes; a tombstone goes.
 *
 * From its deadline on no reader sees a value. At the next sweep its bytes are let go and a husk stays, an implicit
 * tombstone: dot, stamp and deadline, which still win against older writes that arrive late. Husks and tombstones go after
 * the grace (24 h), counted from the deadline and from the stamp. Their dots stay in the context, which is all that is
 * needed against their coming back; the grace is for writes that the deleter had not seen (peers.md 3c).
 *
 * At most `tombstonesMax` husks and tombstones are held (250,000, about 100 MB). Beyond that the oldest go early, with the
 * next part of a sweep: safe for everything whose write was seen here, by the same argument.
 *
 * Counts are kept as entries come and go, so asking for them costs nothing but the expiries that have become due. If the
 * wall clock steps back, an entry counted as expired stays so counted. Whoever follows changes hears of each expiry once,
 * when `advance` meets it.
 */

import { type Deadline, Deadlines } from './deadlines.ts'
import type { MapEntry } from './delta.ts'
import type { HeldEntry } from './held-entry.ts'

export interface LifetimeOptions {
  /** How long tombstones and husks stay. Default 24 h. */
  readonly tombstoneGraceMs?: number
  /** Tombstones and husks beyond which the oldest go early. Default 250,000. */
  readonly tombstonesMax?: number
}

/** Hears of an entry that has just passed its time. Must not change the state. */
export type ExpiryListener = (map: string, key: string) => void

export const TOMBSTONE_GRACE_MS: number = 24 * 3_600_000
export const TOMBSTONES_MAX = 250_000

export class EntryLifetimes {
  readonly #graceMs: number
  readonly #tombstonesMax: number
  /** Values, by their deadline. */
  readonly #live = new Deadlines()
  /** Values past it, until a sweep. */
  readonly #expired = new Deadlines()
  readonly #expiredByMap = new Map<string, number>()
  /** Tombstones and husks, by the end of their grace. */
  readonly #leaving = new Deadlines()
  #expiredCount = 0
  #tombstones = 0
  #husks = 0
  #collected = 0
  #earlyCollected = 0
  #heard: ExpiryListener = () => undefined

  constructor(options: LifetimeOptions = {}) {
    this.#graceMs = options.tombstoneGraceMs ?? TOMBSTONE_GRACE_MS
    this.#tombstonesMax = options.tombstonesMax ?? TOMBSTONES_MAX
  }

  get tombstones(): number {
    return this.#tombstones
  }

  get husks(): number {
    return this.#husks
  }

  /** Tombstones and husks that went, since the start. */
  get collected(): number {
    return this.#collected
  }

  /** Of those, the ones that went before their time for want of room. */
  get earlyCollected(): number {
    return this.#earlyCollected
  }

  /** Since when the oldest tombstone or husk is one; undefined when there is none. */
  get oldestTombstoneMs(): number | undefined {
    const atMs = this.#leaving.nextAtMs
    return atMs === undefined ? undefined : atMs - this.#graceMs
  }

  /** Deadlines held, litter included. */
  get held(): number {
    return this.#live.held + this.#expired.held + this.#leaving.held
  }

  /** The first time to live that ends; undefined when there is none. */
  get nextExpiryMs(): number | undefined {
    return this.#live.nextAtMs
  }

  /** Values of one map, or of all, that were past their time at the last `advance`. */
  expired(map?: string): number {
    return map === undefined ? this.#expiredCount : (this.#expiredByMap.get(map) ?? 0)
  }

  onExpired(listener: ExpiryListener): void {
    this.#heard = listener
  }

  /** Whether an entry is past its grace, and not worth holding. */
  isPast(entry: MapEntry, minuteMs: number): boolean {
    const sinceMs = endOf(entry)
    return sinceMs !== undefined && sinceMs + this.#graceMs <= minuteMs
  }

  /** An entry came to be held. */
  add(map: string, key: string, entry: HeldEntry): void {
    const sinceMs = endOf(entry)
    if (sinceMs === undefined) return
    if (entry.value !== undefined) {
      entry.deadline = this.#live.add(sinceMs, map, key, entry)
      return
    }
    if (isHusk(entry)) this.#husks++
    else this.#tombstones++
    entry.deadline = this.#leaving.add(sinceMs + this.#graceMs, map, key, entry)
  }

  /** An entry is held no longer. */
  remove(map: string, entry: HeldEntry): void {
    const { deadline } = entry
    if (deadline === undefined) return
    if (!deadline.isOver) deadline.home.cancel(deadline)
    if (deadline.home === this.#expired) this.#countExpired(map, -1)
    else if (isHusk(entry)) this.#husks--
    else if (entry.value === undefined) this.#tombstones--
  }

  /** Takes note of values that have passed their time, `max` of them at most. @returns how many */
  advance(nowMs: number, max: number = Number.POSITIVE_INFINITY): number {
    let met = 0
    for (; met < max; met++) {
      const deadline = this.#live.take(nowMs)
      if (deadline === undefined) break
      const { atMs, map, key, entry } = deadline
      entry.deadline = this.#expired.add(atMs, map, key, entry)
      this.#countExpired(map, 1)
      this.#heard(map, key)
    }
    return met
  }

  /**
   * The next thing to be done at a sweep: a value that is to become a husk, or what is to be forgotten. The caller does it,
   * and so calls `remove`.
   */
  due(minuteMs: number): Deadline | undefined {
    const husk = this.#expired.take(minuteMs)
    if (husk !== undefined) return husk
    const gone = this.#leaving.take(minuteMs)
    if (gone === undefined) return this.#surplus()
    this.#collected++
    return gone
  }

  /** The oldest tombstone or husk, when there are too many. */
  #surplus(): Deadline | undefined {
    if (this.#tombstones + this.#husks <= this.#tombstonesMax) return undefined
    const gone = this.#leaving.take(Number.POSITIVE_INFINITY)
    if (gone === undefined) return undefined
    this.#collected++
    this.#earlyCollected++
    return gone
  }

  #countExpired(map: string, by: 1 | -1): void {
    this.#expiredCount += by
    const count = this.expired(map) + by
    if (count === 0) this.#expiredByMap.delete(map)
    else this.#expiredByMap.set(map, count)
  }
}

/** What a value turns into when its time has passed. */
export function huskOf({ dot, stamp, expiresAtMs }: MapEntry): MapEntry {
  return { dot, stamp, value: undefined, expiresAtMs }
}

export function isHusk(entry: MapEntry): boolean {
  return entry.value === undefined && entry.expiresAtMs !== undefined
}

/** From when on there is nothing to read; undefined for a value without a deadline. */
function endOf({ value, stamp, expiresAtMs }: MapEntry): number | undefined {
  return expiresAtMs ?? (value === undefined ? stamp.ms : undefined)
}
