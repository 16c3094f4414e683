/** `Records` in memory: atomic, in write order, joined by the record order; what the store does, without the disk. */
import { compareBytes } from '../../src/base/bytes.ts'
import type { ForeignRecord, RecordPut } from '../../src/store/core/delta.ts'
import type { Records } from '../../src/store/records.ts'

type Listener = (key: string, record: ForeignRecord | undefined) => void

export interface MemoryRecords extends Records {
  /** As if it came from a peer. */
  merge(puts: readonly RecordPut[]): void
  /** As if it expired. */
  forget(table: string, key: string): void
  /** The next write fails with this error. */
  failNext: Error | undefined
}

function wins(record: ForeignRecord, held: ForeignRecord | undefined): boolean {
  if (held === undefined) return true
  if (held.versionNs !== record.versionNs) return held.versionNs < record.versionNs
  return compareBytes(held.bytes, record.bytes) < 0
}

export function memoryRecords(): MemoryRecords {
  const tables = new Map<string, Map<string, ForeignRecord>>()
  const listeners = new Map<string, Set<Listener>>()
  const tableOf = (table: string): Map<string, ForeignRecord> => {
    const found = tables.get(table) ?? new Map<string, ForeignRecord>()
    tables.set(table, found)
    return found
  }
  const tell = (table: string, key: string, record: ForeignRecord | undefined): void => {
    for (const listener of listeners.get(table) ?? []) listener(key, record)
  }
  const join = ({ table, key, record }: RecordPut): void => {
    if (!wins(record, tableOf(table).get(key))) return
    tableOf(table).set(key, record)
    tell(table, key, record)
  }
  const self: MemoryRecords = {
    failNext: undefined,
    get: (table, key) => tables.get(table)?.get(key),
    entries: (table) => tableOf(table).entries(),
    write: async (table, operation) => {
      const staged = new Map<string, ForeignRecord>()
      const result = operation({
        get: (key) => staged.get(key) ?? tableOf(table).get(key),
        put: (key, record) => void staged.set(key, record),
      })
      await Promise.resolve()
      const error = self.failNext
      self.failNext = undefined
      if (error !== undefined) throw error
      for (const [key, record] of staged) join({ table, key, record })
      return { result, deltas: [] }
    },
    watch: (table, listener) => {
      const set = listeners.get(table) ?? new Set<Listener>()
      listeners.set(table, set.add(listener))
      return () => void set.delete(listener)
    },
    merge: (puts) => puts.forEach(join),
    forget: (table, key) => {
      tableOf(table).delete(key)
      tell(table, key, undefined)
    },
  }
  return self
}
