/**
 * HTTP's share of the event loop: after 10 ms of it in one round, what comes next waits for the next round, so that gossip
 * has its turn in between. Without that a thousand requests that arrive together are worked off in one go, and for as long
 * no probe is answered: a list of 4 MiB takes 10 ms, a thousand of them 10 s, and after one and a half the other
 * replicas suspect this one.
 *
 * First come, first served; those of management go first. There is one loop a process, so there is one of these. It keeps no list
 * of its own beyond what is admitted (guards/admission.ts), and no timer while nobody waits.
 */

const TURN_MS = 10

interface Waiting {
  readonly run: () => void
  /** What it starts begins only after this round's callback, so nothing may follow it there. */
  readonly endsRound: boolean
}

export class Turns {
  readonly #waiting: Waiting[] = []
  /** Of the current round; undefined before anybody had a turn in it. */
  #startedMs: number | undefined

  get waiting(): number {
    return this.#waiting.length
  }

  /** Runs it now, or in one of the next rounds. */
  enter(run: () => void): void {
    if (this.#waiting.length === 0 && this.#hasTime()) run()
    else this.#waiting.push({ run, endsRound: false })
  }

  /** As `enter`, before all others. */
  enterFirst(run: () => void): void {
    if (this.#hasTime()) run()
    else this.#waiting.unshift({ run, endsRound: false })
  }

  /** Resolves when there is time: for long work, between two of its pieces. */
  async pause(): Promise<void> {
    if (this.#waiting.length === 0 && this.#hasTime()) return
    await new Promise<void>((resolve) => this.#waiting.push({ run: resolve, endsRound: true }))
  }

  #hasTime(): boolean {
    const nowMs = performance.now()
    if (this.#startedMs === undefined) {
      this.#startedMs = nowMs
      setImmediate(() => this.#nextRound())
      return true
    }
    return nowMs - this.#startedMs < TURN_MS
  }

  #nextRound(): void {
    this.#startedMs = undefined
    while (this.#waiting.length > 0 && this.#hasTime()) {
      const next = this.#waiting.shift()
      next?.run()
      if (next?.endsRound === true) return
    }
  }
}

export const turns: Turns = new Turns()
