/** Streams of the raw client: requests as bytes, and what came back as messages. */
import { type BlockVersion, decryptBlock, encryptBlock } from './encrypted-block.ts'
import type { Fields } from './msgpack.ts'
import { bodyOf, inflate, labelHeader, message, TYPE } from './packets.ts'

/** A member as push-pulls list it. */
export interface NodeEntry {
  readonly Name: string
  readonly Addr: Uint8Array
  readonly Port: number
  readonly Meta: Uint8Array | null
  readonly Incarnation: number
  readonly State: number
  readonly Vsn: Uint8Array
}

export function pushPull(nodes: readonly NodeEntry[], join: boolean, userState = ''): Buffer {
  const state = Buffer.from(userState)
  return Buffer.concat([
    message(TYPE.pushPull, { Join: join, Nodes: nodes.length, UserStateLen: state.length }),
    ...nodes.map((node) => message(0, { ...node }).subarray(1)),
    state,
  ])
}

export function userStream(payload: string | Uint8Array): Buffer {
  const bytes = Buffer.from(payload)
  return Buffer.concat([message(TYPE.user, { UserMsgLen: bytes.length }), bytes])
}

/** @param label included in what is authenticated; the header itself is only written by the side that dials */
export function encryptedStream(
  plain: Uint8Array,
  key: Uint8Array,
  options: { readonly version?: BlockVersion; readonly label?: string } = {},
): Buffer {
  const { version = 1, label = '' } = options
  const padding = version === 0 ? 16 - (plain.length % 16) : 0
  const head = Buffer.alloc(5)
  head[0] = TYPE.encrypted
  head.writeUInt32BE(1 + 12 + plain.length + padding + 16, 1)
  const aad = Buffer.concat([head, Buffer.from(label)])
  return Buffer.concat([labelHeader(label), head, encryptBlock(version, key, plain, aad)])
}

/** One message of a stream with the layers that were around it. */
export interface StreamReply {
  readonly encryption: BlockVersion | undefined
  /** Of the encrypted block; 0 without. */
  readonly blockBytes: number
  readonly compressed: boolean
  /** Bytes inside encryption and compression. */
  readonly plain: Buffer
  readonly type: number
  readonly body: Fields
  readonly nodes: readonly Fields[]
  /** User state or user message. */
  readonly payload: Buffer
}

/** @throws RangeError while there are too few bytes */
export function openStream(bytes: Buffer, keys: readonly Uint8Array[] = [], label = ''): StreamReply {
  let plain = bytes
  let encryption: BlockVersion | undefined
  let blockBytes = 0
  if (plain[0] === TYPE.encrypted) {
    blockBytes = plain.readUInt32BE(1)
    if (plain.length < 5 + blockBytes) throw new RangeError('too few bytes')
    const aad = Buffer.concat([plain.subarray(0, 5), Buffer.from(label)])
    const opened = decryptBlock(keys, plain.subarray(5, 5 + blockBytes), aad)
    if (opened === undefined) throw new Error('a stream is under another key')
    encryption = opened.version
    plain = opened.plain
  }
  const isCompressed = plain[0] === TYPE.compressed
  if (isCompressed) plain = inflate(plain)
  return { encryption, blockBytes, compressed: isCompressed, plain, ...openBody(plain) }
}

function openBody(plain: Buffer): Pick<StreamReply, 'type' | 'body' | 'nodes' | 'payload'> {
  const type = plain.readUInt8(0)
  const head = bodyOf(plain)
  const { body } = head
  const nodes: Fields[] = []
  let end = head.end
  for (let i = 0; i < Number(body.Nodes ?? 0); i++) {
    const node = bodyOf(plain, end)
    nodes.push(node.body)
    end = node.end
  }
  const payloadBytes = Number(body.UserStateLen ?? body.UserMsgLen ?? 0)
  if (plain.length < end + payloadBytes) throw new RangeError('too few bytes')
  return { type, body, nodes, payload: plain.subarray(end, end + payloadBytes) }
}
