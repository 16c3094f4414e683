/** The kind of an encoded message, read off its type byte, so that what is sent can be counted without decoding it. */
import type { PacketMessage } from '../core/messages.ts'
import { MessageType } from '../wire/message-type.ts'

const KIND_BY_TYPE: ReadonlyMap<number, PacketMessage['kind']> = new Map([
  [MessageType.ping, 'ping'],
  [MessageType.indirectPing, 'indirect-ping'],
  [MessageType.ack, 'ack'],
  [MessageType.nack, 'nack'],
  [MessageType.suspect, 'suspect'],
  [MessageType.alive, 'alive'],
  [MessageType.dead, 'dead'],
  [MessageType.user, 'user'],
])

export function packetKind(encoded: Uint8Array): PacketMessage['kind'] | undefined {
  const [type] = encoded
  return type === undefined ? undefined : KIND_BY_TYPE.get(type)
}
