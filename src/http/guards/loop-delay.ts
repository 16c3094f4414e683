/**
 * Whether the event loop is late: a timer that should ring every 100 ms notes by how much it was late. Twice in a row is a
 * loop that does not keep up: a request would only wait, so it is better sent away. Once is one that stood still and runs
 * again (a process that was stopped and continued, a machine that slept), and whoever comes then is answered.
 *
 * Why not @fastify/under-pressure: it takes the mean over a second of a timer of 10 ms, so a loop that stands still for
 * two seconds and then runs counts as being in good order; and its hook asks each request for the options of its route,
 * which fastify copies and freezes for that. Here a request asks one flag.
 */

const PERIOD_MS = 100
export class LoopDelay {
  readonly #maxMs: number
  #timer: NodeJS.Timeout | undefined
  #dueMs = 0
  #wasLate = false
  #isLate = false

  /** @param maxMs 0 for never late */
  constructor(maxMs: number) {
    this.#maxMs = maxMs
  }

  get isLate(): boolean {
    return this.#isLate
  }

  start(): void {
    if (this.#maxMs === 0 || this.#timer !== undefined) return
    this.#dueMs = performance.now() + PERIOD_MS
    this.#timer = setInterval(() => {
      const nowMs = performance.now()
      this.note(nowMs - this.#dueMs)
      this.#dueMs = nowMs + PERIOD_MS
    }, PERIOD_MS)
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  /** One ring that was late by so much. */
  note(delayMs: number): void {
    const late = this.#maxMs > 0 && delayMs > this.#maxMs
    this.#isLate = late && this.#wasLate
    this.#wasLate = late
  }
}
