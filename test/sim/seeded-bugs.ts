/**
 * Bugs put in on purpose, each as small as a slip of the hand, to see whether the simulator's oracles notice
 * (reliability.md 3.1, "Meta"). None of them is in src: each is a wrong collaborator.
 */
import { CausalContext } from '../../src/crdt/context.ts'
import type { Dot } from '../../src/crdt/dot.ts'
import type { Delta, MapPut } from '../../src/store/core/delta.ts'
import type { ReplicaState, ReplicaStateOptions } from '../../src/store/core/replica-state.ts'
import { type LoadedState, StateLoader } from '../../src/store/core/state-loader.ts'
import type { StorageOp } from '../../src/store/core/storage-op.ts'
import type { SyncStore } from '../../src/store/replication/sync-store.ts'
import { type SimCollaborators, soundCollaborators } from '../../src/testing/sim-collaborators.ts'
import type { SimDisk } from '../../src/testing/sim-disk.ts'

export interface SeededBug {
  readonly name: string
  /** Where the search for a seed that shows it begins: the first seeds do not, when this was last looked at. Default 0. */
  readonly firstSeed?: number
  readonly collaborators: () => SimCollaborators
}

const sound = soundCollaborators()

/** `store` with some of its methods replaced. */
function changed(store: SyncStore, methods: Partial<SyncStore>): SyncStore {
  const whole: SyncStore = {
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
  }
  return Object.defineProperties(whole, Object.getOwnPropertyDescriptors(methods))
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

/** Everything up to the highest number, holes included: a plain version vector. */
function withoutHoles(context: CausalContext): CausalContext {
  const filled = new CausalContext()
  for (const actor of context.actors()) filled.addInterval(actor, { first: 1, last: context.maxOf(actor) })
  return filled
}

/** Loads every disk with `load` in the place of the production rule. */
function withLoad(
  load: (disk: SimDisk, options: ReplicaStateOptions) => LoadedState,
): () => SimCollaborators {
  return () => ({ ...sound, load })
}

/** Everything on the disk, as if nothing of it were damaged. */
function believing(disk: SimDisk, options: ReplicaStateOptions): LoadedState {
  const loader = new StateLoader(options)
  for (const [key, value] of disk.pairs()) loader.record(key, value)
  return { state: loader.finish().state, damagedRecords: disk.damaged }
}

/** Writes only some of each batch, and calls it durable. */
function withWrites(
  keeps: (op: StorageOp, place: number, batch: readonly StorageOp[]) => boolean,
): () => SimCollaborators {
  return () => ({ ...sound, write: (disk, ops, done) => disk.write(ops.filter(keeps), done) })
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
    firstSeed: 3,
    collaborators: () => ({ ...sound, dots: (identity, state) => dotsFromState(state, identity) }),
  },
  {
    name: 'a write is acknowledged before its batch is durable',
    firstSeed: 7,
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
  {
    name: 'holes are claimed: a context is sent as a plain version vector',
    collaborators: withStore((store) => ({
      get context() {
        return withoutHoles(store.context)
      },
    })),
  },
  {
    name: 'contexts are united with every chunk, before the states are equal',
    firstSeed: 250,
    collaborators: withStore((store) => ({
      join: (delta, theirs) => {
        const news = store.join(delta, theirs)
        if (theirs !== undefined) store.unite(theirs)
        return news
      },
    })),
  },
  {
    name: 'tombstones are collected at the first sweep, before their grace',
    collaborators: withLoad((disk, options) => sound.load(disk, { ...options, tombstoneGraceMs: 0 })),
  },
  {
    name: 'what is parked is claimed as seen',
    collaborators: withStore((store, state) => ({
      join: (delta, theirs) => {
        const news = store.join(delta, theirs)
        for (const { entry } of delta.puts) state.context.add(entry.dot)
        return news
      },
    })),
  },
  {
    name: 'all roots look equal',
    collaborators: withStore((store) => ({
      get digest() {
        const { count, sketch, buckets } = store.digest
        return { root: () => new Uint8Array(16), count, sketch, buckets }
      },
    })),
  },
  {
    name: 'a chunk loses its first entry',
    collaborators: withStore((store) => ({
      join: (delta, theirs) =>
        store.join(theirs === undefined ? delta : { ...delta, puts: delta.puts.slice(1) }, theirs),
    })),
  },
  {
    name: 'a restart forgets what was removed: only the dots of what is held are claimed',
    collaborators: withLoad((disk, options) => {
      const loader = new StateLoader(options)
      for (const [key, value] of disk.pairs()) loader.record(key, value)
      loader.damaged()
      return { state: loader.finish().state, damagedRecords: disk.damaged }
    }),
  },
  {
    name: 'the contexts of a damaged disk are believed',
    firstSeed: 26,
    collaborators: withLoad(believing),
  },
  {
    name: 'a removal does not reach the disk',
    collaborators: withWrites((op) => op.type === 'put'),
  },
  {
    name: 'a batch is torn: of three writes and more the first is lost',
    collaborators: withWrites((_op, place, batch) => place > 0 || batch.length < 4),
  },
  {
    name: 'the clock is not kept: a restart stamps by its wall alone',
    firstSeed: 20,
    collaborators: () => ({
      ...sound,
      load: (disk, options) => {
        const loaded = sound.load(disk, options)
        loaded.state.turnBackClock(0)
        return loaded
      },
      stampBoundMs: () => 0,
    }),
  },
  {
    name: 'a clone is not given up: the new actor is the old one',
    firstSeed: 3,
    collaborators: () => ({ ...sound, mint: (identity) => identity.actor }),
  },
]
