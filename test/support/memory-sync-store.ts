/** A state as replication sees it, without a disk: durable at once, unless told otherwise. */
import type { ReplicaState } from '../../src/store/core/replica-state.ts'
import type { SyncStore } from '../../src/store/replication/sync-store.ts'

export function memorySyncStore(
  state: ReplicaState,
  nowMs: number,
  changes: Partial<SyncStore> = {},
): SyncStore {
  return {
    join: (delta, theirs) => state.join(delta, nowMs, theirs).effective,
    fullState: () => state.fullState(),
    context: state.context,
    digest: state.digest,
    scan: () => state.scan(),
    read: (items) => state.read(items),
    retire: (items, theirs) => state.retire(items, theirs).length,
    unite: (theirs) => void state.unite(theirs),
    durable: (done) => done(true),
    ...changes,
  }
}
