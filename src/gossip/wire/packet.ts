/**
 * Datagrams: messages in, one packet out, and back.
 *
 * Layers, from the inside: message(s), a compound when there is more than one, LZW when that is shorter, a checksum
 * for peers that read it, encryption, the cluster label (memberlist-wire.md section 2.6). Opening takes them off in
 * reverse. Whatever arrives, opening returns: what was wrong is in `drops`, one entry for each thing dropped, and the
 * good parts of a bad packet are kept.
 *
 * An encrypted packet has no type byte, so whether a packet is one is told by our own settings, never guessed from its
 * bytes: while we hold a key and insist on it, nothing is parsed that no key of ours opened.
 *
 * Work per packet is bounded by `PacketLimits`: frames within frames, parts, pings, and bytes that compression may add.
 */
import { assert } from '../../base/assert.ts'
import type { PacketMessage } from '../core/messages.ts'
import { encodeCompound, readCompound } from './compound.ts'
import { decodeCompressed, encodeCompressed } from './compressed-frame.ts'
import { CRC_OVERHEAD_BYTES, type Crc32, crcHolds, isCrcFrame, writeCrcHead } from './crc.ts'
import type { DropReason } from './drop-reason.ts'
import { blockLength, openBlock, sealBlock } from './encrypted-block.ts'
import { type Encryption, readsBlocks, refusesPlaintext, sealingNow } from './encryption.ts'
import { labelHeader, labelIn, matchLabel } from './label.ts'
import { DEFAULT_PACKET_LIMITS, type PacketLimits } from './limits.ts'
import { decodeMessage } from './message-codec.ts'
import { MessageType } from './message-type.ts'
import { plainBytes } from './plain-bytes.ts'

export interface SealOptions {
  /** The receiver is known to read checksums (pMax >= 5). */
  readonly crc: boolean
  /** Our cluster's label, empty for none; at most 255 bytes. */
  readonly label: string
  /** Try LZW and keep it if the result is shorter. */
  readonly compress: boolean
  readonly crc32: Crc32
  /** Default none. */
  readonly encryption?: Encryption | undefined
}

/** @param parts 1 to 127 encoded messages, none of them empty */
export function sealPacket(parts: readonly Uint8Array[], options: SealOptions): Uint8Array {
  const only = parts.length === 1 ? parts[0] : undefined
  assert(only === undefined || only.length > 0, 'a message has at least its type byte')
  let body = only ?? encodeCompound(parts)
  if (options.compress) {
    const compressed = encodeCompressed(body)
    if (compressed.length < body.length) body = compressed
  }
  const content = options.crc ? withCrc(body, options.crc32) : body
  const header = labelHeader(options.label)
  const sealing = sealingNow(options.encryption, labelIn(header))
  if (sealing === undefined && header.length === 0) return content
  const contentBytes = sealing === undefined ? content.length : blockLength(sealing.version, content.length)
  const packet = new Uint8Array(header.length + contentBytes)
  packet.set(header)
  if (sealing === undefined) packet.set(content, header.length)
  else sealBlock(packet, header.length, content, sealing)
  return packet
}

function withCrc(body: Uint8Array, crc32: Crc32): Uint8Array {
  const framed = new Uint8Array(CRC_OVERHEAD_BYTES + body.length)
  writeCrcHead(framed, 0, body, crc32)
  framed.set(body, CRC_OVERHEAD_BYTES)
  return framed
}

export interface OpenOptions {
  /** Our cluster's label, empty for none. */
  readonly label: string
  readonly crc32: Crc32
  /** Default none. */
  readonly encryption?: Encryption | undefined
  readonly limits?: PacketLimits
}

export interface OpenedPacket {
  readonly messages: PacketMessage[]
  readonly drops: DropReason[]
  /** Whether a key of ours opened it. */
  readonly decrypted: boolean
}

/** Never throws. The messages hold copies: `bytes` may be reused afterwards. */
export function openPacket(bytes: Uint8Array, options: OpenOptions): OpenedPacket {
  const opener = new PacketOpener(options)
  opener.openDatagram(plainBytes(bytes))
  return opener
}

