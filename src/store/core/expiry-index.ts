/**
 * Which entries have passed their time to live, so that counts stay right without looking at every entry.
 *
 * A heap of deadlines. Overwritten entries stay in it until they surface; when more than half of it is such litter, it is
 * built anew, so that rewriting one key for ever keeps it small. Reading never depends on this index: readers compare the
 * deadline themselves. If the wall clock steps back, an entry counted as expired stays so counted.
 *
 * Whoever follows changes hears of each expiry once, when `advance` meets it.
 */
import { Heap } from '../../base/heap.ts'
import type { MapEntry } from './delta.ts'

interface Deadline {
  readonly map: string
  readonly key: string
  readonly entry: MapEntry
}

/** Hears of an entry that has just passed its time. Must not change the state. */
export type ExpiryListener = (map: string, key: string) => void

/** Litter that is never worth a rebuild. */
const LITTER_MIN = 1024

export class ExpiryIndex {
  #heap = new Heap<Deadline>()
  readonly #waiting = new Map<MapEntry, Deadline>()
  readonly #expired = new Set<MapEntry>()
  readonly #expiredByMap = new Map<string, number>()
  #heard: ExpiryListener = () => undefined

  /** One listener; it hears what passes its time from now on. */
  onExpired(listener: ExpiryListener): void {
    this.#heard = listener
  }

  /** Not after the first deadline that is to come; undefined when there is none. */
  get nextAtMs(): number | undefined {
    return this.#heap.peekAt()
  }

  /** Entries of one map, or of all, that were past their time at the last `advance`. */
  expired(map?: string): number {
    return map === undefined ? this.#expired.size : (this.#expiredByMap.get(map) ?? 0)
  }

  /** @param entry one with a value */
  add(map: string, key: string, entry: MapEntry): void {
    if (entry.expiresAtMs === undefined) return
    const deadline = { map, key, entry }
    this.#waiting.set(entry, deadline)
    this.#heap.push(entry.expiresAtMs, deadline)
    if (this.#heap.size > LITTER_MIN && this.#heap.size > 2 * this.#waiting.size) this.#rebuild()
  }

  remove(map: string, entry: MapEntry): void {
    this.#waiting.delete(entry)
    if (this.#expired.delete(entry)) this.#expiredByMap.set(map, this.expired(map) - 1)
  }

  /** Deadlines held, litter included. */
  get size(): number {
    return this.#heap.size
  }

  advance(nowMs: number): void {
    for (let at = this.#heap.peekAt(); at !== undefined && at <= nowMs; at = this.#heap.peekAt()) {
      const due = this.#heap.pop()?.value
      if (due === undefined || !this.#waiting.delete(due.entry)) continue
      this.#expired.add(due.entry)
      this.#expiredByMap.set(due.map, this.expired(due.map) + 1)
      this.#heard(due.map, due.key)
    }
  }

  #rebuild(): void {
    this.#heap = new Heap<Deadline>()
    for (const [{ expiresAtMs }, deadline] of this.#waiting) {
      if (expiresAtMs !== undefined) this.#heap.push(expiresAtMs, deadline)
    }
  }
}
