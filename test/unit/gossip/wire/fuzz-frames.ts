/**
 * What an attacker puts around messages, and does to the whole: compounds with counts and lengths that lie, compression
 * with and without sense, checksums, labels, encryption under our key and another, and damage to the bytes themselves.
 */
import { crc32 } from 'node:zlib'
import { encodeCompound } from '../../../../src/gossip/wire/compound.ts'
import { encodeCompressed } from '../../../../src/gossip/wire/compressed-frame.ts'
import type { Encryption } from '../../../../src/gossip/wire/encryption.ts'
import { labelHeader } from '../../../../src/gossip/wire/label.ts'
import { lzwEncode } from '../../../../src/gossip/wire/lzw-encoder.ts'
import { MessageType } from '../../../../src/gossip/wire/message-type.ts'
import { sealPacket } from '../../../../src/gossip/wire/packet.ts'
import type { FuzzMessages } from './fuzz-messages.ts'

export interface FuzzSetting {
  readonly label: string
  readonly encryption: Encryption | undefined
}

export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

/** A datagram before any damage: right in its frames more often than not. */
export function fuzzPacket(fuzz: FuzzMessages, setting: FuzzSetting, foreign: Encryption): Uint8Array {
  const body = framed(fuzz, fuzz.below(4))
  const options = { crc: fuzz.below(3) === 0, compress: fuzz.below(6) === 0, label: setting.label, crc32 }
  switch (fuzz.below(12)) {
    case 0:
      return body
    case 1:
      return sealPacket([body], { ...options, label: 'another' })
    case 2:
      return sealPacket([body], { ...options, encryption: foreign })
    case 3:
      return joined([labelHeader(setting.label), body])
    default:
      return sealPacket([body], { ...options, encryption: setting.encryption })
  }
}

/** A stream's bytes before any damage. */
export function fuzzStream(fuzz: FuzzMessages): Uint8Array {
  let body = fuzz.streamMessage()
  if (fuzz.below(40) === 0) body = joined([body, fuzz.randomBytes(fuzz.below(50))])
  for (let layers = fuzz.below(10) - 6; layers > 0; layers -= 2) body = compressedFrame(fuzz, body)
  return body
}

/** Go ignores what follows the end of the packed data, inside of their bytes and behind the map. */
function compressedFrame(fuzz: FuzzMessages, inner: Uint8Array): Uint8Array {
  if (fuzz.below(3) > 0) return encodeCompressed(inner)
  const packed = joined([lzwEncode(inner), fuzz.randomBytes(fuzz.below(20))])
  const head = [MessageType.compressed, 0x82, 0xa4, 0x41, 0x6c, 0x67, 0x6f, 0, 0xa3, 0x42, 0x75, 0x66]
  const length = [0xc6, 0, packed.length >> 16, (packed.length >> 8) & 255, packed.length & 255]
  return joined([Uint8Array.of(...head, ...length), packed, fuzz.randomBytes(fuzz.below(3))])
}

/** More parts than a packet may have. */
const CROWD = encodeCompound(Array(20).fill(encodeCompound(Array(110).fill(Uint8Array.of(MessageType.user)))))

function framed(fuzz: FuzzMessages, depth: number): Uint8Array {
  if (fuzz.below(4000) === 0) return CROWD
  const choice = depth > 0 ? fuzz.below(8) : 7
  switch (choice) {
    case 0:
      return compressedFrame(fuzz, framed(fuzz, depth - 1))
    case 1:
      return Uint8Array.of(
        MessageType.compressed,
        0x82,
        0xa4,
        0x41,
        0x6c,
        0x67,
        0x6f,
        fuzz.below(3),
        0xa3,
        0x42,
        0x75,
        0x66,
        0xa0 | 31,
        ...fuzz.randomBytes(31),
      )
    case 2:
    case 3:
      return encodeCompound(Array.from({ length: 1 + fuzz.below(5) }, () => framed(fuzz, depth - 1)))
    case 4:
      return lyingCompound(fuzz, framed(fuzz, depth - 1))
    default:
      return fuzz.packetMessage()
  }
}

/** Counts and lengths that do not fit what follows. */
function lyingCompound(fuzz: FuzzMessages, part: Uint8Array): Uint8Array {
  const count = fuzz.pick([0, 1, 2, 127, 128, 255])
  const heads = new Uint8Array(2 * Math.min(count, fuzz.below(130)))
  for (let i = 0; i < heads.length; i += 2) {
    const length = fuzz.pick([0, 1, part.length, part.length + 1, 65_535])
    heads[i] = length >> 8
    heads[i + 1] = length & 255
  }
  return joined([Uint8Array.of(MessageType.compound, count), heads, part])
}

/** Damage that knows no structure: bits, bytes, cuts, insertions, repetitions, and the end of something else. */
export function damaged(fuzz: FuzzMessages, bytes: Uint8Array, other: Uint8Array): Uint8Array {
  const at = fuzz.below(bytes.length + 1)
  switch (fuzz.below(8)) {
    case 0:
      return bytes.slice(0, at)
    case 1:
      return joined([bytes.subarray(0, at), fuzz.randomBytes(1 + fuzz.below(4)), bytes.subarray(at)])
    case 2:
      return joined([bytes.subarray(0, at), bytes.subarray(Math.min(bytes.length, at + 1 + fuzz.below(4)))])
    case 3:
      return joined([bytes.subarray(0, at), other.subarray(fuzz.below(other.length + 1))])
    case 4:
      return joined([bytes.subarray(0, at), bytes.subarray(fuzz.below(at + 1))])
    default: {
      const copy = bytes.slice()
      for (let i = fuzz.below(4); i >= 0 && copy.length > 0; i--) {
        const place = fuzz.below(copy.length)
        copy[place] = fuzz.pick([fuzz.below(256), 0, 0xff, 0x80, (copy[place] ?? 0) ^ (1 << fuzz.below(8))])
      }
      return copy
    }
  }
}
