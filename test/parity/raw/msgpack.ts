/**
 * The msgpack of the raw client: as much of it as memberlist's bodies need, written without a look at src/gossip/wire.
 *
 * Strings and bytes travel as the old spec's raw; decoded, every raw is bytes. `Verbatim` puts any other form on the wire.
 */

export class Verbatim {
  readonly bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }
}

export type Value = null | boolean | number | string | Uint8Array | readonly Value[] | Fields | Verbatim
export interface Fields {
  readonly [key: string]: Value
}

export function encode(value: Value): Buffer {
  if (value === null) return Buffer.of(0xc0)
  if (typeof value === 'boolean') return Buffer.of(value ? 0xc3 : 0xc2)
  if (typeof value === 'number') return integer(value)
  if (typeof value === 'string') return raw(Buffer.from(value))
  if (value instanceof Uint8Array) return raw(value)
  if (value instanceof Verbatim) return Buffer.from(value.bytes)
  if (isList(value)) return Buffer.concat([Buffer.of(0x90 | value.length), ...value.map(encode)])
  const entries = Object.entries(value)
  return Buffer.concat([
    Buffer.of(0x80 | entries.length),
    ...entries.flatMap(([key, field]) => [encode(key), encode(field)]),
  ])
}

function isList(value: readonly Value[] | Fields): value is readonly Value[] {
  return Array.isArray(value)
}

function integer(value: number): Buffer {
  if (value < 0x80) return Buffer.of(value)
  if (value < 0x100) return Buffer.of(0xcc, value)
  const bytes = Buffer.alloc(value < 0x10000 ? 3 : 5)
  bytes[0] = value < 0x10000 ? 0xcd : 0xce
  if (value < 0x10000) bytes.writeUInt16BE(value, 1)
  else bytes.writeUInt32BE(value, 1)
  return bytes
}

function raw(bytes: Uint8Array): Buffer {
  const { length } = bytes
  if (length < 32) return Buffer.concat([Buffer.of(0xa0 | length), bytes])
  if (length >= 0x10000) throw new RangeError('longer than any field of memberlist')
  return Buffer.concat([Buffer.of(0xda, length >> 8, length & 255), bytes])
}

/** One value. @throws RangeError while there are too few bytes, Error for a form that memberlist never sends */
export function decode(bytes: Buffer, at = 0): { readonly value: Value; readonly end: number } {
  const head = bytes.readUInt8(at)
  const next = at + 1
  if (head < 0x80) return { value: head, end: next }
  if (head < 0x90) return decodeMap(bytes, next, head & 15)
  if (head >= 0xa0 && head < 0xc0) return decodeRaw(bytes, next, head & 31)
  switch (head) {
    case 0xc0:
      return { value: null, end: next }
    case 0xc2:
    case 0xc3:
      return { value: head === 0xc3, end: next }
    case 0xcc:
      return { value: bytes.readUInt8(next), end: next + 1 }
    case 0xcd:
      return { value: bytes.readUInt16BE(next), end: next + 2 }
    case 0xce:
      return { value: bytes.readUInt32BE(next), end: next + 4 }
    case 0xd1:
      return { value: bytes.readInt16BE(next), end: next + 2 }
    case 0xd2:
      return { value: bytes.readInt32BE(next), end: next + 4 }
    case 0xda:
      return decodeRaw(bytes, next + 2, bytes.readUInt16BE(next))
    case 0xdb:
      return decodeRaw(bytes, next + 4, bytes.readUInt32BE(next))
    default:
      throw new Error(`memberlist never sends a value that begins with ${head.toString(16)}`)
  }
}

function decodeRaw(bytes: Buffer, start: number, length: number): { value: Value; end: number } {
  if (start + length > bytes.length) throw new RangeError('too few bytes')
  return { value: bytes.subarray(start, start + length), end: start + length }
}

function decodeMap(bytes: Buffer, start: number, count: number): { value: Value; end: number } {
  const fields: Record<string, Value> = {}
  let end = start
  for (let i = 0; i < count; i++) {
    const key = decode(bytes, end)
    if (!Buffer.isBuffer(key.value)) throw new Error('a key is raw')
    const field = decode(bytes, key.end)
    fields[key.value.toString('latin1')] = field.value
    end = field.end
  }
  return { value: fields, end }
}
