/**
 * Virtual time: one heap of everything that will happen, popped in order of time and, at equal times, of insertion.
 *
 * Nothing waits here. A simulated hour costs only the events in it, and two runs that schedule the same actions run
 * them in the same order. There is no cancel: whoever schedules keeps a generation and ignores a stale call.
 */
import { assert } from '../base/assert.ts'
import { Heap } from '../base/heap.ts'

export class SimClock {
  readonly #future = new Heap<() => void>()
  #nowMs = 0
  #steps = 0

  /** Virtual milliseconds since the start of the run; fractions allowed. */
  get nowMs(): number {
    return this.#nowMs
  }

  /** Actions run so far. */
  get steps(): number {
    return this.#steps
  }

  /** Runs `action` at `atMs`; a time already past means now, after what is already due now. */
  at(atMs: number, action: () => void): void {
    assert(!Number.isNaN(atMs), 'an event has a time')
    this.#future.push(Math.max(atMs, this.#nowMs), action)
  }

  after(delayMs: number, action: () => void): void {
    this.at(this.#nowMs + delayMs, action)
  }

  /**
   * Runs everything due up to and including `untilMs`, then stands at `untilMs`.
   * @returns false when it stopped before, after `stepsMax` actions: something keeps making work for itself
   */
  runUntil(untilMs: number, stepsMax: number = Number.POSITIVE_INFINITY): boolean {
    const lastStep = this.#steps + stepsMax
    for (;;) {
      const nextMs = this.#future.peekAt()
      if (nextMs === undefined || nextMs > untilMs) break
      if (this.#steps >= lastStep) return false
      const event = this.#future.pop()
      if (event === undefined) break
      this.#nowMs = event.at
      this.#steps++
      event.value()
    }
    this.#nowMs = Math.max(this.#nowMs, untilMs)
    return true
  }
}
