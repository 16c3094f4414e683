/**
 * Single messages of packets, to and from bytes: a type byte, then one msgpack map (memberlist-wire.md section 1).
 *
 * Encoding gives the bytes that Go gives: keys in ASCII order, empty bytes as nil, Source* left out when unknown.
 * Decoding is as lenient as Go and stricter about meaning: names, address lengths and versions are checked here, so
 * that nothing behind this file meets a malformed one. A port of 0 passes; the machine puts its own in its place.
 */
import { assert, unreachable } from '../../base/assert.ts'
import type { Endpoint } from '../core/endpoint.ts'
import type { AliveMessage, IndirectPingMessage, PacketMessage, PingMessage } from '../core/messages.ts'
import type { DropReason } from './drop-reason.ts'
import { MessageType } from './message-type.ts'
import { MsgpackCursor } from './msgpack-cursor.ts'
import { encodedKey, MsgpackWriter } from './msgpack-writer.ts'
import { isAddressLength, U16_MAX, U32_MAX, VSN_BYTES } from './node-record.ts'
import { boolField, bytesField, type Layout, nameField, readStruct, uintField } from './struct-layout.ts'

const EMPTY = new Uint8Array(0)

const KEY = {
  addr: encodedKey('Addr'),
  from: encodedKey('From'),
  incarnation: encodedKey('Incarnation'),
  meta: encodedKey('Meta'),
  nack: encodedKey('Nack'),
  node: encodedKey('Node'),
  payload: encodedKey('Payload'),
  port: encodedKey('Port'),
  seqNo: encodedKey('SeqNo'),
  sourceAddr: encodedKey('SourceAddr'),
  sourceNode: encodedKey('SourceNode'),
  sourcePort: encodedKey('SourcePort'),
  target: encodedKey('Target'),
  vsn: encodedKey('Vsn'),
}

/** One complete message with its type byte. */
export function encodeMessage(message: PacketMessage): Uint8Array {
  if (message.kind === 'user') return encodeUser(message.payload)
  const writer = new MsgpackWriter(128)
  switch (message.kind) {
    case 'ping':
      writer.u8(MessageType.ping).mapHead(2 + sourceFields(message))
      writer.verbatim(KEY.node).text(message.node)
      writer.verbatim(KEY.seqNo).uint(message.seqNo)
      writeSource(writer, message)
      break
    case 'indirect-ping':
      writer.u8(MessageType.indirectPing).mapHead(5 + sourceFields(message))
      writer.verbatim(KEY.nack).bool(message.nack)
      writer.verbatim(KEY.node).text(message.node)
      writer.verbatim(KEY.port).uint(message.target.port)
      writer.verbatim(KEY.seqNo).uint(message.seqNo)
      writeSource(writer, message)
      writer.verbatim(KEY.target).rawOrNil(message.target.addr)
      break
    case 'ack':
      writer.u8(MessageType.ack).mapHead(2)
      writer.verbatim(KEY.payload).rawOrNil(message.payload)
      writer.verbatim(KEY.seqNo).uint(message.seqNo)
      break
    case 'nack':
      writer.u8(MessageType.nack).mapHead(1).verbatim(KEY.seqNo).uint(message.seqNo)
      break
    case 'suspect':
    case 'dead':
      writer.u8(MessageType[message.kind]).mapHead(3)
      writer.verbatim(KEY.from).text(message.from)
      writer.verbatim(KEY.incarnation).uint(message.incarnation)
      writer.verbatim(KEY.node).text(message.node)
      break
    case 'alive':
      writeAlive(writer, message)
      break
    default:
      unreachable(message)
  }
  return writer.finish()
}

function encodeUser(payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(payload.length + 1)
  bytes[0] = MessageType.user
  bytes.set(payload, 1)
  return bytes
}

function writeAlive(writer: MsgpackWriter, message: AliveMessage): void {
  assert(
    message.vsn.length === VSN_BYTES,
    'versions are six bytes: other lengths crash memberlist up to v0.6.0',
  )
  writer.u8(MessageType.alive).mapHead(6)
  writer.verbatim(KEY.addr).rawOrNil(message.endpoint.addr)
  writer.verbatim(KEY.incarnation).uint(message.incarnation)
  writer.verbatim(KEY.meta).rawOrNil(message.meta)
  writer.verbatim(KEY.node).text(message.node)
  writer.verbatim(KEY.port).uint(message.endpoint.port)
  writer.verbatim(KEY.vsn).rawOrNil(message.vsn)
}

function sourceFields(message: PingMessage | IndirectPingMessage): number {
  return (message.source === undefined ? 0 : 2) + (message.sourceNode ? 1 : 0)
}

function writeSource(writer: MsgpackWriter, { source, sourceNode }: PingMessage | IndirectPingMessage): void {
  assert(
    source === undefined || (source.addr.length > 0 && source.port > 0),
    'a source has an address and a port',
  )
  if (source !== undefined) writer.verbatim(KEY.sourceAddr).raw(source.addr)
  if (sourceNode) writer.verbatim(KEY.sourceNode).text(sourceNode)
  if (source !== undefined) writer.verbatim(KEY.sourcePort).uint(source.port)
}

interface SourceBody {
  sourceAddr: Uint8Array
  sourcePort: number
  sourceNode: string
}

const SOURCE_LAYOUT: Layout<SourceBody> = [
  bytesField('SourceAddr', 'sourceAddr'),
  uintField('SourcePort', 'sourcePort', U16_MAX),
  nameField('SourceNode', 'sourceNode'),
]
const SEQ_NO = uintField('SeqNo', 'seqNo', U32_MAX)
const INCARNATION = uintField('Incarnation', 'incarnation', U32_MAX)
const NODE = nameField('Node', 'node')
const PORT = uintField('Port', 'port', U16_MAX)

