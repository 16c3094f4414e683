/**
 * One unit of local writing, and the view it writes through. An operation is atomic: if `run` throws, nothing of it
 * stays; if its batch reaches the disk, all of it does.
 */
import type { Delta, ForeignRecord, MapEntry, StoredValue } from './delta.ts'

interface Failed {
  readonly ok: false
  readonly error: Error
}

/** What became of a batch. */
export type Outcome = { readonly ok: true } | Failed

/** What became of one operation: when it is durable, its mutations in order, one delta each. */
export type OperationOutcome = { readonly ok: true; readonly deltas: readonly Delta[] } | Failed

export interface Operation {
  /** Bytes it is about to write, keys included, for the bounds on waiting work and on batches; 0 when left out. */
  readonly bytes?: number
  /** Called once, synchronously, when its batch is put together. An exception undoes this operation alone. */
  run(stage: Stage): void
  /** Called exactly once: ok after the batch is durable and visible to readers. Must not throw. */
  done(outcome: OperationOutcome): void
}

/** The state plus what earlier operations of the same batch staged, plus what this operation has staged itself. */
export interface Stage {
  /** Wall time of the batch. */
  readonly nowMs: number
  /** What a reader would see: undefined for a tombstone and for an entry past its time to live. */
  getEntry(map: string, key: string): MapEntry | undefined
  /**
   * @param expiresAtMs a whole number of wall ms, or undefined for ever
   * @throws HearsayError `STORE_EXPIRY_MALFORMED`
   */
  put(map: string, key: string, value: StoredValue, expiresAtMs: number | undefined): MapEntry
  /** @returns the tombstone, or undefined (and nothing staged) when there was no visible value */
  delete(map: string, key: string): MapEntry | undefined
  hasMember(set: string, member: string): boolean
  /** Always writes a fresh dot, so that this add survives a concurrent removal. @returns whether it was absent */
  addMember(set: string, member: string): boolean
  /** @returns whether it was present; nothing is staged when it was not */
  removeMember(set: string, member: string): boolean
  getRecord(table: string, key: string): ForeignRecord | undefined
  /**
   * Kept only if it is newer than the present one (version, then bytes) and not expired.
   * @throws HearsayError `STORE_RECORD_MALFORMED` for a version beyond 64 bits or an expiry that is no whole ms
   */
  putRecord(table: string, key: string, record: ForeignRecord): void
}
