/**
 * Which dots a peer's delta may name (peers.md 3a pitfall 8). A dot far above all seen of its actor would leave a gap that
 * nobody ever fills, and so would a thousand scattered ones; made-up actors would stay in the context for ever. A delta with
 * one such dot is refused whole: half a mutation would claim what it does not bring. A peer that syncs with us names all
 * that it has seen, and may bring that in any order.
 */
import type { CausalContext } from '../../crdt/context.ts'
import type { Dot } from '../../crdt/dot.ts'
import type { Delta } from './delta.ts'

export interface DotBoundOptions {
  /** How far above the highest seen number of its actor a delta's dot may lie. Default 16,777,216. */
  readonly dotWindow?: number
  /**
   * Gaps in the context beyond which deltas may not open new ones. Default 1,000,000, about 40 MB: a newcomer that is
   * being filled has one for nearly every entry it gets, and must take new writes meanwhile.
   */
  readonly contextHolesMax?: number
  /** Actors beyond which deltas may not name new ones. Default 100,000, about 10 MB. */
  readonly contextActorsMax?: number
}

const DOT_WINDOW = 16_777_216
const CONTEXT_HOLES_MAX = 1_000_000
const CONTEXT_ACTORS_MAX = 100_000

export class DotBounds {
  readonly #window: number
  readonly #holesMax: number
  readonly #actorsMax: number

  constructor(options: DotBoundOptions) {
    this.#window = options.dotWindow ?? DOT_WINDOW
    this.#holesMax = options.contextHolesMax ?? CONTEXT_HOLES_MAX
    this.#actorsMax = options.contextActorsMax ?? CONTEXT_ACTORS_MAX
  }

  /** @param theirs what a peer has seen who holds all of it: dots in there are beyond doubt */
  admit(context: CausalContext, delta: Delta, theirs?: CausalContext): boolean {
    let [holes, actors] = [context.holes, context.actorCount]
    const admitted = (dot: Dot): boolean => {
      const highest = context.maxOf(dot.actor)
      // The next one, as nearly always.
      if (dot.n === highest + 1 && highest > 0) return true
      if (context.has(dot) || theirs?.has(dot) === true) return true
      if (dot.n > highest + this.#window) return false
      if (highest === 0 && ++actors > this.#actorsMax) return false
      return !context.wouldOpenHole(dot) || ++holes <= this.#holesMax
    }
    return (
      delta.puts.every(({ entry }) => admitted(entry.dot)) &&
      delta.adds.every(({ dot }) => admitted(dot)) &&
      delta.covered.every(admitted)
    )
  }
}
