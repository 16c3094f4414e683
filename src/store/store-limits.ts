/**
 * The bounds on what a local write may carry, and the checks of them. What arrives from peers is bounded by the codec.
 * Sizes are bytes of UTF-8. The number of entries counts values, set members and records held; it is compared before
 * each write, so that writes of one batch may pass it together by less than the size of a batch.
 */
import { HearsayError } from '../base/errors.ts'
import type { StoredValue } from './core/delta.ts'

export interface StoreLimits {
  /** Keys and set members. */
  readonly keyBytesMax: number
  /** Names of maps, sets and tables; content types. */
  readonly nameBytesMax: number
  readonly valueBytesMax: number
  readonly entriesMax: number
}

export const DEFAULT_STORE_LIMITS: StoreLimits = {
  keyBytesMax: 1024,
  nameBytesMax: 1024,
  valueBytesMax: 1_048_576,
  entriesMax: 1_000_000,
}

/** A half of a surrogate pair without the other: it has no UTF-8 form, so two such keys would become one. */
const LONE_SURROGATE = /\p{Surrogate}/u

/**
 * @param what as the sender calls it: `key`, `set`, `content type`
 * @throws HearsayError `STORE_KEY_MALFORMED`, `STORE_KEY_TOO_LARGE`
 */
export function checkText(what: string, text: string, bytesMax: number): void {
  if (LONE_SURROGATE.test(text)) {
    throw new HearsayError('STORE_KEY_MALFORMED', `the ${what} holds half of a surrogate pair`)
  }
  const bytes = Buffer.byteLength(text)
  if (bytes > bytesMax) {
    throw new HearsayError(
      'STORE_KEY_TOO_LARGE',
      `the ${what} is ${bytes} bytes long; the limit is ${bytesMax}`,
    )
  }
}

/** @throws HearsayError `STORE_VALUE_TOO_LARGE`, and as `checkText` for its content type */
export function checkValue(value: StoredValue, limits: StoreLimits): void {
  checkText('content type', value.contentType, limits.nameBytesMax)
  if (value.bytes.length > limits.valueBytesMax) {
    throw new HearsayError(
      'STORE_VALUE_TOO_LARGE',
      `the value is ${value.bytes.length} bytes long; the limit is ${limits.valueBytesMax}`,
    )
  }
}

/** @throws HearsayError `STORE_ENTRIES_MAX` */
export function checkRoom(entries: number, limits: StoreLimits): void {
  if (entries < limits.entriesMax) return
  throw new HearsayError(
    'STORE_ENTRIES_MAX',
    `the store holds ${entries} entries; the limit is ${limits.entriesMax}`,
  )
}
