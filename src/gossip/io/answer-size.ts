/**
 * How long our next answer will be, before it is made: as long as the longest of late.
 *
 * Answers to peers of one kind are long and to another short, so the last one tells little of the next. The longest
 * fades with time and not with the number of answers: whoever asks often cannot make it forget.
 */
import type { Clock } from '../../base/clock.ts'

export class AnswerSize {
  readonly #clock: Clock
  readonly #halfLifeMs: number
  #longestBytes = 0
  #atMs = 0

  /** @param halfLifeMs in which the longest answer fades by half */
  constructor(clock: Clock, halfLifeMs: number) {
    this.#clock = clock
    this.#halfLifeMs = halfLifeMs
  }

  get expectedBytes(): number {
    const ageMs = this.#clock.monotonicMs() - this.#atMs
    return Math.ceil(this.#longestBytes * 0.5 ** (ageMs / this.#halfLifeMs))
  }

  /** An answer was made. */
  note(bytes: number): void {
    if (bytes < this.expectedBytes) return
    this.#longestBytes = bytes
    this.#atMs = this.#clock.monotonicMs()
  }
}
