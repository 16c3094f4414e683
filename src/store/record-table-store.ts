/**
 * Records over the commit queue, and the watchers of their tables. A watcher that throws is a bug of ours and ends the
 * process like any broken invariant.
 *
 * Keys and sizes of records are bounded by what replicas read from each other, not by what users of the key-value store
 * may write: who keeps values small must still be able to log a notification.
 */
import type { ForeignRecord } from './core/delta.ts'
import type { StateKey } from './core/state-key.ts'
import type { RecordStage, Records, RecordsWritten } from './records.ts'
import { checkRoom, checkText, checkValue, STORE_LIMITS_MAX } from './store-limits.ts'
import type { StoreParts } from './store-parts.ts'

/** What a write may come to is not known before it runs: room for a large silence. */
const RECORDS_WRITE_BYTES = 8192

type RecordListener = (key: string, record: ForeignRecord | undefined) => void

export class RecordTableStore implements Records {
  readonly #parts: StoreParts
  readonly #listeners = new Map<string, Set<RecordListener>>()

  constructor(parts: StoreParts) {
    this.#parts = parts
  }

  get(table: string, key: string): ForeignRecord | undefined {
    return this.#parts.state.record(table, key, this.#parts.wallMs())
  }

  entries(table: string): Iterable<readonly [string, ForeignRecord]> {
    return this.#parts.state.records(table, this.#parts.wallMs())
  }

  async write<T>(table: string, operation: (stage: RecordStage) => T): Promise<RecordsWritten<T>> {
    const { committer, limits, entries } = this.#parts
    checkText('table', table, STORE_LIMITS_MAX.nameBytesMax)
    return committer.write(
      (stage) =>
        operation({
          get: (key) => stage.getRecord(table, key),
          put: (key, record) => {
            checkText('key', key, STORE_LIMITS_MAX.keyBytesMax)
            checkValue({ contentType: '', bytes: record.bytes }, STORE_LIMITS_MAX)
            if (stage.getRecord(table, key) === undefined) checkRoom(entries(), limits)
            stage.putRecord(table, key, record)
          },
        }),
      RECORDS_WRITE_BYTES,
    )
  }

  watch(table: string, listener: RecordListener): () => void {
    const listeners = this.#listeners.get(table) ?? new Set<RecordListener>()
    this.#listeners.set(table, listeners)
    // A function of its own for each call, so that one listener given twice is heard and stopped twice.
    const own: RecordListener = (key, record) => listener(key, record)
    listeners.add(own)
    return () => void listeners.delete(own)
  }

  /** Called with everything that changed for readers. */
  changed(keys: readonly StateKey[]): void {
    for (const key of keys) {
      if (key.kind !== 'record') continue
      const listeners = this.#listeners.get(key.table)
      if (listeners === undefined || listeners.size === 0) continue
      const record = this.get(key.table, key.key)
      for (const listener of [...listeners]) listener(key.key, record)
    }
  }
}
