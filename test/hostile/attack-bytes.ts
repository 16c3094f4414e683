/** The bytes of the attacks: each is something that a stranger can make, cheaply, and that we must pay little for. */
import { crc32 } from 'node:zlib'
import { encode } from '@msgpack/msgpack'
import { utf8Encode } from '../../src/base/bytes.ts'
import type { Random } from '../../src/base/random.ts'
import { encodeCompressed } from '../../src/gossip/wire/compressed-frame.ts'
import { encodeMessage } from '../../src/gossip/wire/message-codec.ts'
import { MessageType } from '../../src/gossip/wire/message-type.ts'
import { sealPacket } from '../../src/gossip/wire/packet.ts'
import { encodeStream } from '../../src/gossip/wire/stream.ts'

const VSN = Uint8Array.of(1, 5, 2, 0, 0, 0)
const MEBIBYTE = 1024 * 1024
const LOCALHOST = Uint8Array.of(127, 0, 0, 1)

export function randomBytes(random: Random, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => random.below(256))
}

/** Random behind a known type byte half of the time, so that it gets past the first look. */
export function garbage(random: Random, lengthMax: number): Uint8Array {
  const bytes = randomBytes(random, 1 + random.below(lengthMax))
  const types = Object.values(MessageType)
  if (random.below(2) === 0) bytes[0] = types[random.below(types.length)] ?? 0
  return bytes
}

export function ping(seqNo: number): Uint8Array {
  return encodeMessage({ kind: 'ping', seqNo, node: '' })
}

/** @param metaBytes up to what a receiver takes */
export function forgedAlive(number: number, metaBytes: number): Uint8Array {
  return encodeMessage({
    kind: 'alive',
    incarnation: 1,
    node: `forged-${number}-${'x'.repeat(40)}`,
    // Nobody's port: whoever probes it is answered by the kernel at once.
    endpoint: { addr: LOCALHOST, port: 1 + (number % 1000) },
    meta: new Uint8Array(metaBytes).fill(97),
    vsn: VSN,
  })
}

export function accusation(kind: 'suspect' | 'dead', number: number): Uint8Array {
  return encodeMessage({
    kind,
    incarnation: 1 + (number % 7),
    node: `unknown-${number}`,
    from: `from-${number}`,
  })
}

/** One packet of `parts` messages. */
export function compound(parts: readonly Uint8Array[]): Uint8Array {
  return sealPacket(parts, { crc: true, label: '', compress: false, crc32 })
}

/** LZW of zeros: a thousand times as much comes out. */
export function datagramBomb(): Uint8Array {
  return encodeCompressed(new Uint8Array(8 * MEBIBYTE))
}

function map(type: number, fields: Readonly<Record<string, unknown>>): Uint8Array {
  return Uint8Array.of(type, ...encode(fields))
}

export function pushPullHead(nodes: number, userStateBytes: number): Uint8Array {
  return map(MessageType.pushPull, { Nodes: nodes, UserStateLen: userStateBytes, Join: true })
}

export function userHead(bytes: number): Uint8Array {
  return map(MessageType.user, { UserMsgLen: bytes })
}

/** Streams that say little and expand to much: garbage, a user message, a state, a list of members. */
export function streamBombs(): readonly Uint8Array[] {
  const zeros = new Uint8Array(19 * MEBIBYTE)
  return [
    encodeCompressed(new Uint8Array(60 * MEBIBYTE)),
    encodeStream({ kind: 'user', payload: zeros }, { compress: true }),
    encodeStream({ kind: 'push-pull', join: true, nodes: [], userState: zeros }, { compress: true }),
    encodeCompressed(concat([pushPullHead(1_000_000, 0), memberList(100_000)])),
  ]
}

/** Minimal member records, as a push-pull lists them. */
export function memberList(records: number): Uint8Array {
  const record = encode({
    Addr: LOCALHOST,
    Incarnation: 1,
    Meta: new Uint8Array(0),
    Name: 'n00000000',
    Port: 9,
    State: 3,
    Vsn: VSN,
  })
  const bytes = new Uint8Array(record.length * records)
  const at = findName(record)
  for (let i = 0; i < records; i++) {
    bytes.set(record, i * record.length)
    bytes.set(utf8Encode(String(i).padStart(8, '0')), i * record.length + at)
  }
  return bytes
}

function findName(record: Uint8Array): number {
  return Buffer.from(record).indexOf('n00000000') + 1
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts))
}

/** Private frames of every kind, and what else rides in user messages, with garbage inside. */
export function userGarbage(random: Random): Uint8Array {
  const length = random.below(1200)
  const body = randomBytes(random, length)
  switch (random.below(4)) {
    case 0:
      return body
    case 1:
      // An Alertmanager's part: a key and data, in protobuf.
      return concat([
        Uint8Array.of(0x0a, 3),
        utf8Encode(random.below(2) === 0 ? 'sil' : 'nfl'),
        partData(body),
      ])
    default:
      return concat([
        Uint8Array.of(0xf1, 1 + (random.below(8) === 0 ? 1 : 0), KINDS[random.below(KINDS.length)] ?? 0),
        body,
      ])
  }
}

/** Third byte of the private frames: batch, delta, sync, acknowledgements, claims and a few that nobody has. */
const KINDS: readonly number[] = [...utf8Encode('BDSACQWRLPEN'), 0, 255]

function partData(body: Uint8Array): Uint8Array {
  return Uint8Array.of(0x12, 0x80 | (body.length & 127), body.length >> 7, ...body)
}

/** A state or message in Alertmanager's format, of parts that nobody knows: sound, and without effect. */
export function unknownParts(length: number): Uint8Array {
  const data = Math.min(100_000, length)
  const part = Buffer.concat([Uint8Array.of(0x0a, 1, 0x7a), bytesField(2, new Uint8Array(data))])
  const wrapped = bytesField(1, part)
  return concat(Array.from({ length: Math.max(1, Math.floor(length / wrapped.length)) }, () => wrapped))
}

function bytesField(field: number, content: Uint8Array): Uint8Array {
  const length: number[] = []
  for (let rest = content.length; ; rest >>>= 7) {
    if (rest < 128) {
      length.push(rest)
      break
    }
    length.push((rest & 127) | 128)
  }
  return concat([Uint8Array.of((field << 3) | 2, ...length), content])
}
