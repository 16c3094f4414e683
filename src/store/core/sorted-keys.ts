/**
 * The keys of one map in order (UTF-16 code units), for listing by pages.
 *
 * Sorted when somebody looks, not when somebody writes: new keys wait unsorted, and the next look merges them in. A page
 * of a quiet map of 100,000 keys costs a binary search; after a write, one linear merge of about a millisecond.
 */
export class SortedKeys {
  readonly #holds: (key: string) => boolean
  #sorted: string[] = []
  #added: string[] = []
  #removed = false

  /** @param holds whether a key is still in the map; asked after removals */
  constructor(holds: (key: string) => boolean) {
    this.#holds = holds
  }

  add(key: string): void {
    this.#added.push(key)
  }

  remove(): void {
    this.#removed = true
  }

  /** Keys from `start` on, ascending. The map must not change while this runs. */
  *from(start: string, inclusive: boolean): Generator<string> {
    this.#settle()
    const keys = this.#sorted
    let low = 0
    let high = keys.length
    while (low < high) {
      const middle = (low + high) >> 1
      const key = keys[middle] ?? start
      if (key < start || (!inclusive && key === start)) low = middle + 1
      else high = middle
    }
    for (let index = low; index < keys.length; index++) yield keys[index] ?? ''
  }

  #settle(): void {
    if (this.#added.length > 0) {
      const added = this.#added.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
      this.#sorted = this.#sorted.length === 0 ? withoutRepeats(added) : merged(this.#sorted, added)
      this.#added = []
    }
    if (this.#removed) {
      this.#sorted = this.#sorted.filter(this.#holds)
      this.#removed = false
    }
  }
}

function withoutRepeats(sorted: readonly string[]): string[] {
  return sorted.filter((key, index) => index === 0 || key !== sorted[index - 1])
}

/** A key that was removed and came back stands in both. */
function merged(a: readonly string[], b: readonly string[]): string[] {
  const keys: string[] = []
  let i = 0
  let j = 0
  while (i < a.length || j < b.length) {
    const left = a[i]
    const right = b[j]
    const next = right === undefined || (left !== undefined && left <= right) ? left : right
    if (next === undefined) break
    if (left === next) i++
    else j++
    if (keys.length === 0 || keys[keys.length - 1] !== next) keys.push(next)
  }
  return keys
}
