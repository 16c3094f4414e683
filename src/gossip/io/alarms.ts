/**
 * Alarms: every deadline of gossip in one heap, behind one armed timer.
 *
 * Like a single alarm clock that is always set to the earliest of many appointments. Stopping is then one act: when the
 * clock is put away, nothing can ring.
 *
 * Numbers: a cancelled alarm keeps its place until its time comes, or until half of a thousand places and more are such:
 * streams cancel two each, ten seconds before their time. One ringing runs at most as many alarms as were set before it,
 * so work that is always due cannot starve sockets.
 */
import type { Clock } from '../../base/clock.ts'
import { Heap } from '../../base/heap.ts'

export interface Alarm {
  /** Idempotent; harmless after it rang. */
  cancel(): void
}

interface Entry {
  run: (() => void) | undefined
}

/** So many places may be of cancelled alarms, whatever the others. */
const CANCELLED_KEPT = 1000
/** Node fires at once above this. */
const TIMEOUT_MS_MAX = 2 ** 31 - 1

export class Alarms {
  readonly #clock: Clock
  readonly #unref: boolean
  #heap = new Heap<Entry>()
  #cancelled = 0
  #timer: NodeJS.Timeout | undefined
  #armedAt = Number.POSITIVE_INFINITY
  #stopped = false

  /** @param unref whether the timer alone lets the process exit */
  constructor(clock: Clock, unref: boolean) {
    this.#clock = clock
    this.#unref = unref
  }

  /** Alarms kept, cancelled ones included. */
  get places(): number {
    return this.#heap.size
  }

  /**
   * @param whenMs monotonic; in the past means as soon as possible, but never in this turn
   * @param run what it throws is not caught
   */
  at(whenMs: number, run: () => void): Alarm {
    const entry: Entry = { run }
    if (!this.#stopped) {
      this.#heap.push(whenMs, entry)
      this.#arm()
    }
    return {
      cancel: () => {
        if (entry.run !== undefined) this.#cancelled++
        entry.run = undefined
        if (this.#cancelled > CANCELLED_KEPT && this.#cancelled * 2 > this.#heap.size) this.#tidy()
      },
    }
  }

  #tidy(): void {
    const kept = new Heap<Entry>()
    for (let at = this.#heap.peekAt(); at !== undefined; at = this.#heap.peekAt()) {
      const popped = this.#heap.pop()
      if (popped?.value.run !== undefined) kept.push(at, popped.value)
    }
    this.#heap = kept
    this.#cancelled = 0
  }

  /** Forgets everything; later alarms never ring. */
  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
    while (this.#heap.size > 0) this.#heap.pop()
  }

  #arm(): void {
    const earliestAt = this.#heap.peekAt()
    if (this.#stopped || earliestAt === undefined || earliestAt >= this.#armedAt) return
    clearTimeout(this.#timer)
    this.#armedAt = earliestAt
    const delayMs = Math.min(TIMEOUT_MS_MAX, Math.max(0, Math.ceil(earliestAt - this.#clock.monotonicMs())))
    this.#timer = setTimeout(() => this.#ring(), delayMs)
    if (this.#unref) this.#timer.unref()
  }

  #ring(): void {
    this.#armedAt = Number.POSITIVE_INFINITY
    const nowMs = this.#clock.monotonicMs()
    for (let budget = this.#heap.size; budget > 0; budget--) {
      const at = this.#heap.peekAt()
      if (at === undefined || at > nowMs) break
      this.#ringOne(this.#heap.pop()?.value)
    }
    this.#arm()
  }

  #ringOne(entry: Entry | undefined): void {
    const run = entry?.run
    if (entry === undefined || run === undefined) {
      this.#cancelled = Math.max(0, this.#cancelled - 1)
      return
    }
    // Cancelling it is of no effect from now on.
    entry.run = undefined
    run()
  }
}
