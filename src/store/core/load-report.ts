/** What reading a whole database found. */
export interface LoadReport {
  readonly records: number
  /** Keys of records whose checksum failed. */
  readonly damagedKeys: readonly Uint8Array[]
  /** Batches missing from the middle. */
  readonly missingBatches: number
  readonly lastBatch: number
  /** The format record was there and intact. */
  readonly marked: boolean
}
