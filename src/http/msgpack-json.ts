/**
 * Values that the library wrote, for readers who speak JSON: MessagePack turned into JSON where nothing is lost by it.
 *
 * What JSON cannot say (binary, big integers, NaN and infinities, dates, undefined), and the key `__proto__`, which our
 * decoder renames, make the whole value stay MessagePack, rather than come out as something else.
 */
import { unpack } from 'msgpackr'
import { msgpackFault } from '../base/msgpack-check.ts'

export const MSGPACK = 'application/vnd.msgpack'
/** Deeper than what the library writes. */
const DEPTH_MAX = 100
const RENAMED_KEY = Buffer.from('__proto__')

/** @returns JSON text, or undefined when the value has none or the bytes are not MessagePack */
export function msgpackAsJson(bytes: Uint8Array): string | undefined {
  // Whoever may write chose the bytes.
  if (msgpackFault(bytes, DEPTH_MAX) !== undefined) return undefined
  if (Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes(RENAMED_KEY)) return undefined
  try {
    const value: unknown = unpack(bytes)
    return isJson(value) ? JSON.stringify(value) : undefined
  } catch {
    return undefined
  }
}

function isJson(value: unknown): boolean {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true
  if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0)
  if (Array.isArray(value)) return value.every(isJson)
  if (typeof value !== 'object') return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return (prototype === Object.prototype || prototype === null) && Object.values(value).every(isJson)
}
