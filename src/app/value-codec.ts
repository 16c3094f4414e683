/**
 * Library values to stored bytes and back: MessagePack, marked as such, so that other programs can tell.
 *
 * Records (msgpackr's own extension) are off: any MessagePack reader understands what is stored. Values that came by
 * HTTP are read by their media type: JSON is parsed, text is a string, everything else stays bytes.
 */
import { Packr } from 'msgpackr'
import type { StoredValue } from '../store/core/delta.ts'

export const MSGPACK = 'application/vnd.msgpack'

const packr = new Packr({ useRecords: false, mapsAsObjects: true })

export function encodeValue(value: unknown): StoredValue {
  return { contentType: MSGPACK, bytes: Uint8Array.from(packr.pack(value)) }
}

export function decodeValue({ contentType, bytes }: StoredValue): unknown {
  const mediaType = contentType.split(';', 1)[0]?.trim().toLowerCase() ?? ''
  if (mediaType === MSGPACK) return packr.unpack(bytes)
  if (mediaType === 'application/json' || mediaType.endsWith('+json'))
    return JSON.parse(Buffer.from(bytes).toString())
  if (mediaType.startsWith('text/')) return Buffer.from(bytes).toString()
  return bytes
}
