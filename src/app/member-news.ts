/**
 * Tells the parts of a replica that the members have changed: at once, unless it happens all the time.
 *
 * Who listens looks at all members again, so that ten thousand newcomers one by one, from the state of a large cluster or
 * from somebody who invents names, would be a hundred million looks. After eight times in a tenth of a second the rest of
 * it is told together at its end: a single change, which may mean that a claim is free, waits for nothing.
 */
import type { Clock } from '../base/clock.ts'

const WINDOW_MS = 100
const TOLD_PER_WINDOW_MAX = 8

export class MemberNews {
  readonly #clock: Clock
  readonly #tell: () => void
  #windowStartMs = Number.NEGATIVE_INFINITY
  #told = 0
  #timer: NodeJS.Timeout | undefined
  #closed = false

  constructor(clock: Clock, tell: () => void) {
    this.#clock = clock
    this.#tell = tell
  }

  /** The members have changed. */
  changed(): void {
    if (this.#timer !== undefined || this.#closed) return
    const nowMs = this.#clock.monotonicMs()
    if (nowMs - this.#windowStartMs >= WINDOW_MS) {
      this.#windowStartMs = nowMs
      this.#told = 0
    }
    if (this.#told < TOLD_PER_WINDOW_MAX) {
      this.#told++
      this.#tell()
      return
    }
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined
        this.changed()
      },
      Math.ceil(this.#windowStartMs + WINDOW_MS - nowMs),
    )
    this.#timer.unref()
  }

  /** Nothing is told any more. */
  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
  }
}
