/**
 * The keys of one map in order (UTF-16 code units), for listing by pages.
 *
 * Sorted when somebody looks, not when somebody writes: new keys wait unsorted, and the next look merges them in. A page
 * of a quiet map of 100,000 keys costs a binary search; after a write, one linear merge of about a millisecond.
 */

/** The keys that are held now; a Map of them will do. */
export interface KeySource {
  has(key: string): boolean
  keys(): Iterable<string>
}

export class SortedKeys {
  readonly #held: KeySource
  /** Undefined until somebody looks: most maps are never listed, and a million keys would be noted for nothing. */
  #sorted: string[] | undefined
  #added: string[] = []
  #removed = false

  constructor(held: KeySource) {
    this.#held = held
  }

  add(key: string): void {
    if (this.#sorted !== undefined) this.#added.push(key)
  }

  remove(): void {
    this.#removed = true
  }

  /** Keys from `start` on, ascending. The map must not change while this runs. */
  *from(start: string, inclusive: boolean): Generator<string> {
    const keys = this.#settled()
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

  #settled(): readonly string[] {
    if (this.#sorted === undefined) this.#sorted = ascending(this.#held.keys())
    else {
      if (this.#added.length > 0) this.#sorted = merged(this.#sorted, ascending(this.#added))
      if (this.#removed) this.#sorted = this.#sorted.filter((key) => this.#held.has(key))
    }
    this.#added = []
    this.#removed = false
    return this.#sorted
  }
}

function ascending(keys: Iterable<string>): string[] {
  return [...keys].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
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
