/**
 * The deadlines of the notifier: each thing that waits has at most one alarm, set anew as often as it likes.
 *
 * A heap. An alarm that was set anew leaves its former place in the heap until that surfaces; when more than half of the
 * heap is such litter, it is built anew, so that a flush with an hour to live that ended at once costs nothing for long.
 */
import { Heap } from '../../base/heap.ts'

export interface Alarmed {
  /** Kept by `Alarms`. */
  alarmMs: number | undefined
  ring(nowMs: number): void
}

/** Litter that is never worth a rebuild. */
const LITTER_MIN = 256

export class Alarms {
  #heap = new Heap<Alarmed>()
  #size = 0

  /** Alarms to come. */
  get size(): number {
    return this.#size
  }

  /** The same with the litter. */
  get held(): number {
    return this.#heap.size
  }

  /** The first to come. */
  get nextMs(): number | undefined {
    for (;;) {
      const item = this.#heap.peek()
      const atMs = this.#heap.peekAt()
      if (item === undefined || item.alarmMs === atMs) return atMs
      this.#heap.pop()
    }
  }

  /** @param atMs undefined for none */
  set(item: Alarmed, atMs: number | undefined): void {
    if (item.alarmMs === atMs) return
    this.#size += (atMs === undefined ? 0 : 1) - (item.alarmMs === undefined ? 0 : 1)
    item.alarmMs = atMs
    if (atMs !== undefined) this.#heap.push(atMs, item)
    if (this.#heap.size > LITTER_MIN && this.#heap.size > 2 * this.#size) this.#rebuild()
  }

  /** Rings all that are due. What is set for now while they ring, rings as well. */
  ring(nowMs: number): void {
    for (let atMs = this.nextMs; atMs !== undefined && atMs <= nowMs; atMs = this.nextMs) {
      const item = this.#heap.pop()?.value
      if (item === undefined) return
      item.alarmMs = undefined
      this.#size--
      item.ring(nowMs)
    }
  }

  #rebuild(): void {
    const places = new Set<Alarmed>()
    for (const item of this.#heap) if (item.alarmMs !== undefined) places.add(item)
    this.#heap = new Heap<Alarmed>()
    for (const item of places) if (item.alarmMs !== undefined) this.#heap.push(item.alarmMs, item)
  }
}
