/**
 * The own incarnation: a counter that outbids whatever is said about us.
 *
 * Only we may raise it, and a higher one beats any accusation at a lower one. memberlist lets the 32-bit counter wrap
 * to 0, after which nobody believes the node again; here it stops at the largest value instead.
 *
 * One forged accusation near the end of the range would use up a node's power to refute for good. Honest counters
 * rise by one at a time from 1, so a leap into the last 65,536 values is not believed, about us or about others.
 */

export const INCARNATION_MAX = 0xffff_ffff
/** Leaps to this value or above are taken for forgeries. */
export const INCARNATION_IMPLAUSIBLE_FROM = 0xffff_0000

/** Whether a member known at `known` may be spoken of at `claimed`. */
export function isPlausible(known: number, claimed: number): boolean {
  return claimed < INCARNATION_IMPLAUSIBLE_FROM || known >= INCARNATION_IMPLAUSIBLE_FROM - 1
}

export class Incarnation {
  #value: number

  /** @param persisted the last one used in a former life; the next is above it */
  constructor(persisted: number) {
    this.#value = Math.min(INCARNATION_MAX, Math.max(0, Math.floor(persisted)))
  }

  get value(): number {
    return this.#value
  }

  /** Raises it by one, or above `accused` when that is more. */
  raise(accused = 0): number {
    this.#value = Math.min(INCARNATION_MAX, Math.max(this.#value, accused) + 1)
    return this.#value
  }
}
