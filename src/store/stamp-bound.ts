/**
 * The stamp bound: a time on disk that no stamp told to anybody lies above, so that a replica which comes back with a
 * slow wall clock, and perhaps without its last batches, starts above all of them (peers.md 3c, reliability.md row 19).
 *
 * The clock itself is in every batch; this is for when batches are gone: a database set aside, restored, or cut off. It
 * stands in the actor file and is raised ahead of time, 5 s at once, so one small fsync in 2.5 s of steady writing keeps
 * it ahead in the background. Only the first write after a pause waits for it, and that beside its own batch.
 *
 * A replica that comes back after a crash goes on above the bound, and so runs up to 5 s ahead of its wall until that has
 * caught up. The bound is ahead of the wall, not of the clock: else every crash in a loop would carry the stamps another
 * 5 s away, until peers park them. Where the clock itself leads, being drawn along by a peer's, the bound goes ahead of it
 * by no more than it has moved in this life.
 *
 * Not covered: a write over an entry whose own stamp lies far ahead (hlc.ts `stampWrite`) goes just above that one.
 */
import { STAMP_STEP_MS } from './core/actor-record.ts'

export class StampBound {
  readonly #save: (boundMs: number) => Promise<void>
  #boundMs: number
  #raising: Promise<void> | undefined
  /** Clock at the first stamp of this life. */
  #firstMs: number | undefined

  /**
   * @param boundMs as an earlier life left it; 0 for none
   * @param save resolves when the bound is on disk
   */
  constructor(boundMs: number, save: (boundMs: number) => Promise<void>) {
    this.#boundMs = boundMs
    this.#save = save
  }

  /** On disk. */
  get ms(): number {
    return this.#boundMs
  }

  /**
   * To be asked once stamps up to `clockMs` are drawn, and before anybody hears of them. Undefined when they are covered,
   * else resolves then; rejects as `save` does.
   */
  cover(clockMs: number, wallMs: number): Promise<void> | undefined {
    this.#firstMs ??= clockMs
    const leadMs = Math.min(Math.max(clockMs - this.#firstMs, 0), STAMP_STEP_MS)
    const targetMs = Math.max(clockMs + leadMs, Math.floor(wallMs) + STAMP_STEP_MS)
    if (clockMs > this.#boundMs) return this.#raiseAbove(clockMs, targetMs)
    // In the background: if it fails, whoever comes to the edge tries again and reports.
    if (this.#boundMs < targetMs - STAMP_STEP_MS / 2) this.#raise(targetMs).catch(() => undefined)
    return undefined
  }

  /** The stamps have been taken back to the wall. Resolves when the next life would begin there as well. */
  async turnBack(wallMs: number): Promise<void> {
    // A loop, because whoever waits for a raise may begin the next one before we are told.
    while (this.#raising !== undefined) await this.#raising.catch(() => undefined)
    // Before it is on disk, so that a stamp that comes meanwhile is saved after it and not held for covered.
    this.#boundMs = Math.floor(wallMs) + STAMP_STEP_MS
    this.#firstMs = undefined
    await this.#save(this.#boundMs)
  }

  async #raiseAbove(clockMs: number, targetMs: number): Promise<void> {
    // A loop, because what is under way may have been meant for an earlier stamp.
    while (this.#boundMs < clockMs) await this.#raise(targetMs)
  }

  #raise(targetMs: number): Promise<void> {
    this.#raising ??= this.#save(targetMs)
      .then(() => {
        this.#boundMs = targetMs
      })
      .finally(() => {
        this.#raising = undefined
      })
    return this.#raising
  }
}
