/**
 * Add-wins observed-remove sets: all the sets of one replica, as one store of dots.
 *
 * An element is present while at least one dot of an add stands under it. Removing takes away exactly the dots that the
 * remover saw, so an add it did not know of survives. There are no tombstones: the causal context remembers the dots,
 * and a dot that was seen but is no longer held is a removal (peers.md 3a).
 *
 * An element is a (set, member) pair. One index from dot to element serves all sets, which makes a delta cost what it
 * contains, whatever the sets hold. The context is shared with the maps and comes in as an argument.
 *
 * A dot belongs to one element. A broken or hostile peer may claim otherwise; then all replicas keep the element that
 * sorts first, and count it.
 */
import type { ActorId } from '../base/names.ts'
import type { CausalContext } from './context.ts'
import { type Dot, sameDot } from './dot.ts'

/** One live add. */
export interface LiveDot {
  readonly set: string
  readonly member: string
  readonly dot: Dot
}

interface Element {
  readonly set: string
  readonly member: string
  /** Nearly always one; several after concurrent adds. */
  dots: readonly Dot[]
}

const NO_DOTS: readonly Dot[] = []

/** Hears of every dot that comes to stand under an element (1) or goes (-1). */
export type DotListener = (set: string, member: string, dot: Dot, sign: 1 | -1) => void

export class OrSets {
  readonly #sets = new Map<string, Map<string, Element>>()
  readonly #index = new Map<ActorId, Map<number, Element>>()
  readonly #onDot: DotListener | undefined
  #collisions = 0
  #size = 0

  constructor(onDot?: DotListener) {
    this.#onDot = onDot
  }

  /** Elements present, over all sets. */
  get size(): number {
    return this.#size
  }

  /** How often one dot was claimed for two elements. */
  get collisions(): number {
    return this.#collisions
  }

  dotsOf(set: string, member: string): readonly Dot[] {
    return this.#sets.get(set)?.get(member)?.dots ?? NO_DOTS
  }

  has(set: string, member: string): boolean {
    return this.#sets.get(set)?.has(member) ?? false
  }

  /** In no particular order. */
  members(set: string): Iterable<string> {
    return this.#sets.get(set)?.keys() ?? []
  }

  count(set: string): number {
    return this.#sets.get(set)?.size ?? 0
  }

  /** Sets with at least one member, in no particular order. */
  names(): Iterable<string> {
    return this.#sets.keys()
  }

  *liveDots(): Generator<LiveDot> {
    for (const members of this.#sets.values()) {
      for (const { set, member, dots } of members.values()) {
        for (const dot of dots) yield { set, member, dot }
      }
    }
  }

  /**
   * Delta rule for an add: a dot seen before is ignored, for it is live here already or was removed.
   *
   * @returns the elements that changed
   */
  joinAdd(context: CausalContext, add: LiveDot): LiveDot[] {
    if (context.add(add.dot)) {
      this.#place(add)
      return [add]
    }
    return this.#settleCollision(add)
  }

  /** Delta rule for a removed or superseded dot. @returns the element that lost it, if one held it */
  joinCovered(context: CausalContext, dot: Dot): LiveDot | undefined {
    context.add(dot)
    return this.#drop(dot)
  }

  /** Whether this very dot stands under this element. */
  holds({ set, member, dot }: LiveDot): boolean {
    const element = this.#elementOf(dot)
    return element?.member === member && element.set === set
  }

  /** Takes a dot away from its element, without asking or telling any context. */
  drop(dot: Dot): void {
    this.#drop(dot)
  }

  /** Puts a live dot read back from disk. */
  restore(live: LiveDot): void {
    if (this.#elementOf(live.dot) === undefined) this.#place(live)
    else this.#settleCollision(live)
  }

  #elementOf(dot: Dot): Element | undefined {
    return this.#index.get(dot.actor)?.get(dot.n)
  }

  #place({ set, member, dot }: LiveDot): void {
    let members = this.#sets.get(set)
    if (members === undefined) {
      members = new Map()
      this.#sets.set(set, members)
    }
    let element = members.get(member)
    if (element === undefined) {
      element = { set, member, dots: [dot] }
      members.set(member, element)
      this.#size++
    } else element.dots = [...element.dots, dot]
    let numbers = this.#index.get(dot.actor)
    if (numbers === undefined) {
      numbers = new Map()
      this.#index.set(dot.actor, numbers)
    }
    numbers.set(dot.n, element)
    this.#onDot?.(set, member, dot, 1)
  }

  #drop(dot: Dot): LiveDot | undefined {
    const numbers = this.#index.get(dot.actor)
    const element = numbers?.get(dot.n)
    if (numbers === undefined || element === undefined) return undefined
    numbers.delete(dot.n)
    if (numbers.size === 0) this.#index.delete(dot.actor)
    element.dots = element.dots.filter((other) => !sameDot(other, dot))
    if (element.dots.length === 0) {
      const members = this.#sets.get(element.set)
      members?.delete(element.member)
      if (members?.size === 0) this.#sets.delete(element.set)
      this.#size--
    }
    this.#onDot?.(element.set, element.member, dot, -1)
    return { set: element.set, member: element.member, dot }
  }

  /** When the dot is live under another element: keeps the one that sorts first. @returns the elements that changed */
  #settleCollision(claimed: LiveDot): LiveDot[] {
    const element = this.#elementOf(claimed.dot)
    if (element === undefined || (element.set === claimed.set && element.member === claimed.member)) return []
    this.#collisions++
    if (!sortsBefore(claimed, element)) return []
    const left = this.#drop(claimed.dot)
    this.#place(claimed)
    return left === undefined ? [claimed] : [left, claimed]
  }
}

function sortsBefore(a: LiveDot, b: Element): boolean {
  return a.set < b.set || (a.set === b.set && a.member < b.member)
}
