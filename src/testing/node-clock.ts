/**
 * The two clocks of one simulated machine, both running a little fast or slow against virtual time; its wall clock is
 * off by a constant besides. The monotonic one starts at zero with the run and never goes back.
 */
import type { Random } from '../base/random.ts'
import { between } from './random-streams.ts'
import type { SimClock } from './sim-clock.ts'

/** 2026-01-01 in UTC: what a right wall clock says when a run starts. */
const START_WALL_MS = 1_767_225_600_000

export class NodeClock {
  readonly #clock: SimClock
  readonly #rate: number
  readonly #offsetMs: number
  #lastMs = 0

  constructor(
    clock: SimClock,
    random: Random,
    limits: { readonly offsetMaxMs: number; readonly driftMax: number },
  ) {
    this.#clock = clock
    this.#offsetMs = Math.round(between(random, -limits.offsetMaxMs, limits.offsetMaxMs))
    this.#rate = 1 + between(random, -limits.driftMax, limits.driftMax)
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
