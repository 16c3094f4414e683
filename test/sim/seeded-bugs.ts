/**
 * Bugs put in on purpose, each as small as a slip of the hand, to see whether the simulator's oracles notice
 * (reliability.md 3.1, "Meta"). None of them is in src: each is a wrong collaborator.
 */
import type { Dot } from '../../src/crdt/dot.ts'
import type { Delta, MapPut } from '../../src/store/core/delta.ts'
import type { ReplicaState } from '../../src/store/core/replica-state.ts'
import type { StorageOp } from '../../src/store/core/storage-op.ts'
import type { SyncStore } from '../../src/store/replication/sync-store.ts'
import { type SimCollaborators, soundCollaborators } from '../../src/testing/sim-collaborators.ts'
import type { SimDisk } from '../../src/testing/sim-disk.ts'

export interface SeededBug {
  readonly name: string
  readonly collaborators: () => SimCollaborators
}

const sound = soundCollaborators()

/** `store` with some of its methods replaced. */
function changed(store: SyncStore, methods: Partial<SyncStore>): SyncStore {
  return {
    join: (delta, theirs) => store.join(delta, theirs),
    fullState: () => store.fullState(),
    get context() {
      return store.context
    },
    get digest() {
      return store.digest
    },
    scan: () => store.scan(),
    read: (items) => store.read(items),
    retire: (items, theirs) => store.retire(items, theirs),
    unite: (theirs) => store.unite(theirs),
    durable: (done) => store.durable(done),
    ...methods,
  }
}

/** Every node's replication works on a store with these methods. */
function withStore(
  methods: (store: SyncStore, state: ReplicaState) => Partial<SyncStore>,
): () => SimCollaborators {
  return () => ({ ...sound, store: (store, state) => changed(store, methods(store, state)) })
}

function wrongStore(join: (delta: Delta, state: ReplicaState) => Delta): () => SimCollaborators {
  return withStore((store, state) => ({ join: (delta) => store.join(join(delta, state)) }))
}

function tiesWithHeld(put: MapPut, state: ReplicaState): boolean {
  const held = state.entry(put.map, put.key)
  if (held === undefined) return false
  const { stamp } = put.entry
  return (
    held.stamp.ms === stamp.ms && held.stamp.logical === stamp.logical && held.stamp.actor !== stamp.actor
  )
}

/** Numbers from what the database shows instead of from the lease: a lost tail is numbered again. */
function dotsFromState(state: ReplicaState, identity: { readonly actor: Dot['actor'] }): () => Dot {
  let n = state.context.maxOf(identity.actor)
  return () => ({ actor: identity.actor, n: ++n })
}

/** Says "durable" at once and writes when the disk has time. */
function writeBehind(): SimCollaborators {
  const waiting = new Map<SimDisk, (readonly StorageOp[])[]>()
  const start = (disk: SimDisk, ops: readonly StorageOp[]): void =>
    disk.write(ops, () => {
      const next = waiting.get(disk)?.shift()
      if (next !== undefined) start(disk, next)
    })
  return {
    ...sound,
    write: (disk, ops, done) => {
      if (disk.busy) waiting.get(disk)?.push(ops)
      else {
        // Whatever still waits here belongs to a process that was killed.
        waiting.set(disk, [])
        start(disk, ops)
      }
      done(true)
    },
  }
}

export const SEEDED_BUGS: readonly SeededBug[] = [
  {
    name: 'the tie-break is off: at equal times the first seen wins',
    collaborators: wrongStore((delta, state) => {
      const kept = delta.puts.filter((put) => !tiesWithHeld(put, state))
      const ignored = delta.puts.filter((put) => tiesWithHeld(put, state)).map((put) => put.entry.dot)
      return { ...delta, puts: kept, covered: [...delta.covered, ...ignored] }
    }),
  },
  {
    name: 'dots are reused after a restart: the counter starts at what the database shows',
    collaborators: () => ({ ...sound, dots: (identity, state) => dotsFromState(state, identity) }),
  },
  {
    name: 'a write is acknowledged before its batch is durable',
    collaborators: writeBehind,
  },
  {
    name: 'the context is not asked: a state exchange drops nothing that the peer has seen removed',
    collaborators: withStore(() => ({ retire: () => 0 })),
  },
  {
    name: 'the context is over-claimed: a delta claims the dot before its own as well',
    collaborators: wrongStore((delta) => {
      const before = [...delta.adds.map((add) => add.dot), ...delta.puts.map((put) => put.entry.dot)]
      const claimed = before.flatMap((dot) => (dot.n > 1 ? [{ actor: dot.actor, n: dot.n - 1 }] : []))
      return { ...delta, covered: [...delta.covered, ...claimed] }
    }),
  },
  {
    name: 'an accused member does not refute',
    collaborators: () => ({
      ...sound,
      hear: (message, self) =>
        (message.kind === 'suspect' || message.kind === 'dead') && message.node === self
          ? undefined
          : message,
      hearNodes: (nodes, self) => nodes.filter((node) => node.name !== self),
    }),
  },
  {
    name: 'push-pull merges nothing: what a lost datagram told is never repaired',
    collaborators: () => ({
      ...sound,
      delegate: (replicator) => ({
        localState: (exchange) => replicator.localState(exchange),
        mergeRemoteState: () => {},
        userMessage: (payload) => replicator.userMessage(payload),
        memberEvent: (event) => replicator.memberEvent(event),
        ackPayload: (peer) => replicator.ackPayload(peer),
        ackReceived: (peer, payload, rttMs) => replicator.ackReceived(peer, payload, rttMs),
      }),
    }),
  },
  {
    name: 'old news is relayed again: two replicas keep each other busy for ever',
    collaborators: withStore((store) => ({
      join: (delta) => {
        store.join(delta)
        return delta
      },
    })),
  },
]
