/** The side of a store that replication sees; the durable store and the simulator's both provide it. */
import type { Delta, FullState } from './delta.ts'

export interface Joinable {
  /**
   * Merges a peer's delta: visible to readers at once, durable with the next batch.
   * @returns the part that was new here (to be relayed); empty when nothing was
   */
  join(delta: Delta): Delta
  /** Merges a peer's complete state under the dot rules. @returns the part that was new here */
  joinFull(state: FullState): Delta
  fullState(): FullState
}
