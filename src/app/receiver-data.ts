/** Receiver data as callers give them: what an integration remembers from one notification of a group to the next. */
import type { ReceiverDatum } from '../alerting/core/notification.ts'
import { optionInvalid } from './option-names.ts'

export const RECEIVER_DATA_MAX = 64
const TEXT_BYTES_MAX = 65_536
const LONE_SURROGATE = /\p{Surrogate}/u

/** @throws HearsayError `OPTION_INVALID` */
export function checkedReceiverData(given: unknown): ReadonlyMap<string, ReceiverDatum> {
  if (given === undefined) return new Map()
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw optionInvalid('receiverData', 'must be an object or a Map')
  }
  const entries: readonly (readonly [unknown, unknown])[] =
    given instanceof Map ? [...given] : Object.entries(given)
  if (entries.length > RECEIVER_DATA_MAX) {
    throw optionInvalid('receiverData', `must be at most ${RECEIVER_DATA_MAX}`)
  }
  return new Map(entries.map(([key, value]) => checkedDatum(key, value)))
}

function checkedDatum(key: unknown, value: unknown): [string, ReceiverDatum] {
  if (typeof key !== 'string' || !isText(key)) throw optionInvalid('receiverData', 'must have texts for keys')
  const name = `receiverData.${key.slice(0, 100)}`
  if (typeof value === 'string') {
    if (isText(value)) return [key, value]
    throw optionInvalid(name, `must be well-formed and at most ${TEXT_BYTES_MAX} bytes of UTF-8`)
  }
  if (typeof value === 'number') return [key, value]
  if (typeof value === 'bigint' && BigInt.asIntN(64, value) === value) return [key, value]
  throw optionInvalid(name, 'must be text, a number, or a bigint of 64 bits')
}

function isText(text: string): boolean {
  return Buffer.byteLength(text) <= TEXT_BYTES_MAX && !LONE_SURROGATE.test(text)
}
