/**
 * Datagrams on their way through: messages sealed into one and taken out of one, and both counted.
 *
 * Sealing and opening are wire/packet.ts's; here they get our label, our keys and the host's checksum. A packet that was
 * dropped whole or in part leaves its reasons in the counters and nothing else.
 *
 * While a cluster is being moved to encryption (a key, and incoming traffic not verified), packets that came in
 * plaintext are counted as `plaintext`: when that number stands still on every member, verification may be switched on.
 */
import { crc32 } from 'node:zlib'
import type { Endpoint } from '../core/endpoint.ts'
import type { PacketMessage } from '../core/messages.ts'
import { readsBlocks } from '../wire/encryption.ts'
import { openPacket, type SealOptions, sealPacket } from '../wire/packet.ts'
import type { Counters } from './counters.ts'
import type { Framing } from './framing.ts'
import { packetKind } from './packet-kinds.ts'

export class PacketCodec {
  readonly #counters: Counters
  // Made once: an object spread and added to for each packet fills the old generation with its shapes (Node 20).
  readonly #seal: SealOptions
  readonly #sealWithCrc: SealOptions

  constructor(counters: Counters, framing: Framing) {
    this.#counters = counters
    this.#seal = { ...framing, crc: false, crc32 }
    this.#sealWithCrc = { ...framing, crc: true, crc32 }
  }

  /** @param parts as `sealPacket` wants them */
  seal(parts: readonly Uint8Array[], crc: boolean): Uint8Array {
    const { sent, sentBytes, packets } = this.#counters
    const bytes = sealPacket(parts, crc ? this.#sealWithCrc : this.#seal)
    for (const part of parts) {
      const kind = packetKind(part) ?? 'unknown'
      sent.add(kind)
      if (kind === 'user') sentBytes.add(kind, part.length - 1)
    }
    packets.add('sent')
    packets.add('sent-bytes', bytes.length)
    return bytes
  }

  /** Never throws. @returns what could be read */
  open(bytes: Uint8Array, from: Endpoint): readonly PacketMessage[] {
    const { packets } = this.#counters
    packets.add('received')
    packets.add('received-bytes', bytes.length)
    const { messages, drops, decrypted } = openPacket(bytes, this.#seal)
    for (const reason of drops) this.#counters.drop(reason, from)
    for (const message of messages) this.#counters.countReceived(message)
    if (messages.length > 0 && !decrypted && readsBlocks(this.#seal.encryption)) packets.add('plaintext')
    return messages
  }
}
