/**
 * Choosing peers: at random without repetition, or in rotation.
 *
 * Random picks are exact at any size: a partial Fisher-Yates over indices, so small clusters never miss a candidate
 * and large ones are not copied. Rotation is for gossip: successive rounds walk on through one random order, so the
 * few transmissions a message gets reach distinct peers before any peer gets it twice.
 */
import type { Random } from '../../base/random.ts'

/** Up to `count` distinct items that `accept` lets through, uniformly, in random order. */
export function pickDistinct<T>(
  items: readonly T[],
  count: number,
  random: Random,
  accept: (item: T) => boolean,
): T[] {
  const picked: T[] = []
  const moved = new Map<number, number>()
  for (let i = 0; i < items.length && picked.length < count; i++) {
    const j = i + random.below(items.length - i)
    const chosen = moved.get(j) ?? j
    moved.set(j, moved.get(i) ?? i)
    const item = items[chosen] as T
    if (accept(item)) picked.push(item)
  }
  return picked
}

/** Walks a shuffled list in turns, one cursor for each purpose. */
export class Rotation<Purpose extends string> {
  readonly #cursors = new Map<Purpose, number>()

  /** Up to `count` distinct accepted items, going on where the last call for this purpose stopped. */
  next<T>(purpose: Purpose, items: readonly T[], count: number, accept: (item: T) => boolean): T[] {
    const picked: T[] = []
    let cursor = this.#cursors.get(purpose) ?? 0
    for (let steps = 0; steps < items.length && picked.length < count; steps++) {
      if (cursor >= items.length) cursor = 0
      const item = items[cursor++] as T
      if (accept(item)) picked.push(item)
    }
    this.#cursors.set(purpose, cursor)
    return picked
  }
}
