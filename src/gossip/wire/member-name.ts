/**
 * Names as they come from the wire. They become map keys, log fields and metric labels, so they are held to more than
 * memberlist asks: valid UTF-8, at most 512 bytes, no control characters (neither C0, DEL nor C1).
 *
 * An empty name means "nobody in particular" in some messages; whether it is allowed is the message's business.
 */
import { BytesError, utf8Decode } from '../../base/bytes.ts'
import { NAME_BYTES_MAX } from './limits.ts'
import type { MsgpackCursor } from './msgpack-cursor.ts'

/** A string or bytes value as a name; problems are in `cursor.failure`. */
export function readName(cursor: MsgpackCursor): string {
  const bytes = cursor.raw()
  if (bytes.length > NAME_BYTES_MAX) cursor.fail('name-too-long')
  else if (hasControl(bytes)) cursor.fail('name-control')
  if (cursor.failure !== undefined) return ''
  try {
    return utf8Decode(bytes)
  } catch (error) {
    if (!(error instanceof BytesError)) throw error
    cursor.fail('name-not-utf8')
    return ''
  }
}

function hasControl(bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] as number
    if (byte < 0x20 || byte === 0x7f) return true
    // U+0080 to U+009F are c2 80 to c2 9f.
    if (byte === 0xc2 && ((bytes[i + 1] ?? 0) & 0xe0) === 0x80) return true
  }
  return false
}
