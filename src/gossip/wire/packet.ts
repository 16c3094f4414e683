/**
 * Datagrams: messages in, one packet out, and back.
 *
 * Layers, from the inside: message(s), a compound when there is more than one, LZW when that is shorter, a checksum
 * for peers that read it, the cluster label (memberlist-wire.md section 2.6; encryption would sit under the label).
 * Opening takes them off in reverse. Whatever arrives, opening returns: what was wrong is in `drops`, one entry for
 * each thing dropped, and the good parts of a bad packet are kept.
 *
 * Work per packet is bounded by `PacketLimits`: frames within frames, parts, and bytes that compression may add.
 */
import { assert } from '../../base/assert.ts'
import type { PacketMessage } from '../core/messages.ts'
import { encodeCompound, readCompound } from './compound.ts'
import { decodeCompressed, encodeCompressed } from './compressed-frame.ts'
import { CRC_OVERHEAD_BYTES, type Crc32, crcHolds, isCrcFrame, writeCrcHead } from './crc.ts'
import type { DropReason } from './drop-reason.ts'
import { labelHeader, matchLabel } from './label.ts'
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
  const header = labelHeader(options.label)
  const crcBytes = options.crc ? CRC_OVERHEAD_BYTES : 0
  if (header.length + crcBytes === 0) return body
  const packet = new Uint8Array(header.length + crcBytes + body.length)
  packet.set(header)
  if (options.crc) writeCrcHead(packet, header.length, body, options.crc32)
  packet.set(body, header.length + crcBytes)
  return packet
}

export interface OpenOptions {
  /** Our cluster's label, empty for none. */
  readonly label: string
  readonly crc32: Crc32
  readonly limits?: PacketLimits
}

export interface OpenedPacket {
  readonly messages: PacketMessage[]
  readonly drops: DropReason[]
}

/** Never throws. The messages hold copies: `bytes` may be reused afterwards. */
export function openPacket(bytes: Uint8Array, options: OpenOptions): OpenedPacket {
  const plain = plainBytes(bytes)
  const end = plain.length
  const opener = new PacketOpener(options.limits ?? DEFAULT_PACKET_LIMITS)
  const labelBytes = matchLabel(plain, 0, end, labelHeader(options.label))
  if (typeof labelBytes === 'string') opener.drops.push(labelBytes)
  else if (!isCrcFrame(plain, labelBytes, end)) opener.open(plain, labelBytes, end, 0)
  else if (crcHolds(plain, labelBytes, end, options.crc32))
    opener.open(plain, labelBytes + CRC_OVERHEAD_BYTES, end, 0)
  else opener.drops.push('crc-mismatch')
  return opener
}

class PacketOpener implements OpenedPacket {
  readonly messages: PacketMessage[] = []
  readonly drops: DropReason[] = []
  readonly #depthMax: number
  #partsLeft: number
  #inflatedBytesLeft: number

  constructor(limits: PacketLimits) {
    this.#depthMax = limits.depthMax
    this.#partsLeft = limits.partsMax
    this.#inflatedBytesLeft = limits.inflatedBytesMax
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
    else this.messages.push(message)
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

  /** False once the packet has used up its parts; said once. */
  #takePart(): boolean {
    this.#partsLeft--
    if (this.#partsLeft === -1) this.drops.push('too-many-parts')
    return this.#partsLeft >= 0
  }
}
