/**
 * Library values to stored bytes and back: MessagePack, marked as such, so that other programs can tell.
 *
 * Records (msgpackr's own extension) are off: any MessagePack reader understands what is stored. Values that came by
 * HTTP are read by their media type: JSON is parsed, text is a string, everything else stays bytes.
 */
import { Packr } from 'msgpackr'
import { HearsayError } from '../base/errors.ts'
import { MSGPACK } from '../http/msgpack-json.ts'
import type { StoredValue } from '../store/core/delta.ts'

const packr = new Packr({ useRecords: false, mapsAsObjects: true })

export function encodeValue(value: unknown): StoredValue {
  return { contentType: MSGPACK, bytes: Uint8Array.from(packr.pack(value)) }
}

/** @throws HearsayError `VALUE_UNREADABLE` when the bytes are not what their media type says */
export function decodeValue(value: StoredValue): unknown {
  try {
    return decode(value)
  } catch (cause) {
    throw new HearsayError('VALUE_UNREADABLE', `the value is no ${value.contentType}`, { cause })
  }
}

function decode({ contentType, bytes }: StoredValue): unknown {
  const mediaType = contentType.split(';', 1)[0]?.trim().toLowerCase() ?? ''
  if (mediaType === MSGPACK) return packr.unpack(bytes)
  if (mediaType === 'application/json' || mediaType.endsWith('+json'))
    return JSON.parse(Buffer.from(bytes).toString())
  if (mediaType.startsWith('text/')) return Buffer.from(bytes).toString()
  return bytes
}
