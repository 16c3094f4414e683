/**
 * Datagrams and streams of the raw client: messages with their type bytes, and the layers around them. Built to be told
 * exactly which layers to write, and to tell exactly which ones it found.
 */
import { crc32 } from 'node:zlib'
import { type BlockVersion, decryptBlock, encryptBlock } from './encrypted-block.ts'
import { lzwDecode, lzwLiterals } from './lzw.ts'
import { decode, encode, type Fields, type Value } from './msgpack.ts'

export const TYPE = {
  ping: 0,
  indirectPing: 1,
  ack: 2,
  suspect: 3,
  alive: 4,
  dead: 5,
  pushPull: 6,
  compound: 7,
  user: 8,
  compressed: 9,
  encrypted: 10,
  nack: 11,
  crc: 12,
  error: 13,
  label: 244,
} as const

export function message(type: number, body: Fields): Buffer {
  return Buffer.concat([Buffer.of(type), encode(body)])
}

export function userMessage(payload: string | Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(TYPE.user), Buffer.from(payload)])
}

export function compound(parts: readonly Uint8Array[]): Buffer {
  const head = Buffer.alloc(2 + 2 * parts.length)
  head[0] = TYPE.compound
  head[1] = parts.length
  for (const [index, part] of parts.entries()) head.writeUInt16BE(part.length, 2 + 2 * index)
  return Buffer.concat([head, ...parts])
}

export function compressed(plain: Uint8Array): Buffer {
  return message(TYPE.compressed, { Algo: 0, Buf: lzwLiterals(plain) })
}

export function withCrc(payload: Uint8Array): Buffer {
  const head = Buffer.alloc(5)
  head[0] = TYPE.crc
  head.writeUInt32BE(crc32(payload) >>> 0, 1)
  return Buffer.concat([head, payload])
}

export function labelHeader(label: string): Buffer {
  const bytes = Buffer.from(label)
  return label === '' ? bytes : Buffer.concat([Buffer.of(TYPE.label, bytes.length), bytes])
}

export function encryptedPacket(
  plain: Uint8Array,
  key: Uint8Array,
  options: { readonly version?: BlockVersion; readonly label?: string } = {},
): Buffer {
  const { version = 1, label = '' } = options
  return Buffer.concat([labelHeader(label), encryptBlock(version, key, plain, Buffer.from(label))])
}

/** The layers and messages of a datagram. */
export interface Packet {
  readonly bytes: Buffer
  readonly label: string
  readonly encryption: BlockVersion | undefined
  readonly crc: boolean
  readonly compressed: boolean
  /** Bytes inside encryption, checksum and compression. */
  readonly plain: Buffer
  readonly compound: boolean
  readonly parts: readonly Message[]
}

export interface Message {
  readonly type: number
  readonly bytes: Buffer
  /** Empty for a user message. */
  readonly body: Fields
}

/** @throws Error for what no memberlist program may send to us */
export function openPacket(bytes: Buffer, keys: readonly Uint8Array[] = []): Packet {
  let rest = bytes
  let label = ''
  if (rest[0] === TYPE.label) {
    const length = rest.readUInt8(1)
    label = rest.toString('utf8', 2, 2 + length)
    rest = rest.subarray(2 + length)
  }
  const opened = keys.length === 0 ? undefined : decryptBlock(keys, rest, Buffer.from(label))
  if (opened !== undefined) rest = opened.plain
  const crc = rest[0] === TYPE.crc
  if (crc) {
    if (rest.readUInt32BE(1) !== crc32(rest.subarray(5)) >>> 0) throw new Error('a checksum is wrong')
    rest = rest.subarray(5)
  }
  const isCompressed = rest[0] === TYPE.compressed
  if (isCompressed) rest = inflate(rest)
  const isCompound = rest[0] === TYPE.compound
  const parts = (isCompound ? splitCompound(rest) : [rest]).map(openMessage)
  return {
    bytes,
    label,
    encryption: opened?.version,
    crc,
    compressed: isCompressed,
    plain: rest,
    compound: isCompound,
    parts,
  }
}

export function inflate(frame: Buffer): Buffer {
  const { Algo, Buf } = bodyOf(frame).body
  if (Algo !== 0 || !Buffer.isBuffer(Buf)) throw new Error('an unknown compression')
  return lzwDecode(Buf)
}

function splitCompound(bytes: Buffer): Buffer[] {
  const count = bytes.readUInt8(1)
  let at = 2 + 2 * count
  return Array.from({ length: count }, (_, index) => {
    const end = at + bytes.readUInt16BE(2 + 2 * index)
    if (end > bytes.length) throw new Error('a part is cut')
    const part = bytes.subarray(at, end)
    at = end
    return part
  })
}

function openMessage(bytes: Buffer): Message {
  const type = bytes.readUInt8(0)
  if (type === TYPE.user) return { type, bytes, body: {} }
  const { body, end } = bodyOf(bytes)
  if (end < bytes.length) throw new Error(`bytes behind a message: ${bytes.toString('hex')}`)
  return { type, bytes, body }
}

/**
 * The map behind the first byte. Go writes one form of everything: keys in ASCII order, each value as short as it gets.
 * @throws Error for any other
 */
export function bodyOf(bytes: Buffer, at = 1): { readonly body: Fields; readonly end: number } {
  const { value, end } = decode(bytes, at)
  const body = fieldsOf(value)
  const keys = Object.keys(body)
  const isSorted = keys.every((key, index) => index === 0 || (keys[index - 1] ?? '') < key)
  if (!isSorted || !encode(body).equals(bytes.subarray(at, end))) {
    throw new Error(`not as Go writes it: ${bytes.toString('hex', at, end)}`)
  }
  return { body, end }
}

export function fieldsOf(value: Value): Fields {
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array) {
    throw new Error('a body is a map')
  }
  return value as Fields
}

export function textOf(value: Value | undefined): string {
  return value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : ''
}
