/**
 * The full join of peers.md 3a and 3c, put together from the moves of anti-entropy: what a session does in slices and
 * chunks (store/replication), done at once with a state that is at hand. For oracles and tests.
 */
import type { CausalContext } from '../crdt/context.ts'
import type { Delta, FullState } from '../store/core/delta.ts'
import { ItemHasher } from '../store/core/item-hasher.ts'
import type { ReplicaState } from '../store/core/replica-state.ts'
import type { StateItem } from '../store/core/state-item.ts'

/** A store, or a state at a certain time. */
export interface JoiningSide {
  scan(): Iterator<StateItem>
  retire(items: Iterable<StateItem>, theirs: CausalContext): unknown
  join(delta: Delta, theirs?: CausalContext): unknown
  unite(theirs: CausalContext): unknown
}

export function sideOf(state: ReplicaState, nowMs: number): JoiningSide {
  return {
    scan: () => state.scan(),
    retire: (items, theirs) => state.retire(items, theirs),
    join: (delta, theirs) => state.join(delta, nowMs, theirs),
    unite: (theirs) => state.unite(theirs),
  }
}

/** What of `side` is not in `full`, leaving out what stands there under the same name with other contents. */
export function itemsMissingFrom(full: FullState, side: Pick<JoiningSide, 'scan'>): StateItem[] {
  const theirs = new Set<number>()
  const hasher = new ItemHasher()
  for (const { map, key, entry } of full.puts) {
    hasher.entry(map, key, entry)
    theirs.add(hasher.hi)
  }
  for (const { set, member, dot } of full.adds) {
    hasher.member(set, member, dot)
    theirs.add(hasher.hi)
  }
  const missing: StateItem[] = []
  const items = side.scan()
  for (let next = items.next(); next.done !== true; next = items.next()) {
    if (!theirs.has(next.value.hi)) missing.push(next.value)
  }
  return missing
}

/** Merges a complete state into one side. */
export function joinFull(side: JoiningSide, { context, puts, adds, records }: FullState): void {
  side.retire(itemsMissingFrom({ context, puts, adds, records }, side), context)
  side.join({ puts, adds, covered: [], records }, context)
  // Sound before the roots are equal because the state is complete: what it claims is in it, or was removed.
  side.unite(context)
}
