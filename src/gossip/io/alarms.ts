/**
 * Alarms: every deadline of gossip in one heap, behind one armed timer.
 *
 * Like a single alarm clock that is always set to the earliest of many appointments. Stopping is then one act: when the
 * clock is put away, nothing can ring.
 *
 * Numbers: a cancelled alarm keeps a few bytes until its time comes; streams cancel one each and live 10 s at most. One
 * ringing runs at most as many alarms as were set before it, so work that is always due cannot starve sockets.
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

/** Node fires at once above this. */
const TIMEOUT_MS_MAX = 2 ** 31 - 1

export class Alarms {
  readonly #clock: Clock
  readonly #unref: boolean
  readonly #heap = new Heap<Entry>()
  #timer: NodeJS.Timeout | undefined
  #armedAt = Number.POSITIVE_INFINITY
  #stopped = false

  /** @param unref whether the timer alone lets the process exit */
  constructor(clock: Clock, unref: boolean) {
    this.#clock = clock
    this.#unref = unref
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
        entry.run = undefined
      },
    }
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
      this.#heap.pop()?.value.run?.()
    }
    this.#arm()
  }
}
