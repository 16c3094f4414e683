/**
 * A dot names one write event: the n-th of an actor, counted from 1 without gaps. Whoever has seen a dot has seen that
 * write or its removal, so a set of dots (see context.ts) is all the memory that deletes need (peers.md 3a).
 */
import type { ActorId } from '../base/names.ts'

export interface Dot {
  readonly actor: ActorId
  /** At least 1, below 2^53. */
  readonly n: number
}

export function sameDot(a: Dot, b: Dot): boolean {
  return a.n === b.n && a.actor === b.actor
}

/** Total order, without meaning in time: number, then actor. */
export function compareDots(a: Dot, b: Dot): number {
  if (a.n !== b.n) return a.n - b.n
  return a.actor === b.actor ? 0 : a.actor < b.actor ? -1 : 1
}
