/** The LWW maps of a replica, as HTTP and embedders use them. Reads are from memory; writes resolve once fsynced. */
import type { Delta, StoredValue } from './core/delta.ts'

export interface KvItem {
  readonly key: string
  readonly value: StoredValue
  /** The stamp as text, `epoch.ms.logical.actor`: the same on all replicas. */
  readonly version: string
  readonly updatedAtMs: number
  readonly expiresAtMs: number | undefined
}

/** Compared on this replica only, atomically with the write; not a cluster-wide compare-and-set. */
export interface Precondition {
  /** One of these versions must be current; `'*'`: any value must exist. */
  readonly ifVersion?: readonly string[] | '*'
  /** No value may exist. */
  readonly ifAbsent?: boolean
}

export interface PutOptions extends Precondition {
  readonly expiresAtMs?: number
}

/** What a write was, for whoever wants to know which replicas have it (acknowledgement.ts). */
export interface Committed {
  /** One a mutation, in order. */
  readonly deltas: readonly Delta[]
}

export interface PutResult extends Committed {
  readonly created: boolean
  readonly item: KvItem
}

export interface DeleteResult extends Committed {
  readonly existed: boolean
}

export interface ListOptions {
  readonly prefix?: string
  /** Keys after this one, exclusive. */
  readonly after?: string
  readonly limit: number
}

/**
 * Errors of all writes, by code: `STORE_PRECONDITION_FAILED`, `STORE_KEY_MALFORMED` (empty is allowed here; lone surrogates are not),
 * `STORE_KEY_TOO_LARGE`, `STORE_VALUE_TOO_LARGE`, `STORE_ENTRIES_MAX`, `STORE_DISK_FULL`, `STORE_WRITE_FAILED`,
 * `STORE_OVERLOADED` (too much waits for the disk; try again), `STORE_CLOSED`.
 */
export interface KeyValue {
  get(map: string, key: string): KvItem | undefined
  put(map: string, key: string, value: StoredValue, options?: PutOptions): Promise<PutResult>
  /**
   * Resolves once the tombstone is durable. When there was nothing to delete, `deltas` hold the tombstone of an earlier
   * deletion, if one is kept: so a deletion that is tried again can be acknowledged by other replicas as the first one.
   */
  delete(map: string, key: string, options?: Precondition): Promise<DeleteResult>
  /** One page in key order (UTF-16 code units); `next` is the key to pass as `after`. */
  list(
    map: string,
    options: ListOptions,
  ): { readonly items: readonly KvItem[]; readonly next: string | undefined }
  /** Maps that hold at least one visible entry, by name. */
  maps(): readonly { readonly name: string; readonly count: number }[]
}
