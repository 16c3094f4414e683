/** How the machine turns a message into bytes without knowing the wire: `gossip/wire` provides it. */
import type { PacketMessage } from './messages.ts'

export interface PacketEncoder {
  /** One complete message with its type byte. */
  encode(message: PacketMessage): Uint8Array
}
