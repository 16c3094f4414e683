/**
 * Map entries in the order in which something is due for them.
 *
 * A heap. An entry that is replaced before its time stays in it until it surfaces; when more than half of the heap is such
 * litter, it is built anew, so that rewriting one key for ever keeps it small.
 */
import { Heap } from '../../base/heap.ts'
import type { MapEntry } from './delta.ts'

export interface Deadline {
  readonly atMs: number
  readonly map: string
  readonly key: string
  readonly entry: MapEntry
}

/** Litter that is never worth a rebuild. */
const LITTER_MIN = 1024

export class Deadlines {
  #heap = new Heap<Deadline>()
  readonly #waiting = new Map<MapEntry, Deadline>()

  /** Deadlines to come. */
  get size(): number {
    return this.#waiting.size
  }

  /** The same with the litter. */
  get held(): number {
    return this.#heap.size
  }

  /** The first that is to come; undefined when there is none. */
  get nextAtMs(): number | undefined {
    for (let next = this.#heap.peek(); next !== undefined; next = this.#heap.peek()) {
      if (this.#waiting.get(next.entry) === next) return next.atMs
      this.#heap.pop()
    }
    return undefined
  }

  /** An entry has one deadline; a second replaces the first. */
  add(deadline: Deadline): void {
    this.#waiting.set(deadline.entry, deadline)
    this.#heap.push(deadline.atMs, deadline)
    if (this.#heap.size > LITTER_MIN && this.#heap.size > 2 * this.#waiting.size) this.#rebuild()
  }

  /** @returns whether its deadline was to come */
  remove(entry: MapEntry): boolean {
    return this.#waiting.delete(entry)
  }

  /** Takes the first deadline, if it is not after `nowMs`. */
  take(nowMs: number): Deadline | undefined {
    const atMs = this.nextAtMs
    if (atMs === undefined || atMs > nowMs) return undefined
    const next = this.#heap.pop()?.value
    if (next !== undefined) this.#waiting.delete(next.entry)
    return next
  }

  #rebuild(): void {
    this.#heap = new Heap<Deadline>()
    for (const deadline of this.#waiting.values()) this.#heap.push(deadline.atMs, deadline)
  }
}
