/**
 * The bounds on what a local write may carry, and the checks of them. What arrives from peers is bounded by the codec.
 * Sizes are bytes of UTF-8. The number of entries counts values, set members and records held, those that have expired
 * and were not swept away yet among them. It is compared before each write, so that writes that reach the disk together
 * may pass it by less than that group.
 */
import { HearsayError } from '../base/errors.ts'
import { MUTATIONS_PER_OPERATION_MAX } from './core/commit-queue.ts'
import type { StoredValue } from './core/delta.ts'
import { DEFAULT_CODEC_LIMITS } from './core/frame-codec.ts'

export interface StoreLimits {
  /** Keys and set members. */
  readonly keyBytesMax: number
  /** Names of maps, sets and tables; content types. */
  readonly nameBytesMax: number
  readonly valueBytesMax: number
  readonly entriesMax: number
  /** Operations of one batch. */
  readonly batchOpsMax: number
  /** Keys and values of one batch. */
  readonly batchBytesMax: number
}

/**
 * What the limits may be set to. Keys and values are bounded by what replicas read from each other (frame-codec.ts), a
 * batch by the dots that are leased before each and by the frame that carries it to be acknowledged.
 */
export const STORE_LIMITS_MAX: StoreLimits = {
  keyBytesMax: DEFAULT_CODEC_LIMITS.keyBytesMax,
  nameBytesMax: DEFAULT_CODEC_LIMITS.nameBytesMax,
  valueBytesMax: DEFAULT_CODEC_LIMITS.valueBytesMax,
  entriesMax: 100_000_000,
  batchOpsMax: MUTATIONS_PER_OPERATION_MAX,
  batchBytesMax: 6 * 1024 * 1024,
}

export const DEFAULT_STORE_LIMITS: StoreLimits = {
  keyBytesMax: 1024,
  nameBytesMax: 1024,
  valueBytesMax: 1_048_576,
  entriesMax: 1_000_000,
  batchOpsMax: 1000,
  batchBytesMax: 4 * 1024 * 1024,
}

/** What a waiting operation takes beside its keys and values, about; for the bound on all that waits. */
export const OPERATION_BYTES = 200

/** A bound was passed; `limit` is the bound. */
export class LimitError extends HearsayError {
  override readonly name = 'LimitError'
  readonly limit: number

  constructor(code: string, message: string, limit: number) {
    super(code, `${message}; the limit is ${limit}`)
    this.limit = limit
  }
}

/** A half of a surrogate pair without the other: it has no UTF-8 form, so two such keys would become one. */
const LONE_SURROGATE = /\p{Surrogate}/u

/**
 * @param what as the sender calls it: `key`, `set`, `content type`
 * @returns its bytes
 * @throws HearsayError `STORE_KEY_MALFORMED`, `STORE_KEY_TOO_LARGE`
 */
export function checkText(what: string, text: string, bytesMax: number): number {
  // Programs without types come here with numbers, which `get` would then look for in vain.
  if (typeof text !== 'string') throw new HearsayError('STORE_KEY_MALFORMED', `the ${what} is no text`)
  if (LONE_SURROGATE.test(text)) {
    throw new HearsayError('STORE_KEY_MALFORMED', `the ${what} holds half of a surrogate pair`)
  }
  const bytes = Buffer.byteLength(text)
  if (bytes > bytesMax) {
    throw new LimitError('STORE_KEY_TOO_LARGE', `the ${what} is ${bytes} bytes long`, bytesMax)
  }
  return bytes
}

/** @returns its bytes. @throws HearsayError `STORE_VALUE_TOO_LARGE`, and as `checkText` for its content type */
export function checkValue(value: StoredValue, limits: StoreLimits): number {
  const typeBytes = checkText('content type', value.contentType, limits.nameBytesMax)
  const { length } = value.bytes
  if (length > limits.valueBytesMax) {
    throw new LimitError('STORE_VALUE_TOO_LARGE', `the value is ${length} bytes long`, limits.valueBytesMax)
  }
  return typeBytes + length
}

/** @throws HearsayError `STORE_ENTRIES_MAX` */
export function checkRoom(entries: number, limits: StoreLimits): void {
  if (entries < limits.entriesMax) return
  throw new LimitError('STORE_ENTRIES_MAX', `the store holds ${entries} entries`, limits.entriesMax)
}
