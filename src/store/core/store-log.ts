/** Where the store reports what a person may have to act on; the composition root connects it to the log. */
export type StoreLogFields = Readonly<Record<string, string | number>>

export interface StoreLog {
  /** @param event stable name of what happened, such as `store_write_failed` */
  info(event: string, fields: StoreLogFields): void
  warn(event: string, fields: StoreLogFields): void
}

export const SILENT_LOG: StoreLog = { info: () => undefined, warn: () => undefined }
