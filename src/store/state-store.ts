/**
 * One replica's durable state: what the composition root opens, HTTP and embedders use, and replication joins.
 */
import type { ActorId } from '../base/names.ts'
import type { Delta } from './core/delta.ts'
import type { Joinable } from './core/joinable.ts'
import type { KeyValue } from './key-value.ts'
import type { Records } from './records.ts'
import type { StringSets } from './string-sets.ts'

export interface StoreStatus {
  readonly engine: 'level' | 'memory'
  readonly actor: ActorId
  /** Entries that hold a value and are not expired. */
  readonly entries: number
  readonly tombstones: number
  readonly setMembers: number
  readonly records: number
  readonly contextActors: number
  readonly contextHoles: number
  readonly batches: number
  readonly batchOps: number
  /** Duration of the last synced batch write. */
  readonly lastBatchMs: number
  readonly writeErrors: number
  readonly reopens: number
  /** Damaged records found while loading, left out of the state. */
  readonly damagedRecords: number
  /** Why writes are refused just now; undefined when they are not. */
  readonly refusing: string | undefined
}

export interface StateStore extends Joinable {
  readonly kv: KeyValue
  readonly sets: StringSets
  readonly records: Records
  readonly actor: ActorId
  /** Hears each own delta once it is durable; this is what gossip may spread. One listener, set before first write. */
  onCommitted(listener: (delta: Delta) => void): void
  status(): StoreStatus
  /** Refuses new writes, finishes the waiting ones, closes the storage. Idempotent. */
  close(): Promise<void>
}
