/**
 * Binary min-heap, for timers and for the simulator's future. Ties keep insertion order, so that the same inputs
 * always give the same sequence.
 *
 * There is no removal from the middle: owners mark an item as stale (by generation) and skip it when it surfaces.
 */
export class Heap<T> {
  readonly #items: { readonly at: number; readonly sequence: number; readonly value: T }[] = []
  #sequence = 0

  get size(): number {
    return this.#items.length
  }

  /** `at` of the earliest item, or undefined when empty. */
  peekAt(): number | undefined {
    return this.#items[0]?.at
  }

  /** The earliest item, or undefined when empty. */
  peek(): T | undefined {
    return this.#items[0]?.value
  }

  /** All items, in no particular order. */
  *[Symbol.iterator](): Generator<T> {
    for (const { value } of this.#items) yield value
  }

  push(at: number, value: T): void {
    const items = this.#items
    items.push({ at, sequence: this.#sequence++, value })
    let index = items.length - 1
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (!this.#before(index, parent)) break
      this.#swap(index, parent)
      index = parent
    }
  }

  pop(): { readonly at: number; readonly value: T } | undefined {
    const items = this.#items
    const top = items[0]
    const last = items.pop()
    if (top === undefined || last === undefined) return undefined
    if (items.length > 0) {
      items[0] = last
      let index = 0
      for (;;) {
        const left = index * 2 + 1
        const right = left + 1
        let least = index
        if (left < items.length && this.#before(left, least)) least = left
        if (right < items.length && this.#before(right, least)) least = right
        if (least === index) break
        this.#swap(index, least)
        index = least
      }
    }
    return top
  }

  #before(i: number, j: number): boolean {
    const a = this.#items[i]
    const b = this.#items[j]
    if (a === undefined || b === undefined) return false
    return a.at < b.at || (a.at === b.at && a.sequence < b.sequence)
  }

  #swap(i: number, j: number): void {
    const items = this.#items
    const a = items[i]
    const b = items[j]
    if (a === undefined || b === undefined) return
    items[i] = b
    items[j] = a
  }
}