const PING_LAYOUT: Layout<SourceBody & { seqNo: number; node: string }> = [SEQ_NO, NODE, ...SOURCE_LAYOUT]
const INDIRECT_PING_LAYOUT: Layout<
  SourceBody & { seqNo: number; target: Uint8Array; port: number; node: string; nack: boolean }
> = [SEQ_NO, bytesField('Target', 'target'), PORT, NODE, boolField('Nack', 'nack'), ...SOURCE_LAYOUT]
const ACK_LAYOUT: Layout<{ seqNo: number; payload: Uint8Array }> = [SEQ_NO, bytesField('Payload', 'payload')]
const NACK_LAYOUT: Layout<{ seqNo: number }> = [SEQ_NO]
const CLAIM_LAYOUT: Layout<{ incarnation: number; node: string; from: string }> = [
  INCARNATION,
  NODE,
  nameField('From', 'from'),
]
const ALIVE_LAYOUT: Layout<{
  incarnation: number
  node: string
  addr: Uint8Array
  port: number
  meta: Uint8Array
  vsn: Uint8Array
}> = [
  INCARNATION,
  NODE,
  bytesField('Addr', 'addr'),
  PORT,
  bytesField('Meta', 'meta'),
  bytesField('Vsn', 'vsn'),
]

/**
 * The message in [start, end), type byte first, or why there is none. Never throws. Frames (compound, compressed,
 * checksum) and stream-only types are `unknown-type` here. Bytes behind the map are ignored, as in Go.
 */
export function decodeMessage(bytes: Uint8Array, start: number, end: number): PacketMessage | DropReason {
  if (start >= end) return 'empty'
  const cursor = new MsgpackCursor(bytes, start + 1, end)
  switch (bytes[start]) {
    case MessageType.ping:
      return decodePing(cursor)
    case MessageType.indirectPing:
      return decodeIndirectPing(cursor)
    case MessageType.ack: {
      const body = { seqNo: 0, payload: EMPTY as Uint8Array }
      readStruct(cursor, ACK_LAYOUT, body)
      return cursor.failure ?? { kind: 'ack', ...body }
    }
    case MessageType.nack: {
      const body = { seqNo: 0 }
      readStruct(cursor, NACK_LAYOUT, body)
      return cursor.failure ?? { kind: 'nack', ...body }
    }
    case MessageType.suspect:
      return decodeClaim(cursor, 'suspect')
    case MessageType.dead:
      return decodeClaim(cursor, 'dead')
    case MessageType.alive:
      return decodeAlive(cursor)
    case MessageType.user:
      return { kind: 'user', payload: bytes.slice(start + 1, end) }
    default:
      return 'unknown-type'
  }
}

function decodePing(cursor: MsgpackCursor): PacketMessage | DropReason {
  const body = { seqNo: 0, node: '', sourceAddr: EMPTY as Uint8Array, sourcePort: 0, sourceNode: '' }
  readStruct(cursor, PING_LAYOUT, body)
  const source = readSource(cursor, body)
  if (cursor.failure !== undefined) return cursor.failure
  return { kind: 'ping', seqNo: body.seqNo, node: body.node, ...source }
}

function decodeIndirectPing(cursor: MsgpackCursor): PacketMessage | DropReason {
  const body = {
    ...{ seqNo: 0, target: EMPTY as Uint8Array, port: 0, node: '', nack: false },
    ...{ sourceAddr: EMPTY as Uint8Array, sourcePort: 0, sourceNode: '' },
  }
  readStruct(cursor, INDIRECT_PING_LAYOUT, body)
  if (!isAddressLength(body.target.length)) cursor.fail('address-length')
  const source = readSource(cursor, body)
  if (cursor.failure !== undefined) return cursor.failure
  const target: Endpoint = { addr: body.target, port: body.port }
  return { kind: 'indirect-ping', seqNo: body.seqNo, target, node: body.node, nack: body.nack, ...source }
}

/** Where to answer, if the message says so completely; otherwise the answer goes to where the packet came from. */
function readSource(cursor: MsgpackCursor, body: SourceBody): { source?: Endpoint; sourceNode?: string } {
  const complete = body.sourceAddr.length > 0 && body.sourcePort > 0
  if (complete && !isAddressLength(body.sourceAddr.length)) cursor.fail('address-length')
  return {
    ...(complete ? { source: { addr: body.sourceAddr, port: body.sourcePort } } : {}),
    ...(body.sourceNode === '' ? {} : { sourceNode: body.sourceNode }),
  }
}

/** `from` may be empty in both: peers before v0.1.6 leave so. */
function decodeClaim(cursor: MsgpackCursor, kind: 'suspect' | 'dead'): PacketMessage | DropReason {
  const body = { incarnation: 0, node: '', from: '' }
  readStruct(cursor, CLAIM_LAYOUT, body)
  if (body.node === '') cursor.fail('name-empty')
  return cursor.failure ?? { kind, ...body }
}

function decodeAlive(cursor: MsgpackCursor): PacketMessage | DropReason {
  const bytes = EMPTY as Uint8Array
  const body = { incarnation: 0, node: '', addr: bytes, port: 0, meta: bytes, vsn: bytes }
  readStruct(cursor, ALIVE_LAYOUT, body)
  if (body.node === '') cursor.fail('name-empty')
  if (!isAddressLength(body.addr.length)) cursor.fail('address-length')
  if (body.vsn.length !== VSN_BYTES) cursor.fail('vsn-length')
  if (cursor.failure !== undefined) return cursor.failure
  const { incarnation, node, addr, port, meta, vsn } = body
  return { kind: 'alive', incarnation, node, endpoint: { addr, port }, meta, vsn }
}
