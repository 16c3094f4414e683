/**
 * A histogram of fixed buckets: how many observations were at most this large, and their sum.
 *
 * An observation finds its bucket and increments two numbers, some 20 ns, so that cores and hot paths can afford one each
 * time; what is scraped is added up when somebody scrapes. Buckets are fixed when it is made: they cost memory once, and
 * no input can add to them.
 *
 * Not here: names, labels, the text that is exposed (http/metrics/registry.ts).
 */
import { assert } from './assert.ts'

/** What a scrape needs of one. */
export interface HistogramView {
  /** Upper bounds, ascending; what lies above the last is in `count` alone. */
  readonly bounds: readonly number[]
  /** How many observations were at most as large as each bound: growing, one a bound. */
  cumulative(): readonly number[]
  readonly sum: number
  readonly count: number
}

export class Histogram implements HistogramView {
  readonly bounds: readonly number[]
  /** One a bound, and one for what is larger. */
  readonly #counts: number[]
  #sum = 0
  #count = 0

  /** @param bounds upper bounds, ascending, at least one */
  constructor(bounds: readonly number[]) {
    const isAscending = bounds.every((bound, i) => i === 0 || bound > (bounds[i - 1] ?? bound))
    assert(bounds.length > 0 && isAscending, 'the bounds of a histogram ascend')
    this.bounds = bounds
    this.#counts = new Array<number>(bounds.length + 1).fill(0)
  }

  get sum(): number {
    return this.#sum
  }

  get count(): number {
    return this.#count
  }

  /** @param times as how many observations it counts, for whoever measures one of many */
  observe(value: number, times = 1): void {
    const { bounds } = this
    let bucket = 0
    while (bucket < bounds.length && value > (bounds[bucket] ?? 0)) bucket++
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + times
    this.#sum += value * times
    this.#count += times
  }

  /** For a status page. */
  toJSON(): { readonly count: number; readonly sum: number } {
    return { count: this.#count, sum: this.#sum }
  }

  cumulative(): readonly number[] {
    let total = 0
    return this.bounds.map((_, bucket) => {
      total += this.#counts[bucket] ?? 0
      return total
    })
  }
}
