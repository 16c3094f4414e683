/**
 * Values between HTTP and the store: any bytes with their media type, kept verbatim. JSON is the one type that is
 * looked into, and only to refuse what is not JSON; the bytes that come back are those that went in.
 */
import { isUtf8 } from 'node:buffer'
import type { StoredValue } from '../store/core/delta.ts'
import { DEPTH_MAX, isTooDeep } from './json-slices.ts'
import { MSGPACK, msgpackAsJson } from './msgpack-json.ts'
import { HttpError } from './problem.ts'

export const DEFAULT_CONTENT_TYPE: string = 'application/octet-stream'
const CONTENT_TYPE_BYTES_MAX = 255
/** Printable ASCII: what may stand in a header. */
export const HEADER_SAFE: RegExp = /^[\x20-\x7e]+$/
const JSON_TYPE = /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i

/**
 * @throws HttpError `HTTP_BODY_INVALID` when the type is JSON and the bytes are not, `HTTP_CONTENT_TYPE_UNSUPPORTED` for
 *   a type longer than 255 bytes or with unprintable characters
 */
export function storedValue(contentType: string | undefined, bytes: Uint8Array): StoredValue {
  if (contentType === undefined) return { contentType: DEFAULT_CONTENT_TYPE, bytes }
  if (contentType.length > CONTENT_TYPE_BYTES_MAX || !HEADER_SAFE.test(contentType)) {
    throw new HttpError(
      'HTTP_CONTENT_TYPE_UNSUPPORTED',
      `a content type may have ${CONTENT_TYPE_BYTES_MAX} printable ASCII characters`,
      CONTENT_TYPE_BYTES_MAX,
    )
  }
  if (isJsonType(contentType)) checkJson(bytes)
  return { contentType, bytes }
}

export function isJsonType(contentType: string): boolean {
  return contentType === 'application/json' || JSON_TYPE.test(contentType)
}

export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** Text of a JSON value for inlining in a larger document, or undefined when it cannot be had from the bytes. */
export function inlineJson(value: StoredValue): string | undefined {
  if (value.contentType === MSGPACK) return msgpackAsJson(value.bytes)
  if (!isJsonType(value.contentType) || !isUtf8(value.bytes)) return undefined
  const text = asBuffer(value.bytes).toString('utf8')
  return isJson(text) ? text : undefined
}

function checkJson(bytes: Uint8Array): void {
  if (!isUtf8(bytes))
    throw new HttpError('HTTP_BODY_INVALID', 'the content type is JSON, the body is not UTF-8')
  const text = asBuffer(bytes).toString('utf8')
  if (isTooDeep(text)) {
    throw new HttpError('HTTP_BODY_INVALID', `the JSON is nested deeper than ${DEPTH_MAX}`, DEPTH_MAX)
  }
  try {
    JSON.parse(text)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new HttpError(
      'HTTP_BODY_INVALID',
      `the content type is JSON, the body is not: ${reason.slice(0, 200)}`,
    )
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
