/**
 * The last removals of set members made here, by element.
 *
 * A removal leaves no tombstone, so one that is tried again finds nothing to remove, and would have nothing to ask other
 * replicas about: a client whose `?ack=all` was not met in time could never learn that it is met now. With this the second
 * try asks for the dots of the first. Bounded to 10,000 elements, the oldest first to go, and gone after a restart; then a
 * second try is acknowledged by this replica alone.
 */
import type { Delta } from './core/delta.ts'
import { stateKeyName } from './core/state-key.ts'

export const RECENT_REMOVALS_MAX = 10_000

export class RecentRemovals {
  readonly #deltas = new Map<string, readonly Delta[]>()
  readonly #max: number

  constructor(max: number = RECENT_REMOVALS_MAX) {
    this.#max = max
  }

  remember(set: string, member: string, deltas: readonly Delta[]): void {
    const name = stateKeyName({ kind: 'member', set, member })
    // Deleted first, so that the order of the map is that of the removals.
    this.#deltas.delete(name)
    this.#deltas.set(name, deltas)
    if (this.#deltas.size <= this.#max) return
    const oldest = this.#deltas.keys().next()
    if (oldest.done !== true) this.#deltas.delete(oldest.value)
  }

  of(set: string, member: string): readonly Delta[] {
    return this.#deltas.get(stateKeyName({ kind: 'member', set, member })) ?? []
  }
}
