/**
 * Library values to stored bytes and back, such that `decode(encode(x))` is `x` again, or `x` is refused by name
 * (plain-data.ts). MessagePack by msgpackr, marked as such, so that any MessagePack reader understands what is stored.
 *
 * A value that MessagePack cannot say (-0, Map, Set, a key `__proto__`, ...) is stored under a media type of its own, still
 * MessagePack, with its containers tagged (tagged-data.ts); nearly none is.
 *
 * What comes back is the caller's own copy: ordinary objects, binary as `Uint8Array`, one object held twice as two. Values
 * that came by HTTP are read by their media type: JSON is parsed, text is a string, everything else stays bytes. Bytes
 * are checked before they are decoded (base/msgpack-check.ts), because whoever may write chose them.
 */
import { Packr } from 'msgpackr'
import { HearsayError } from '../base/errors.ts'
import { msgpackFault } from '../base/msgpack-check.ts'
import { MSGPACK } from '../http/msgpack-json.ts'
import type { StoredValue } from '../store/core/delta.ts'
import { needsTags, VALUE_DEPTH_MAX } from './plain-data.ts'
import { objectOf, tagged, untagged } from './tagged-data.ts'

export const TAGGED_MSGPACK = 'application/vnd.hearsay.tagged+msgpack'
/** A tagged -0 takes one level more. */
const STORED_DEPTH_MAX = VALUE_DEPTH_MAX + 1

const packr = new Packr({ useRecords: false, mapsAsObjects: true, copyBuffers: true })
/** Keeps the names of keys, at a detour. */
const exactPackr = new Packr({ useRecords: false, mapsAsObjects: false, copyBuffers: true })
const RENAMED_KEY = Buffer.from('__proto__')

/** @throws HearsayError `VALUE_UNSUPPORTED` for what would not come back as it is; `STORE_VALUE_TOO_LARGE` */
export function encodeValue(value: unknown): StoredValue {
  if (needsTags(value))
    return { contentType: TAGGED_MSGPACK, bytes: Uint8Array.from(packr.pack(tagged(value))) }
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
  if (mediaType === MSGPACK) return unpack(bytes)
  if (mediaType === TAGGED_MSGPACK) return untagged(unpack(bytes))
  if (mediaType === 'application/json' || mediaType.endsWith('+json')) return JSON.parse(textOf(bytes))
  if (mediaType.startsWith('text/')) return textOf(bytes)
  // The store's own bytes never leave it.
  return bytes.slice()
}

function unpack(bytes: Uint8Array): unknown {
  const fault = msgpackFault(bytes, STORED_DEPTH_MAX)
  if (fault !== undefined) throw new HearsayError('VALUE_UNREADABLE', fault)
  // No Buffer: what msgpackr copies out of one is a Buffer as well.
  const source = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
  return viewOf(bytes).includes(RENAMED_KEY) ? plainObjects(exactPackr.unpack(source)) : packr.unpack(source)
}

function plainObjects(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plainObjects)
  if (!(value instanceof Map)) return value
  return objectOf([...value].map(([key, item]) => [key, plainObjects(item)]))
}

function textOf(bytes: Uint8Array): string {
  return viewOf(bytes).toString()
}

function viewOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}
