/**
 * One replica's durable state: what the composition root opens, HTTP and embedders use, and replication joins.
 */
import type { HistogramView } from '../base/histogram.ts'
import type { ActorId } from '../base/names.ts'
import type { Batches } from './batch.ts'
import type { Delta } from './core/delta.ts'
import type { Joinable } from './core/joinable.ts'
import type { ParkedActor } from './core/parking.ts'
import type { StateKey } from './core/state-key.ts'
import type { Syncable } from './core/syncable.ts'
import type { KeyValue } from './key-value.ts'
import type { Records } from './records.ts'
import type { StoreLimits } from './store-limits.ts'
import type { StringSets } from './string-sets.ts'
import type { Watches } from './watches.ts'

export interface StoreStatus {
  readonly engine: 'level' | 'memory'
  readonly actor: ActorId
  /** Entries that hold a value and are not expired. */
  readonly entries: number
  readonly tombstones: number
  /** Expired values that still win against older writes. */
  readonly husks: number
  /** Since when the oldest tombstone or husk is one, in wall ms; undefined when there is none. */
  readonly oldestTombstoneMs: number | undefined
  /** Tombstones and husks that went, since the start; the second for want of room, before their time. */
  readonly collected: number
  readonly collectedEarly: number
  /** Writes from the future that wait until they are due, and whose they are. */
  readonly parked: number
  readonly parkedRefused: number
  readonly parkedActors: readonly ParkedActor[]
  readonly setMembers: number
  readonly records: number
  readonly contextActors: number
  readonly contextHoles: number
  readonly batches: number
  readonly batchOps: number
  /** Writes that the bound on entries has refused. */
  readonly entriesRefused: number
  /** Duration of the last synced batch write. */
  readonly lastBatchMs: number
  readonly batchSeconds: HistogramView
  readonly writeErrors: number
  readonly reopens: number
  /** Damaged records found while loading, left out of the state. */
  readonly damagedRecords: number
  /** Databases that failed their checks and are kept beside this one. */
  readonly damagedCopies: number
  /** What was lost, while no peer was heard from since; undefined when nothing is waited for. */
  readonly awaitingPeers: string | undefined
  /** Why writes are refused just now; undefined when they are not. */
  readonly refusing: string | undefined
}

/** What the composition root keeps beside the actor, in the same small fsynced file. */
export interface PeerIdentity {
  /** The generated peer name of an earlier start. */
  readonly name: string | undefined
  /** No own gossip incarnation above it was used; kept by app/incarnation-keeper.ts. */
  readonly incarnation: number | undefined
  /** Resolves when it is on disk. Fields not given stay. @throws HearsayError `STORE_DISK_FULL`, `STORE_WRITE_FAILED` */
  remember(notes: { readonly name?: string; readonly incarnation?: number }): Promise<void>
}

export interface StateStore extends Joinable, Syncable {
  readonly kv: KeyValue
  readonly sets: StringSets
  readonly batches: Batches
  readonly records: Records
  /** What changed for readers of maps and sets, to be followed by cursor. */
  readonly watches: Watches
  /** Changes while open only when a peer knows writes in our name that we did not make (peers.md 3b). */
  readonly actor: ActorId
  readonly identity: PeerIdentity
  /** Of local writes. */
  readonly limits: StoreLimits
  /** From the next write on; what is stored stays, whatever its size. */
  changeLimits(changes: Partial<StoreLimits>): void
  /** Hears own mutations once they are durable, one delta each; this is what gossip may spread. One listener, set before first write. */
  onCommitted(listener: (deltas: readonly Delta[]) => void): void
  /**
   * Hears what changed for readers, after the change: by own write once durable, by merge, by time. Called in the turn of
   * the change; must not throw, nor write. @returns how to stop
   */
  onChanged(listener: (keys: readonly StateKey[]) => void): () => void
  /** How far the newest stamp seen or given runs ahead of the wall clock; negative when it is behind. */
  clockLeadMs(): number
  /** For when the wall clock was wrong and is known to be right now: stamps follow it again, on disk as well. */
  turnBackClock(): Promise<void>
  status(): StoreStatus
  /** The state as a stream of bytes, for a file that `hearsay snapshot restore` takes (snapshot-save.ts). */
  snapshot(): AsyncIterable<Uint8Array>
  /** Ends the waiting of `awaitingPeers`: what some peer holds is here, and on disk. */
  heardPeers(): void
  /** Refuses new writes, finishes the waiting ones, closes the storage. Idempotent. */
  close(): Promise<void>
}
