/**
 * Causal context: the set of all dots seen, held as a version vector plus a cloud of intervals above its gaps.
 *
 * Intuition: a list of pages read, per book. "All up to 17" is one number; "and 19 to 24" is an interval beside it.
 * When 18 is read as well, everything folds into "all up to 24". A replica that has missed nothing keeps one number an
 * actor, about 20 bytes, whatever it has seen; every gap costs two more numbers until anti-entropy closes it.
 *
 * The form is canonical: intervals are sorted, disjoint, not adjacent, and start at least two above the version vector;
 * an actor of whom nothing was seen has no line. So equal sets have equal forms, and equal bytes (peers.md 3a).
 *
 * Not here: which dots may be claimed at all. That is the joins' business, and the one rule is pitfall 1 of peers.md 3a:
 * never claim a dot whose write you neither hold nor know to be superseded.
 */
import { assert } from '../base/assert.ts'
import type { ActorId } from '../base/names.ts'
import type { Dot } from './dot.ts'
import { type Interval, IntervalList } from './interval-list.ts'

export type { Interval }

interface Seen {
  /** Every number up to this one was seen. */
  upTo: number
  /** Above `upTo + 1`. */
  cloud: IntervalList
}

export class CausalContext {
  readonly #actors = new Map<ActorId, Seen>()
  #holes = 0

  /** Actors of whom at least one dot was seen. */
  get actorCount(): number {
    return this.#actors.size
  }

  /** Gaps between numbers seen, over all actors. */
  get holes(): number {
    return this.#holes
  }

  /** Sorted, so that whatever is derived from it is canonical too. */
  actors(): ActorId[] {
    return [...this.#actors.keys()].sort((a, b) => (a < b ? -1 : 1))
  }

  has(dot: Dot): boolean {
    const seen = this.#actors.get(dot.actor)
    if (seen === undefined) return false
    if (dot.n <= seen.upTo) return true
    if (seen.cloud.size === 0) return false
    const interval = seen.cloud.reaching(dot.n)
    return interval !== undefined && interval.first <= dot.n
  }

  /** Whether every number of the interval was seen: intervals of one form are never adjacent, so it lies in one of them. */
  hasAll(actor: ActorId, { first, last }: Interval): boolean {
    const seen = this.#actors.get(actor)
    if (seen === undefined) return false
    if (last <= seen.upTo) return true
    const interval = seen.cloud.reaching(last)
    return interval !== undefined && interval.first <= first
  }

  /** Every number of `actor` up to this one was seen; 0 when the first was not. */
  upTo(actor: ActorId): number {
    return this.#actors.get(actor)?.upTo ?? 0
  }

  /** The highest number seen of `actor`; 0 when none was. */
  maxOf(actor: ActorId): number {
    const seen = this.#actors.get(actor)
    return seen?.cloud.last?.last ?? seen?.upTo ?? 0
  }

  /** What was seen of `actor`, ascending; the first interval starts at 1 unless number 1 is missing. */
  intervals(actor: ActorId): Interval[] {
    const seen = this.#actors.get(actor)
    if (seen === undefined) return []
    return seen.upTo > 0 ? [{ first: 1, last: seen.upTo }, ...seen.cloud] : [...seen.cloud]
  }

  /** Whether seeing `dot` now would leave one more gap than before. */
  wouldOpenHole(dot: Dot): boolean {
    if (this.has(dot) || dot.n === this.upTo(dot.actor) + 1) return false
    return !this.has({ actor: dot.actor, n: dot.n - 1 }) && !this.has({ actor: dot.actor, n: dot.n + 1 })
  }

  /** @returns whether it was new */
  add(dot: Dot): boolean {
    const seen = this.#actors.get(dot.actor)
    if (seen !== undefined && seen.cloud.size === 0 && dot.n === seen.upTo + 1) {
      seen.upTo = dot.n
      return true
    }
    if (this.has(dot)) return false
    this.addInterval(dot.actor, { first: dot.n, last: dot.n })
    return true
  }

  addAll(dots: Iterable<Dot>): void {
    for (const dot of dots) this.add(dot)
  }

  addInterval(actor: ActorId, interval: Interval): void {
    assert(
      interval.first >= 1 && interval.first <= interval.last,
      'an interval counts from 1 and ends after its start',
    )
    assert(Number.isSafeInteger(interval.last), 'a dot number is a whole number below 2^53')
    let seen = this.#actors.get(actor)
    if (seen === undefined) {
      seen = { upTo: 0, cloud: new IntervalList() }
      this.#actors.set(actor, seen)
    }
    const before = seen.cloud.size
    insert(seen, interval)
    this.#holes += seen.cloud.size - before
  }

  /** Takes in everything that `other` has seen. */
  union(other: CausalContext): void {
    for (const actor of other.#actors.keys()) this.addActor(other, actor)
  }

  /** Takes in what `other` has seen of one actor. */
  addActor(other: CausalContext, actor: ActorId): void {
    for (const interval of other.intervals(actor)) this.addInterval(actor, interval)
  }

  /** Whether everything `other` has seen was seen here. */
  includes(other: CausalContext): boolean {
    for (const actor of other.#actors.keys()) {
      if (!other.intervals(actor).every((interval) => this.hasAll(actor, interval))) return false
    }
    return true
  }

  equals(other: CausalContext): boolean {
    if (this.#actors.size !== other.#actors.size || this.#holes !== other.#holes) return false
    for (const [actor, seen] of this.#actors) {
      const theirs = other.#actors.get(actor)
      if (theirs === undefined || theirs.upTo !== seen.upTo || theirs.cloud.size !== seen.cloud.size)
        return false
      const others = theirs.cloud[Symbol.iterator]()
      for (const { first, last } of seen.cloud) {
        const other = others.next().value
        if (other?.first !== first || other?.last !== last) return false
      }
    }
    return true
  }

  clone(): CausalContext {
    const copy = new CausalContext()
    for (const [actor, seen] of this.#actors) {
      copy.#actors.set(actor, { upTo: seen.upTo, cloud: seen.cloud.clone() })
    }
    copy.#holes = this.#holes
    return copy
  }
}

/** What touches `upTo` raises it, and so does what then touches it at the front of the cloud. */
function insert(seen: Seen, interval: Interval): void {
  const { cloud } = seen
  if (interval.first > seen.upTo + 1) {
    cloud.add(interval)
    return
  }
  seen.upTo = Math.max(seen.upTo, interval.last)
  for (let next = cloud.first; next !== undefined && next.first <= seen.upTo + 1; next = cloud.first) {
    seen.upTo = Math.max(seen.upTo, next.last)
    cloud.shift()
  }
}
