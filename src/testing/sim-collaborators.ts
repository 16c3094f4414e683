/**
 * Seams for seeded bugs: each function stands between two production parts of a simulated node and normally passes
 * everything on. A test hands in a wrong one and expects an oracle to notice (reliability.md 3.1, "Meta").
 */
import { Notifier, type NotifierOptions } from '../alerting/notifier/notifier.ts'
import type { NotifierHost } from '../alerting/notifier/notifier-host.ts'
import type { ActorId } from '../base/names.ts'
import type { Dot } from '../crdt/dot.ts'
import type { GossipDelegate, Member } from '../gossip/core/delegate.ts'
import type { NodeRecord, PacketMessage } from '../gossip/core/messages.ts'
import type { ReplicaState, ReplicaStateOptions } from '../store/core/replica-state.ts'
import { type LoadedState, StateLoader } from '../store/core/state-loader.ts'
import type { StorageOp } from '../store/core/storage-op.ts'
import type { SyncStore } from '../store/replication/sync-store.ts'
import type { SimDisk } from './sim-disk.ts'
import type { SimIdentity } from './sim-identity.ts'

export interface SimCollaborators {
  /** What a booting node makes of its disk. */
  load(disk: SimDisk, options: ReplicaStateOptions): LoadedState
  /** Above which time a booting node stamps. */
  stampBoundMs(identity: SimIdentity): number
  /** Who a node becomes that gives up its actor. */
  mint(identity: SimIdentity): ActorId
  /** What a booted node takes its dots from. */
  dots(identity: SimIdentity, state: ReplicaState): () => Dot
  /** What replication joins into. */
  store(store: SyncStore, state: ReplicaState): SyncStore
  /** What gossip talks to. */
  delegate(replicator: GossipDelegate): GossipDelegate
  /** How a batch gets to the disk, and when it is called durable. */
  write(disk: SimDisk, ops: readonly StorageOp[], done: (ok: boolean) => void): void
  /** What the machine, which knows these members, hears of a datagram; undefined: nothing. */
  hear(message: PacketMessage, self: string, members: () => readonly Member[]): PacketMessage | undefined
  /** What the machine, which knows these members, hears of a push-pull's member list. */
  hearNodes(
    nodes: readonly NodeRecord[],
    self: string,
    members: () => readonly Member[],
  ): readonly NodeRecord[]
  /** Who decides which node notifies. */
  notifier(host: NotifierHost, options: NotifierOptions): Notifier
  /** What a notifier hears of a frame. */
  heardClaim(notifier: Notifier, frame: Uint8Array, nowMs: number): void
}

export function soundCollaborators(): SimCollaborators {
  return {
    load: loadDisk,
    stampBoundMs: (identity) => identity.stampBoundMs,
    mint: (identity) => identity.mint(),
    dots: (identity) => () => identity.nextDot(),
    store: (store) => store,
    delegate: (replicator) => replicator,
    write: (disk, ops, done) => disk.write(ops, done),
    hear: (message) => message,
    hearNodes: (nodes) => nodes,
    notifier: (host, options) => new Notifier(host, options),
    heardClaim: (notifier, frame, nowMs) => notifier.heard(frame, nowMs),
  }
}

function loadDisk(disk: SimDisk, options: ReplicaStateOptions): LoadedState {
  const loader = new StateLoader(options)
  for (const [key, value] of disk.pairs()) loader.record(key, value)
  for (let i = 0; i < disk.damaged; i++) loader.damaged()
  return loader.finish()
}
