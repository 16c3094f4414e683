/**
 * Dots gathered in any order, to be added to a causal context all at once.
 *
 * Records come from disk sorted by key, so their dots come at random. Adding them one by one opens a hole for nearly each,
 * in the middle of a long list: 60 s for a million. Gathered and sorted first, each joins the one before it: 0.1 s, and 8
 * bytes a dot meanwhile.
 */
import type { ActorId } from '../../base/names.ts'
import type { CausalContext } from '../../crdt/context.ts'
import type { Dot } from '../../crdt/dot.ts'

export class DotBag {
  readonly #numbers = new Map<ActorId, number[]>()

  add({ actor, n }: Dot): void {
    const numbers = this.#numbers.get(actor)
    if (numbers === undefined) this.#numbers.set(actor, [n])
    else numbers.push(n)
  }

  addTo(context: CausalContext): void {
    for (const [actor, unsorted] of this.#numbers) {
      const numbers = Float64Array.from(unsorted).toSorted()
      let first = numbers[0] ?? 1
      let last = first
      for (const n of numbers) {
        if (n > last + 1) {
          context.addInterval(actor, { first, last })
          first = n
        }
        last = n
      }
      context.addInterval(actor, { first, last })
    }
  }
}
