/**
 * What to do when members come back that had been lost: after a partition both sides hold what the other has not, and it is
 * more than gossip passes on.
 *
 * The two that make contact compare at once. All others would notice by probe acks only, and with n members the same
 * one is probed every n seconds. So whoever sees lost members return exchanges with one of them within a second: its
 * side holds what it holds. After that only with those whose acks still show something else, one a second, and for 15 s.
 * That also bounds what a peer that comes and goes can cost.
 */
import { type Random, shuffle } from '../../base/random.ts'

const REUNION_MS = 15_000
/** Lost names remembered; the oldest are forgotten. */
const LOST_MAX = 1000

export class Reunion {
  readonly #lost = new Set<string>()
  /** Who came back, and when. */
  readonly #returned = new Map<string, number>()
  /** Whether somebody who came back has been met since the first of them came. */
  #met = false

  /** A member was declared dead. */
  lost(name: string): void {
    this.#returned.delete(name)
    this.#lost.delete(name)
    const [oldest] = this.#lost
    if (this.#lost.size >= LOST_MAX && oldest !== undefined) this.#lost.delete(oldest)
    this.#lost.add(name)
  }

  /** A member left on purpose: if it comes again it is new, and asks us. */
  left(name: string): void {
    this.#returned.delete(name)
    this.#lost.delete(name)
  }

  /** A member appeared. */
  came(name: string, nowMs: number): void {
    if (!this.#lost.delete(name)) return
    if (this.#returned.size === 0) this.#met = false
    this.#returned.set(name, nowMs)
  }

  /** What this member held is here. */
  met(name: string): void {
    if (this.#returned.has(name)) this.#met = true
  }

  /**
   * Whom to exchange with now; to be asked about once a second.
   * @param differs whether this member was last seen to hold something else; undefined when it has told nothing
   */
  next(nowMs: number, random: Random, differs: (name: string) => boolean | undefined): string | undefined {
    for (const [name, sinceMs] of this.#returned) {
      if (nowMs - sinceMs > REUNION_MS) this.#returned.delete(name)
    }
    const names = shuffle([...this.#returned.keys()], random)
    return names.find((name) => differs(name) ?? !this.#met)
  }
}
