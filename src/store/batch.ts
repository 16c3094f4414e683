/** Several writes as one durable unit: all or nothing on this replica. */
import type { StoredValue } from './core/delta.ts'
import type { Committed, KvItem } from './key-value.ts'

export type BatchOp =
  | {
      readonly op: 'put'
      readonly map: string
      readonly key: string
      readonly value: StoredValue
      readonly expiresAtMs?: number
    }
  | { readonly op: 'delete'; readonly map: string; readonly key: string }
  | { readonly op: 'add' | 'remove'; readonly set: string; readonly member: string }

export type BatchOpResult =
  | { readonly op: 'put'; readonly created: boolean; readonly item: KvItem }
  | { readonly op: 'delete' | 'remove'; readonly existed: boolean }
  | { readonly op: 'add'; readonly added: boolean }

export interface BatchResult extends Committed {
  /** One for each operation, in order. */
  readonly results: readonly BatchOpResult[]
}

export interface Batches {
  /**
   * Runs the operations in order, each seeing what those before it wrote, and resolves when all of them are fsynced. On
   * this replica they are seen together or, after any error, not at all; to others they travel one by one.
   * @throws HearsayError as KeyValue, and `STORE_BATCH_TOO_LARGE` (operations, or bytes of keys and values)
   */
  write(ops: readonly BatchOp[]): Promise<BatchResult>
}
