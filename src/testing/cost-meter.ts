/**
 * What one turn of a simulated event loop costs at most: entries that replication touches in it. Real time does not pass
 * in a turn here, so a merge that would stand in the way of probes for 200 ms shows only by its count.
 */
import type { SyncStore } from '../store/replication/sync-store.ts'
import type { SimClock } from './sim-clock.ts'

/** Slices look through 2,000 items; a chunk of 64 KiB is joined at once, and may retire what it replaces. */
export const ENTRIES_PER_TURN_MAX = 10_000

export class CostMeter {
  readonly #clock: SimClock
  #turn = -1
  #entries = 0
  #most = 0

  constructor(clock: SimClock) {
    this.#clock = clock
  }

  /** Entries touched in the most expensive turn. */
  get most(): number {
    return this.#most
  }

  touch(entries: number): void {
    if (this.#turn !== this.#clock.steps) this.#entries = 0
    this.#turn = this.#clock.steps
    this.#entries += entries
    this.#most = Math.max(this.#most, this.#entries)
  }

  /** `store`, with everything that is touched through it counted. */
  metered(store: SyncStore): SyncStore {
    const touch = (entries: number): void => this.touch(entries)
    return {
      join: (delta, theirs) => {
        touch(delta.puts.length + delta.adds.length + delta.covered.length + delta.records.length)
        return store.join(delta, theirs)
      },
      fullState: () => store.fullState(),
      get context() {
        return store.context
      },
      get digest() {
        return store.digest
      },
      *scan() {
        const items = store.scan()
        for (let next = items.next(); next.done !== true; next = items.next()) {
          touch(1)
          yield next.value
        }
      },
      read: (items) => {
        const some = [...items]
        touch(some.length)
        return store.read(some)
      },
      retire: (items, theirs) => {
        const some = [...items]
        touch(some.length)
        return store.retire(some, theirs)
      },
      unite: (theirs) => store.unite(theirs),
      durable: (done) => store.durable(done),
    }
  }
}
