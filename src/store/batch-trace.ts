/**
 * Each synced batch write, as a tracing channel of Node: `tracing:hearsay:storage-batch:start`, `:asyncEnd`, `:error`. Who
 * listens is the program around us (docs/reference/tracing.md); while nobody does it costs three reads a batch.
 */
import { tracingChannel } from 'node:diagnostics_channel'
import type { StorageOp } from './core/storage-op.ts'

/** What listeners are given, one object from start to end. */
export interface BatchTrace {
  readonly operations: number
}

const CHANNEL = tracingChannel<unknown, BatchTrace>('hearsay:storage-batch')

/** @param write one synced write of `ops`; what it rejects with is told as `error` and passed on */
export function tracedBatch(ops: readonly StorageOp[], write: () => Promise<void>): Promise<void> {
  const isHeard =
    CHANNEL.start.hasSubscribers || CHANNEL.asyncEnd.hasSubscribers || CHANNEL.error.hasSubscribers
  return isHeard ? CHANNEL.tracePromise(write, { operations: ops.length }) : write()
}
