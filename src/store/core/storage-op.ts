/** One line of an atomic storage batch. Keys and values are opaque to the storage. */
export type StorageOp =
  | { readonly type: 'put'; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly type: 'delete'; readonly key: Uint8Array }