class PacketOpener implements OpenedPacket {
  readonly messages: PacketMessage[] = []
  readonly drops: DropReason[] = []
  decrypted = false
  readonly #options: OpenOptions
  readonly #depthMax: number
  #partsLeft: number
  #pingsLeft: number
  #inflatedBytesLeft: number

  constructor(options: OpenOptions) {
    const { depthMax, partsMax, pingsMax, inflatedBytesMax } = options.limits ?? DEFAULT_PACKET_LIMITS
    this.#options = options
    this.#depthMax = depthMax
    this.#partsLeft = partsMax
    this.#pingsLeft = pingsMax
    this.#inflatedBytesLeft = inflatedBytesMax
  }

  openDatagram(packet: Uint8Array): void {
    const header = labelHeader(this.#options.label)
    const labelBytes = matchLabel(packet, 0, packet.length, header)
    if (typeof labelBytes === 'string') this.drops.push(labelBytes)
    else this.#decrypt(packet.subarray(labelBytes), labelIn(header))
  }

  #decrypt(block: Uint8Array, label: Uint8Array): void {
    const { encryption } = this.#options
    const plain = readsBlocks(encryption)
      ? openBlock(block, encryption.keyring.keys, encryption.aead, label)
      : undefined
    if (typeof plain === 'object') {
      this.decrypted = true
      this.#openPlain(plain)
    } else if (plain === undefined || (plain === 'undecryptable' && !refusesPlaintext(encryption)))
      this.#openPlain(block)
    else this.drops.push(plain)
  }

  #openPlain(bytes: Uint8Array): void {
    const end = bytes.length
    if (!isCrcFrame(bytes, 0, end)) this.open(bytes, 0, end, 0)
    else if (crcHolds(bytes, 0, end, this.#options.crc32)) this.open(bytes, CRC_OVERHEAD_BYTES, end, 0)
    else this.drops.push('crc-mismatch')
  }

  /** @param depth frames around [start, end) */
  open(bytes: Uint8Array, start: number, end: number, depth: number): void {
    const type = bytes[start]
    if (start < end && (type === MessageType.compound || type === MessageType.compressed)) {
      if (depth >= this.#depthMax) this.drops.push('too-deep')
      else if (type === MessageType.compound) this.#openCompound(bytes, start + 1, end, depth + 1)
      else this.#openCompressed(bytes, start + 1, end, depth + 1)
      return
    }
    const message = decodeMessage(bytes, start, end)
    if (typeof message === 'string') this.drops.push(message)
    else if (this.#takePing(message)) this.messages.push(message)
  }

  #openCompressed(bytes: Uint8Array, start: number, end: number, depth: number): void {
    const inner = decodeCompressed(bytes, start, end, this.#inflatedBytesLeft)
    if (typeof inner === 'string') {
      this.drops.push(inner)
      return
    }
    this.#inflatedBytesLeft -= inner.length
    this.open(inner, 0, inner.length, depth)
  }

  #openCompound(bytes: Uint8Array, start: number, end: number, depth: number): void {
    readCompound(
      bytes,
      start,
      end,
      (partStart, partEnd) => {
        if (!this.#takePart()) return false
        this.open(bytes, partStart, partEnd, depth)
        return true
      },
      (reason) => {
        if (this.#takePart()) this.drops.push(reason)
      },
    )
  }

  /** False for a ping beyond those that one packet may ask; said once. */
  #takePing({ kind }: PacketMessage): boolean {
    if (kind !== 'ping' && kind !== 'indirect-ping') return true
    this.#pingsLeft--
    if (this.#pingsLeft === -1) this.drops.push('too-many-pings')
    return this.#pingsLeft >= 0
  }

  /** False once the packet has used up its parts; said once. */
  #takePart(): boolean {
    this.#partsLeft--
    if (this.#partsLeft === -1) this.drops.push('too-many-parts')
    return this.#partsLeft >= 0
  }
}
