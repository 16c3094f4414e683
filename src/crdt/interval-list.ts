/**
 * Whole numbers as a sorted list of intervals, disjoint and never adjacent.
 *
 * In chunks of at most 256, so that a million numbers in random order cost 2 to 3 s: in one long array each new
 * interval would move half of all the others, which took a minute. What a set holds does not show how it came about but
 * in the chunks, and those nobody sees.
 */

/** All numbers `first..last`, both included. */
export interface Interval {
  readonly first: number
  readonly last: number
}

const CHUNK_MAX = 256

export class IntervalList {
  /** None is empty. */
  #chunks: Interval[][] = []
  #size = 0

  /** Intervals, not numbers. */
  get size(): number {
    return this.#size
  }

  get first(): Interval | undefined {
    return this.#chunks[0]?.[0]
  }

  get last(): Interval | undefined {
    return this.#chunks.at(-1)?.at(-1)
  }

  *[Symbol.iterator](): Generator<Interval> {
    for (const chunk of this.#chunks) yield* chunk
  }

  /** The first interval that ends at or after `n`. */
  reaching(n: number): Interval | undefined {
    const chunk = this.#chunks[endingAtOrAfter(this.#chunks, n, lastOf)]
    return chunk?.[endingAtOrAfter(chunk, n, endOf)]
  }

  /** Takes in an interval, together with all that it overlaps or touches. */
  add(interval: Interval): void {
    const chunks = this.#chunks
    const at = endingAtOrAfter(chunks, interval.first - 1, lastOf)
    const chunk = chunks[at]
    if (chunk === undefined) {
      this.#append(interval)
      return
    }
    const start = endingAtOrAfter(chunk, interval.first - 1, endOf)
    let { first, last } = interval
    let end = start
    for (let next = chunk[end]; next !== undefined && next.first <= last + 1; next = chunk[end]) {
      first = Math.min(first, next.first)
      last = Math.max(last, next.last)
      end++
    }
    // Where it reaches beyond its chunk, what it swallows there has been taken out before it is put in.
    last = end === chunk.length ? this.#swallow(at + 1, last) : last
    if (end - start === 1) chunk[start] = { first, last }
    else chunk.splice(start, end - start, { first, last })
    this.#size += 1 - (end - start)
    if (chunk.length > CHUNK_MAX) chunks.splice(at + 1, 0, chunk.splice(CHUNK_MAX / 2))
  }

  shift(): void {
    const chunk = this.#chunks[0]
    if (chunk === undefined) return
    chunk.shift()
    this.#size--
    if (chunk.length === 0) this.#chunks.shift()
  }

  clone(): IntervalList {
    const copy = new IntervalList()
    copy.#chunks = this.#chunks.map((chunk) => [...chunk])
    copy.#size = this.#size
    return copy
  }

  #append(interval: Interval): void {
    const chunk = this.#chunks.at(-1)
    if (chunk === undefined || chunk.length >= CHUNK_MAX) this.#chunks.push([interval])
    else chunk.push(interval)
    this.#size++
  }

  /** Takes out what begins at or before `last + 1`, from the front of a chunk on. @returns where the swallowed ends */
  #swallow(at: number, last: number): number {
    let end = last
    for (let chunk = this.#chunks[at]; chunk !== undefined; chunk = this.#chunks[at]) {
      let count = 0
      for (let next = chunk[count]; next !== undefined && next.first <= end + 1; next = chunk[count]) {
        end = Math.max(end, next.last)
        count++
      }
      this.#size -= count
      if (count < chunk.length) {
        chunk.splice(0, count)
        break
      }
      this.#chunks.splice(at, 1)
    }
    return end
  }
}

function endOf(interval: Interval): number {
  return interval.last
}

function lastOf(chunk: readonly Interval[]): number {
  return (chunk[chunk.length - 1] as Interval).last
}

/** Index of the first whose end is not before `n`; the length when there is none. */
function endingAtOrAfter<T>(sorted: readonly T[], n: number, end: (item: T) => number): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (end(sorted[middle] as T) < n) low = middle + 1
    else high = middle
  }
  return low
}
