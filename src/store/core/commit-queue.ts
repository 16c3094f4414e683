/**
 * Group commit: gathers what waits (local operations and merged remote changes) into one atomic storage batch.
 */
import type { Dot } from '../../crdt/dot.ts'
import type { Delta, FullState } from './delta.ts'
import type { Operation, Outcome } from './operation.ts'
import type { ReplicaState } from './replica-state.ts'
import type { StateKey } from './state-key.ts'
import type { StorageOp } from './storage-op.ts'

/** What the driver writes as one synced unit. */
export interface Batch {
  readonly ops: readonly StorageOp[]
  /** Local operations in it. */
  readonly operations: number
}

export interface CommitQueueOptions {
  /** Issues the next dot of this replica's actor; its stamps carry the same actor. May throw: that operation fails. */
  readonly nextDot: () => Dot
  /** Hears what changed for readers: remote input at once, own writes when durable. */
  readonly onChanged?: (keys: readonly StateKey[]) => void
  readonly operationsPerBatchMax?: number
  readonly batchBytesMax?: number
  readonly waitingOperationsMax?: number
  readonly waitingBytesMax?: number
}

export class CommitQueue {
  constructor(_state: ReplicaState, _options: CommitQueueOptions) {
    throw new Error('being written')
  }

  get hasWork(): boolean {
    throw new Error('being written')
  }

  /** Waits for the next batch. When too much waits already, fails at once with `STORE_OVERLOADED` through `done`. */
  submit(_operation: Operation): void {
    throw new Error('being written')
  }

  /** Remote input: visible at once, durable with a following batch. @returns what was new here, to be relayed */
  join(_delta: Delta, _nowMs: number): Delta {
    throw new Error('being written')
  }

  joinFull(_full: FullState, _nowMs: number): Delta {
    throw new Error('being written')
  }

  /** @returns undefined when there is nothing to write or a batch is in flight */
  begin(_nowMs: number): Batch | undefined {
    throw new Error('being written')
  }

  /** @returns the own writes that are durable now: what gossip may spread */
  finish(_outcome: Outcome): { readonly committed: Delta } {
    throw new Error('being written')
  }
}
