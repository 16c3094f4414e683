/**
 * The body of a push-pull: a header map, that many member records, then the user state, with nothing in between
 * (memberlist-wire.md sections 1 and 3).
 *
 * Read record by record as bytes arrive: what is parsed is not looked at again. A record that is no record of ours is
 * counted and left out, its neighbours stay; only bytes that are not msgpack lose the rest, since nobody can tell
 * where the next record starts. The header tells what the whole will take at most; nothing behind it is read before
 * there is room for that.
 */
import type { NodeRecord, PushPullMessage } from '../core/messages.ts'
import type { BodyRoom } from './body-room.ts'
import type { ByteAccumulator } from './byte-accumulator.ts'
import type { DropReason } from './drop-reason.ts'
import { ItemScanner } from './item-scanner.ts'
import { NODE_OVERHEAD_BYTES, type StreamLimits } from './limits.ts'
import { MessageType } from './message-type.ts'
import { MsgpackCursor } from './msgpack-cursor.ts'
import { encodedKey, MsgpackWriter } from './msgpack-writer.ts'
import { readNodeRecord, writeNodeRecord } from './node-record.ts'
import { boolField, type Layout, readStruct, uintField } from './struct-layout.ts'

interface Header {
  nodes: number
  userStateBytes: number
  join: boolean
}

const HEADER_LAYOUT: Layout<Header> = [
  uintField('Nodes', 'nodes', Number.MAX_SAFE_INTEGER),
  uintField('UserStateLen', 'userStateBytes', Number.MAX_SAFE_INTEGER),
  boolField('Join', 'join'),
]
const KEY_JOIN = encodedKey('Join')
const KEY_NODES = encodedKey('Nodes')
const KEY_USER_STATE_LEN = encodedKey('UserStateLen')

/** Type byte included. */
export function encodePushPull(message: PushPullMessage): Uint8Array {
  const writer = new MsgpackWriter(64 + 96 * message.nodes.length + message.userState.length)
  writer.u8(MessageType.pushPull).mapHead(3)
  writer.verbatim(KEY_JOIN).bool(message.join)
  writer.verbatim(KEY_NODES).uint(message.nodes.length)
  writer.verbatim(KEY_USER_STATE_LEN).uint(message.userState.length)
  for (const record of message.nodes) writeNodeRecord(writer, record)
  return writer.verbatim(message.userState).finish()
}

export class PushPullReader {
  readonly #limits: StreamLimits
  readonly #room: BodyRoom
  readonly #dropRecord: (reason: DropReason) => void
  readonly #nodes: NodeRecord[] = []
  #header: Header | undefined
  #scanner = new ItemScanner()
  #nodesLeft = 0
  #nodesBytes = 0
  #nodesBytesMax = 0

  /**
   * @param dropRecord hears of each record left out
   */
  constructor(limits: StreamLimits, room: BodyRoom, dropRecord: (reason: DropReason) => void) {
    this.#limits = limits
    this.#room = room
    this.#dropRecord = dropRecord
  }

  /** Consumes what it can of `input`, which starts behind the type byte at first. */
  advance(input: ByteAccumulator): PushPullMessage | DropReason | 'need-more' {
    while (this.#header === undefined || this.#nodesLeft > 0) {
      if (this.#header !== undefined && !this.#room.has(this.#bodyBytes(this.#header))) return 'need-more'
      const scan = this.#scanner.advance(input.bytes, input.start, input.end)
      // First, so that the reason does not depend on how much has come.
      if (this.#scanner.length > this.#limits.itemBytesMax) return 'too-large'
      if (scan !== 'complete') return scan
      const problem = this.#header === undefined ? this.#takeHeader(input) : this.#takeRecord(input)
      if (problem !== undefined) return problem
      input.consume(this.#scanner.length)
      this.#scanner = new ItemScanner()
    }
    const { userStateBytes, join } = this.#header
    if (input.length < userStateBytes) {
      if (this.#room.has(this.#bodyBytes(this.#header))) this.#room.use(input, userStateBytes)
      return 'need-more'
    }
    return { kind: 'push-pull', join, nodes: this.#nodes, userState: input.take(userStateBytes) }
  }

  #bodyBytes({ nodes, userStateBytes }: Header): number {
    return nodes * this.#limits.nodeBytesMax + userStateBytes
  }

  #takeHeader(input: ByteAccumulator): DropReason | undefined {
    const cursor = new MsgpackCursor(input.bytes, input.start, input.end)
    const header: Header = { nodes: 0, userStateBytes: 0, join: false }
    readStruct(cursor, HEADER_LAYOUT, header)
    if (cursor.failure !== undefined) return cursor.failure
    if (header.nodes > this.#limits.nodesMax) return 'too-many-nodes'
    if (header.userStateBytes > this.#limits.userStateBytesMax) return 'too-large'
    this.#header = header
    this.#nodesLeft = header.nodes
    const { nodeBytesMax, itemBytesMax } = this.#limits
    // A short list may hold one long record.
    this.#nodesBytesMax = header.nodes * nodeBytesMax + itemBytesMax
    return undefined
  }

  #takeRecord(input: ByteAccumulator): DropReason | undefined {
    this.#nodesLeft--
    const length = this.#scanner.length
    const record = readNodeRecord(input.bytes, input.start, input.start + length)
    if (typeof record === 'string') {
      this.#dropRecord(record)
      return undefined
    }
    this.#nodesBytes += NODE_OVERHEAD_BYTES + record.name.length + record.meta.length
    if (this.#nodesBytes > this.#nodesBytesMax) return 'too-large'
    this.#nodes.push(record)
    return undefined
  }
}
