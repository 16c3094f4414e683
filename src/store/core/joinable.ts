/** The side of a store that replication sees; the durable store and the simulator's both provide it. */
import type { CausalContext } from '../../crdt/context.ts'
import type { Delta, FullState } from './delta.ts'

export interface Joinable {
  /**
   * Merges a peer's delta: visible to readers at once, durable with the next batch.
   * @param theirs what that peer has seen, where it is known: its dots need no other bound (dot-bounds.ts)
   * @returns the part that was new here (to be relayed); empty when nothing was
   */
  join(delta: Delta, theirs?: CausalContext): Delta
  fullState(): FullState
}
