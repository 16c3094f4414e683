/**
 * The hash by which the notification log knows an alert: xxHash64 of its labels (label-bytes.ts), as Alertmanagers
 * compute it. It does not fit a number. The API's fingerprint of the same labels is another one: fingerprint.ts.
 */
import type { HashFunction64 } from '../../base/hash-function.ts'
import { labelBytes } from './label-bytes.ts'

/** @param hash xxHash64 with seed 0 */
export function labelHash(labels: Readonly<Record<string, string>>, hash: HashFunction64): bigint {
  return hash(labelBytes(labels))
}
