/**
 * Map entries in the order in which something is due for them.
 *
 * A heap. An entry that is replaced before its time stays in it until it surfaces; when more than half of the heap is such
 * litter, it is built anew, so that rewriting one key for ever keeps it small.
 */
import { Heap } from '../../base/heap.ts'
import type { HeldEntry } from './held-entry.ts'

export interface Deadline {
  readonly atMs: number
  readonly map: string
  readonly key: string
  readonly entry: HeldEntry
  readonly home: Deadlines
  /** Taken, or not wanted any more. */
  isOver: boolean
}

/** Litter that is never worth a rebuild. */
const LITTER_MIN = 1024

export class Deadlines {
  #heap = new Heap<Deadline>()
  #size = 0

  /** Deadlines to come. */
  get size(): number {
    return this.#size
  }

  /** The same with the litter. */
  get held(): number {
    return this.#heap.size
  }

  /** The first that is to come; undefined when there is none. */
  get nextAtMs(): number | undefined {
    return this.#next()?.atMs
  }

  add(atMs: number, map: string, key: string, entry: HeldEntry): Deadline {
    const deadline = { atMs, map, key, entry, home: this, isOver: false }
    this.#heap.push(atMs, deadline)
    this.#size++
    if (this.#heap.size > LITTER_MIN && this.#heap.size > 2 * this.#size) this.#rebuild()
    return deadline
  }

  /** @param deadline one of these, to come */
  cancel(deadline: Deadline): void {
    deadline.isOver = true
    this.#size--
  }

  /** Takes the first deadline, if it is not after `nowMs`. */
  take(nowMs: number): Deadline | undefined {
    const next = this.#next()
    if (next === undefined || next.atMs > nowMs) return undefined
    this.#heap.pop()
    this.cancel(next)
    return next
  }

  #next(): Deadline | undefined {
    let next = this.#heap.peek()
    while (next?.isOver === true) {
      this.#heap.pop()
      next = this.#heap.peek()
    }
    return next
  }

  #rebuild(): void {
    const litter = this.#heap
    this.#heap = new Heap<Deadline>()
    for (const deadline of litter) if (!deadline.isOver) this.#heap.push(deadline.atMs, deadline)
  }
}
