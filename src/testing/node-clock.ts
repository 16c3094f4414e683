/**
 * The two clocks of one simulated machine, both running a little fast or slow against virtual time; its wall clock is
 * off besides, by another amount after each restart, so that it may be set back. The monotonic one starts at zero with the run and never goes back.
 */
import type { Random } from '../base/random.ts'
import { between } from './random-streams.ts'
import type { SimClock } from './sim-clock.ts'

/** 2026-01-01 in UTC: what a right wall clock says when a run starts. */
const START_WALL_MS = 1_767_225_600_000

export class NodeClock {
  readonly #clock: SimClock
  readonly #rate: number
  readonly #random: Random
  readonly #offsetMaxMs: number
  #offsetMs = 0
  #lastMs = 0

  constructor(
    clock: SimClock,
    random: Random,
    limits: { readonly offsetMaxMs: number; readonly driftMax: number },
  ) {
    this.#clock = clock
    this.#random = random
    this.#offsetMaxMs = limits.offsetMaxMs
    this.#rate = 1 + between(random, -limits.driftMax, limits.driftMax)
    this.reset()
  }

  /** Sets the wall clock anew, as wrong as before but differently. */
  reset(): void {
    this.#offsetMs = Math.round(between(this.#random, -this.#offsetMaxMs, this.#offsetMaxMs))
  }

  /** The wall clock jumps by this much, until `reset`. */
  jump(byMs: number): void {
    this.#offsetMs += byMs
  }

  monotonicMs(): number {
    this.#lastMs = Math.max(this.#lastMs, this.#clock.nowMs * this.#rate)
    return this.#lastMs
  }

  /** Whole milliseconds. */
  wallMs(): number {
    return Math.floor(START_WALL_MS + this.#offsetMs + this.#clock.nowMs * this.#rate)
  }

  /** Virtual time at which `monotonicMs()` has surely reached `localMs`. */
  virtualMs(localMs: number): number {
    // Rounding may fall a hair short; a microsecond more keeps a timer from firing before its own deadline.
    return localMs / this.#rate + 0.001
  }
}
