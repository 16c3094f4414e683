/**
 * Tables of dot-less LWW records: state that foreign peers write too, and so cannot carry our dots.
 *
 * The larger version wins, then the larger bytes: a total order, so all our replicas agree on ties where Alertmanager's
 * do not (it keeps what it saw first). A record past its expiry is gone: not read, and not taken in again.
 */
import { compareBytes } from '../../base/bytes.ts'
import type { ForeignRecord, RecordPut } from './delta.ts'
import { ItemDigest } from './item-digest.ts'
import { Tables } from './tables.ts'

/** Positive when `a` wins. The expiry comes last: it is part of the bytes, unless a peer is broken. */
export function compareRecords(a: ForeignRecord, b: ForeignRecord): number {
  if (a.versionNs !== b.versionNs) return a.versionNs < b.versionNs ? -1 : 1
  return compareBytes(a.bytes, b.bytes) || a.expiresAtMs - b.expiresAtMs
}

export function isExpired(record: ForeignRecord, nowMs: number): boolean {
  return record.expiresAtMs < nowMs
}

/** Whether our own formats can hold it: whole ms, and a version of 64 bits. */
export function isStorable(record: ForeignRecord): boolean {
  return (
    Number.isSafeInteger(record.expiresAtMs) &&
    record.expiresAtMs >= 0 &&
    BigInt.asIntN(64, record.versionNs) === record.versionNs
  )
}

export class RecordTables {
  readonly #tables = new Tables<ForeignRecord>()
  readonly #digest: ItemDigest
  #sweptMs = 0
  #sweeping: Iterator<readonly [table: string, key: string, record: ForeignRecord]> | undefined

  /** @param digest counts what is held, expired or not */
  constructor(digest: ItemDigest = new ItemDigest()) {
    this.#digest = digest
  }

  /** Records held, expired ones included. */
  get size(): number {
    return this.#tables.size
  }

  /** As held, expired or not. */
  held(table: string, key: string): ForeignRecord | undefined {
    return this.#tables.get(table, key)
  }

  /** Whether it has expired is judged by the minute of the last sweep. @returns whether it replaced what was held */
  join({ table, key, record }: RecordPut): boolean {
    if (!isStorable(record) || isExpired(record, this.#sweptMs)) return false
    const held = this.#tables.get(table, key)
    if (held !== undefined && compareRecords(record, held) <= 0) return false
    this.#set(table, key, held, record)
    return true
  }

  /**
   * Begins or goes on with dropping what has expired at a whole minute.
   *
   * @param max how many records are looked at at most
   * @returns how many were; less than `max` when all have been
   */
  sweep(minuteMs: number, max: number, gone: (table: string, key: string) => void): number {
    if (minuteMs !== this.#sweptMs) {
      this.#sweptMs = minuteMs
      this.#sweeping = this.#tables.entries()
    }
    for (let looked = 0; looked < max; looked++) {
      const next = this.#sweeping?.next()
      if (next === undefined || next.done === true) {
        this.#sweeping = undefined
        return looked
      }
      const [table, key, record] = next.value
      if (!isExpired(record, minuteMs)) continue
      this.#digest.record(table, key, record, -1)
      this.#tables.delete(table, key)
      gone(table, key)
    }
    return max
  }

  restore({ table, key, record }: RecordPut): void {
    const held = this.#tables.get(table, key)
    if (held === undefined || compareRecords(record, held) > 0) this.#set(table, key, held, record)
  }

  *live(table: string, nowMs: number): Generator<readonly [string, ForeignRecord]> {
    for (const [key, record] of this.#tables.rows(table)) if (!isExpired(record, nowMs)) yield [key, record]
  }

  *puts(): Generator<RecordPut> {
    for (const [table, key, record] of this.#tables.entries()) yield { table, key, record }
  }

  #set(table: string, key: string, held: ForeignRecord | undefined, record: ForeignRecord): void {
    if (held !== undefined) this.#digest.record(table, key, held, -1)
    this.#digest.record(table, key, record, 1)
    this.#tables.set(table, key, record)
  }
}
