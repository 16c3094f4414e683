/**
 * The storage contract: a sorted bag of byte pairs that survives the process, as the store needs it and no more.
 *
 * All state lives in memory, so a storage is read once, from end to end, when a replica starts; afterwards it only
 * takes batches. A batch is atomic (all of it or nothing survives a crash) and, on a durable engine, has reached the
 * disk when `write` resolves.
 *
 * The promise about failures is deliberately weak, because LevelDB's is: once `write` has rejected, nobody may trust
 * a later one until the storage was closed and opened again (reliability.md section 0, item 1), and the rejected batch
 * itself may or may not be there afterwards. committer.ts lives by that rule; implementations need not enforce it.
 *
 * Not here: checksums (checked-record.ts), what the pairs mean, who may open a directory (level-directory.ts).
 */
import { HearsayError } from '../base/errors.ts'
import type { StorageOp } from './core/storage-op.ts'

export type StoragePair = readonly [key: Uint8Array, value: Uint8Array]

/** What an implementation can do, so that the contract suite and the status page need not ask for its class. */
export interface StorageManifest {
  readonly engine: 'level' | 'memory'
  /** Pairs outlive the process, and a resolved write outlives a power cut. */
  readonly durable: boolean
  /** A second open of the same place, here or in another process, is refused with `STORE_LOCKED`. */
  readonly exclusive: boolean
}

/**
 * Codes of `open`: `STORE_NOT_OURS`, `STORE_DAMAGED`, `STORE_LOCKED`, `STORE_UNREADABLE`, `STORE_DISK_FULL`.
 * Codes of `write`: `STORE_DISK_FULL`, `STORE_WRITE_FAILED`, `STORE_CLOSED`. Codes of `scan`: `STORE_DAMAGED`, `STORE_UNREADABLE`,
 * `STORE_CLOSED`.
 */
export interface Storage {
  readonly manifest: StorageManifest
  /**
   * May be called again after `close`, any number of times.
   * @param mustExist something was written here before: `STORE_UNREADABLE` where there is nothing now
   */
  open(mustExist?: boolean): Promise<void>
  /** Every pair in ascending order of unsigned key bytes, in pages of bounded size. Not to be mixed with writes. */
  scan(): AsyncIterable<readonly StoragePair[]>
  /** Atomic; later lines of a batch win over earlier ones. An empty batch touches nothing. */
  write(ops: readonly StorageOp[]): Promise<void>
  /** Idempotent; waits for a write under way. */
  close(): Promise<void>
}

const DISK_FULL = /no space left|disk quota exceeded|file too large|ENOSPC|EDQUOT|EFBIG/i

/** Turns whatever a failed write threw into the two codes that callers tell apart, keeping the cause. */
export function writeError(cause: unknown): HearsayError {
  if (cause instanceof HearsayError && cause.code.startsWith('STORE_')) return cause
  const text = cause instanceof Error ? cause.message : String(cause)
  return DISK_FULL.test(text)
    ? new HearsayError('STORE_DISK_FULL', `the disk of the store is full: ${text}`, { cause })
    : new HearsayError('STORE_WRITE_FAILED', `the store could not write to its disk: ${text}`, { cause })
}
