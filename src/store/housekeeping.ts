/**
 * What an open store does by itself as time passes. Once a second it merges parked entries that have become due, and
 * sweeps: away goes what had expired or was past its grace at the last whole minute of the wall clock, and what is too much.
 *
 * A sweep may find a million entries due. It works in parts of a few milliseconds, one a turn of the event loop. While
 * this replica does not trust its own clock (writes are refused for it), time stands still here too: what a wrong clock
 * swept away would be gone.
 */

/** The part of CommitQueue that works through what is due. */
export interface DueWork {
  /** @returns whether this minute is done */
  sweep(minuteMs: number): boolean
  releaseParked(nowMs: number): boolean
}

export interface HousekeepingOptions {
  readonly work: DueWork
  readonly wallMs: () => number
  /** Whether to wait, because the wall clock may be wrong. */
  readonly paused: () => boolean
  /** There may be something to write now. */
  readonly worked: () => void
}

const TICK_MS = 1000
export const SWEEP_INTERVAL_MS = 60_000

export class Housekeeping {
  readonly #options: HousekeepingOptions
  readonly #ticking: NodeJS.Timeout
  #part: NodeJS.Immediate | undefined

  constructor(options: HousekeepingOptions) {
    this.#options = options
    this.#ticking = setInterval(() => this.#tick(), TICK_MS)
    this.#ticking.unref()
    // What expired while the store was closed goes at once.
    this.#part = setImmediate(() => this.#sweep())
  }

  close(): void {
    clearInterval(this.#ticking)
    clearImmediate(this.#part)
  }

  #tick(): void {
    const { work, wallMs, paused, worked } = this.#options
    if (paused()) return
    work.releaseParked(wallMs())
    worked()
    if (this.#part === undefined) this.#sweep()
  }

  #sweep(): void {
    const { work, wallMs, paused, worked } = this.#options
    this.#part = undefined
    if (paused()) return
    const done = work.sweep(Math.floor(wallMs() / SWEEP_INTERVAL_MS) * SWEEP_INTERVAL_MS)
    if (!done) this.#part = setImmediate(() => this.#sweep())
    worked()
  }
}
