/**
 * A reversible toy encoding for tests of the machine: user messages as on the wire (08 and the raw bytes), everything
 * else as 7b-led JSON with byte arrays written as {"b":[…]}.
 */
import type { PacketEncoder } from '../../../../src/gossip/core/codec.ts'
import type { PacketMessage } from '../../../../src/gossip/core/messages.ts'

export const toyEncoder: PacketEncoder = {
  encode(message) {
    if (message.kind === 'user') return Uint8Array.of(8, ...message.payload)
    const json = JSON.stringify(message, (_key, value: unknown) =>
      value instanceof Uint8Array ? { b: [...value] } : value,
    )
    return new TextEncoder().encode(json)
  },
}

export function toyDecode(bytes: Uint8Array): PacketMessage {
  if (bytes[0] === 8) return { kind: 'user', payload: bytes.subarray(1) }
  return JSON.parse(new TextDecoder().decode(bytes), (_key, value: unknown) =>
    typeof value === 'object' && value !== null && 'b' in value
      ? Uint8Array.from(value.b as number[])
      : value,
  ) as PacketMessage
}
