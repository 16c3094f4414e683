/** Tables of dot-less LWW records (silences, notification log): see ForeignRecord in core/delta.ts. */
import type { ForeignRecord } from './core/delta.ts'
import type { Committed } from './key-value.ts'

/** The view inside one atomic write: reads see what this write has put before. */
export interface RecordStage {
  get(key: string): ForeignRecord | undefined
  /** Wins by the record order, not by being last: give it a version above the stored one. */
  put(key: string, record: ForeignRecord): void
}

export interface RecordsWritten<T> extends Committed {
  /** What the operation returned. */
  readonly result: T
}

export interface Records {
  get(table: string, key: string): ForeignRecord | undefined
  /** In no particular order; do not write while iterating. */
  entries(table: string): Iterable<readonly [string, ForeignRecord]>
  /**
   * Runs `operation` atomically against the latest state, then commits what it put: all or nothing, fsynced before the
   * promise resolves. An exception from `operation` puts nothing and rejects with it.
   */
  write<T>(table: string, operation: (stage: RecordStage) => T): Promise<RecordsWritten<T>>
  /** Hears every record that changed here, by own write (once durable) or by merge. Returns how to stop. */
  watch(table: string, listener: (key: string, record: ForeignRecord | undefined) => void): () => void
}
