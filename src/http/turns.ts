/**
 * HTTP's share of the event loop: after 10 ms of it in one round, what comes next waits for the next round, so that gossip
 * has its turn in between. Without that a thousand requests that arrive together are worked off in one go, and for as long
 * no probe is answered: a list of 4 MiB takes 10 ms, a thousand of them 10 s, and after one and a half the other
 * replicas suspect this one.
 *
 * Two queues, as at a post office: those with a letter do not wait behind those with a cart. Light work (one value) and heavy
 * work (all else) get 10 ms of each round. Heavy work that pauses goes on before other heavy work begins, so that a
 * thousand lists are not all half done and in memory. Otherwise first come, first served.
 *
 * There is one loop a process, so there is one of these. It keeps nothing beyond what is admitted (guards/admission.ts), and
 * no timer while nobody waits.
 */

const TURN_MS = 10

export class Turns {
  readonly #light: (() => void)[] = []
  readonly #heavy: (() => void)[] = []
  /** Heavy work that has begun. */
  readonly #begun: (() => void)[] = []
  /** Of the current round; undefined before anybody had a turn in it. */
  #startedMs: number | undefined

  get waiting(): number {
    return this.#light.length + this.#heavy.length + this.#begun.length
  }

  /** Whether light work would run at once. */
  get isFree(): boolean {
    return this.#light.length === 0 && this.#hasTime()
  }

  /** Runs it now, or in one of the next rounds. */
  enter(run: () => void): void {
    if (this.isFree) run()
    else this.#light.push(run)
  }

  /** As `enter`, before all others. */
  enterFirst(run: () => void): void {
    if (this.#hasTime()) run()
    else this.#light.unshift(run)
  }

  /** As `enter`, in the other queue. */
  enterHeavy(run: () => void): void {
    if (this.#begun.length === 0 && this.#heavy.length === 0 && this.#hasTime()) run()
    else this.#heavy.push(run)
  }

  /** Resolves when there is time: for heavy work, between two of its pieces. */
  async pause(): Promise<void> {
    if (this.#begun.length === 0 && this.#hasTime()) return
    await new Promise<void>((resolve) => this.#begun.push(resolve))
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
    if (this.waiting === 0) return
    while (this.#light.length > 0 && this.#hasTime()) this.#light.shift()?.()
    // The other queue has as much time of its own; the round that follows is arranged for once.
    if (this.#startedMs === undefined) this.#hasTime()
    else this.#startedMs = performance.now()
    const resume = this.#begun.shift()
    // What it resumes runs when this is over, so nothing may follow.
    if (resume !== undefined) resume()
    else while (this.#heavy.length > 0 && this.#hasTime()) this.#heavy.shift()?.()
  }
}

export const turns: Turns = new Turns()
