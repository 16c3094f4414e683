/**
 * One thing after another, each in a turn of the event loop of its own.
 *
 * Work that is cut into slices is only half polite: with a hundred who have a slice to do, the loop would do a hundred
 * before it looks at a packet again. Here they stand in one line, and each turn serves the first.
 *
 * Bound by its users: each stands in line once.
 */
export class Turns {
  readonly #waiting: (() => void)[] = []

  /** @param run in some later turn, after all that came before it */
  next(run: () => void): void {
    this.#waiting.push(run)
    if (this.#waiting.length === 1) setImmediate(() => this.#serve())
  }

  #serve(): void {
    const run = this.#waiting.shift()
    if (this.#waiting.length > 0) setImmediate(() => this.#serve())
    run?.()
  }
}
