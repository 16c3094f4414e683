/**
 * Values that the library wrote, for readers who speak JSON: MessagePack turned into JSON where nothing is lost by it.
 *
 * What JSON cannot say (binary, big integers, NaN and infinities, dates, undefined) makes the whole value stay
 * MessagePack, rather than come out as something else.
 */
import { unpack } from 'msgpackr'

export const MSGPACK = 'application/vnd.msgpack'

/** @returns JSON text, or undefined when the value has none or the bytes are not MessagePack */
export function msgpackAsJson(bytes: Uint8Array): string | undefined {
  try {
    const value: unknown = unpack(bytes)
    return isJson(value) ? JSON.stringify(value) : undefined
  } catch {
    // Whoever may write chose the bytes: malformed, or nested beyond what the stack holds.
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
