/**
 * Encryption around packets and streams: Go's own bytes in both directions (memberlist-wire.md section 2.4), and what
 * is read, refused and left unparsed with each setting.
 */
import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { assert } from '../../../../src/base/assert.ts'
import type { PacketMessage, StreamMessage } from '../../../../src/gossip/core/messages.ts'
import { encodeCompressed } from '../../../../src/gossip/wire/compressed-frame.ts'
import { encryptStream } from '../../../../src/gossip/wire/encrypted-stream.ts'
import { type Encryption, sealingNow } from '../../../../src/gossip/wire/encryption.ts'
import { Keyring } from '../../../../src/gossip/wire/keyring.ts'
import { DEFAULT_STREAM_LIMITS } from '../../../../src/gossip/wire/limits.ts'
import { encodeMessage } from '../../../../src/gossip/wire/message-codec.ts'
import { openPacket, sealPacket } from '../../../../src/gossip/wire/packet.ts'
import { encodeStream, type StreamProgress, StreamReader } from '../../../../src/gossip/wire/stream.ts'
import { packetMessages, streamMessages } from './arbitraries.ts'
import { fixedNonce, KEY, OTHER_KEY, under } from './fixed-nonce.ts'
import { concat, fromHex, toHex } from './hex.ts'

const PING: PacketMessage & StreamMessage = { kind: 'ping', seqNo: 5, node: 'go1' }
const NONE = new Uint8Array(0)
const LAYERS = { crc: false, label: '', compress: false, crc32 }
const UDP_1 =
  'f4036c626c 01 000102030405060708090a0b 93ee0380097f92f72cbd502f65c60146dc23 4bda569ab31519298d3420a91aa437b2'
const UDP_0 =
  'f4036c626c 00 000102030405060708090a0b 93ee0380097f92f72cbd502f65c60146dc2314e85de3f3f8e82fff231a4aac62 52d178b0a74bafecd01f95213a3044ab'
const TCP_1 =
  'f4036c626c 0a 0000002f 01 000102030405060708090a0b 93ee0380097f92f72cbd502f65c60146dc23 9a6728292776a272443fc9b04d192746'

function compact(hex: string): string {
  return hex.replaceAll(' ', '')
}

function open(bytes: Uint8Array, encryption: Encryption | undefined, label = ''): unknown {
  const { messages, drops } = openPacket(bytes, { label, crc32, encryption })
  return { messages, drops }
}

function read(bytes: Uint8Array, encryption: Encryption | undefined, label = ''): StreamProgress {
  return new StreamReader({ label, encryption }).push(bytes)
}

describe('an encrypted packet', () => {
  it.each([
    [1, UDP_1],
    [0, UDP_0],
  ] as const)('of version %d has the bytes of Go, and Go’s are read', (version, hex) => {
    const encryption = under([KEY], { aead: fixedNonce, version })
    const packet = sealPacket([encodeMessage(PING)], { ...LAYERS, label: 'lbl', encryption })
    expect(toHex(packet)).toBe(compact(hex))
    expect(open(fromHex(hex), under([KEY]), 'lbl')).toEqual({ messages: [PING], drops: [] })
  })

  it('gives all messages back, whatever the other layers', () => {
    const options = fc.record({
      crc: fc.boolean(),
      label: fc.constantFrom('', 'lbl'),
      compress: fc.boolean(),
      version: fc.constantFrom(0 as const, 1 as const),
    })
    fc.assert(
      fc.property(fc.array(packetMessages, { minLength: 1, maxLength: 4 }), options, (messages, layers) => {
        const { version, ...rest } = layers
        const encryption = under([KEY], { version })
        const packet = sealPacket(messages.map(encodeMessage), { ...rest, crc32, encryption })
        expect(open(packet, under([OTHER_KEY, KEY]), layers.label)).toEqual({ messages, drops: [] })
      }),
    )
  })

  it('adds 29 bytes', () => {
    const parts = [encodeMessage({ kind: 'user', payload: new Uint8Array(1300) })]
    const plain = sealPacket(parts, { ...LAYERS, crc: true })
    expect(sealPacket(parts, { ...LAYERS, crc: true, encryption: under([KEY]) })).toHaveLength(
      plain.length + 29,
    )
  })

  it('is all that is read while we hold a key: plaintext of every type is dropped unparsed', () => {
    for (let type = 0; type < 256; type++) {
      const packet = concat([type], encodeMessage(PING).subarray(1))
      const dropped = type === 244 ? expect.stringMatching(/^label-/) : 'undecryptable'
      expect(open(packet, under([KEY]))).toEqual({ messages: [], drops: [dropped] })
    }
    expect(open(sealPacket([encodeMessage(PING)], { ...LAYERS, crc: true }), under([KEY]))).toEqual({
      messages: [],
      drops: ['undecryptable'],
    })
    expect(open(new Uint8Array(0), under([KEY]))).toEqual({ messages: [], drops: ['undecryptable'] })
  })

  it('is dropped under another key or another label', () => {
    const packet = sealPacket([encodeMessage(PING)], { ...LAYERS, encryption: under([KEY]) })
    expect(open(packet, under([OTHER_KEY]))).toEqual({ messages: [], drops: ['undecryptable'] })
    const relabelled = concat(fromHex('f4036c626c'), packet)
    expect(open(relabelled, under([KEY]), 'lbl')).toEqual({ messages: [], drops: ['undecryptable'] })
    expect(open(fromHex(UDP_1), under([KEY]), 'lbm')).toEqual({ messages: [], drops: ['label-mismatch'] })
  })

  it('with a version changed on the way is caught by the checksum, were its end to pass for padding', () => {
    const payload = new Uint8Array(42).fill(1)
    const encryption = under([KEY])
    const packet = sealPacket([encodeMessage({ kind: 'user', payload })], {
      ...LAYERS,
      crc: true,
      encryption,
    })
    packet[0] = 0
    expect(packet).toHaveLength(29 + 48)
    expect(open(packet, encryption)).toEqual({ messages: [], drops: ['crc-mismatch'] })
  })

  it('may be plaintext while incoming traffic is not verified, and is still decrypted', () => {
    const lax = under([KEY], { verifyIncoming: false })
    const opened = { messages: [PING], drops: [] }
    for (const crc of [true, false]) {
      const plain = sealPacket([encodeMessage(PING)], { ...LAYERS, crc })
      const packet = sealPacket([encodeMessage(PING)], { ...LAYERS, crc, encryption: under([KEY]) })
      expect([open(plain, lax), open(packet, lax)]).toEqual([opened, opened])
    }
    expect(open(fromHex('ff'), lax)).toEqual({ messages: [], drops: ['unknown-type'] })
  })

  it('is not sent while outgoing traffic is not to be encrypted, or no key is there', () => {
    const plain = encodeMessage(PING)
    for (const encryption of [under([KEY], { verifyOutgoing: false }), under([])])
      expect(sealPacket([plain], { ...LAYERS, encryption })).toEqual(plain)
    expect(open(plain, under([]))).toEqual({ messages: [PING], drops: [] })
  })

  it('follows the ring as it changes', () => {
    const keyring = new Keyring([KEY])
    const [ours, theirs] = [under([], { keyring }), under([KEY, OTHER_KEY])]
    const packet = (): Uint8Array => sealPacket([encodeMessage(PING)], { ...LAYERS, encryption: ours })
    const old = packet()
    expect(open(old, theirs)).toEqual({ messages: [PING], drops: [] })
    keyring.replace([OTHER_KEY])
    expect(open(packet(), under([OTHER_KEY]))).toEqual({ messages: [PING], drops: [] })
    expect(open(old, ours)).toEqual({ messages: [], drops: ['undecryptable'] })
    keyring.replace([])
    expect(packet()).toEqual(encodeMessage(PING))
  })
})

describe('an encrypted stream', () => {
  it('has the bytes of Go, and Go’s are read', () => {
    const encryption = under([KEY], { aead: fixedNonce })
    expect(toHex(encodeStream(PING, { label: 'lbl', encryption }))).toBe(compact(TCP_1))
    expect(read(fromHex(TCP_1), under([KEY]), 'lbl')).toEqual(PING)
  })

  it('answers without the label’s header, under the label all the same', () => {
    const encryption = under([KEY], { aead: fixedNonce })
    const answer = encodeStream(PING, { label: 'lbl', dialled: false, encryption })
    expect(toHex(answer)).toBe(compact(TCP_1).slice(10))
    expect(new StreamReader({ label: 'lbl', dialled: true, encryption }).push(answer)).toEqual(PING)
    expect(read(answer, encryption)).toEqual({ drop: 'undecryptable' })
  })

  it('gives every message back, cut anywhere', () => {
    const layers = fc.record({
      compress: fc.boolean(),
      label: fc.constantFrom('', 'lbl'),
      version: fc.constantFrom(0 as const, 1 as const),
    })
    fc.assert(
      fc.property(streamMessages, layers, fc.integer({ min: 1, max: 40 }), (message, options, size) => {
        const { version, ...rest } = options
        const bytes = encodeStream(message, { ...rest, encryption: under([KEY], { version }) })
        const reader = new StreamReader({ label: options.label, encryption: under([OTHER_KEY, KEY]) })
        for (let at = 0; at + size < bytes.length; at += size)
          expect(reader.push(bytes.subarray(at, at + size))).toBe('need-more')
        expect(reader.push(bytes.subarray(bytes.length - (bytes.length % size || size)))).toEqual(message)
      }),
    )
  })

  it('is refused when any byte of it is changed, its head too', () => {
    const bytes = encodeStream(PING, { encryption: under([KEY]) })
    for (let i = 1; i < bytes.length; i++) {
      const changed = bytes.slice()
      changed[i] = (changed[i] ?? 0) ^ 1
      const result = read(changed, under([KEY]))
      // One that announces more than there is waits for it.
      const version = { drop: 'padding-malformed' }
      const refused = i === 5 ? version : { drop: 'undecryptable' }
      expect(i < 5 ? ['need-more', refused] : [refused]).toContainEqual(result)
    }
    const shorter = bytes.slice()
    shorter[4] = (shorter[4] ?? 0) - 1
    expect(read(shorter, under([KEY]))).toEqual({ drop: 'undecryptable' })
  })

  it('is all that is read while we hold a key, and the peer is told', () => {
    for (let type = 0; type < 256; type++) {
      if (type === 10 || type === 244) continue
      const reader = new StreamReader({ label: '', encryption: under([KEY]) })
      expect(reader.push(Uint8Array.of(type))).toEqual({ drop: 'plaintext-refused' })
      expect(reader.frameUnreadable).toBe(true)
    }
  })

  it('may be plaintext while incoming traffic is not verified, and is still decrypted', () => {
    const lax = under([KEY], { verifyIncoming: false })
    expect(read(encodeStream(PING), lax)).toEqual(PING)
    expect(read(encodeStream(PING, { encryption: under([KEY]) }), lax)).toEqual(PING)
    expect(read(encodeStream(PING, { encryption: under([OTHER_KEY]) }), lax)).toEqual({
      drop: 'undecryptable',
    })
  })

  it('without a key of ours is refused at its first byte, and the peer is told', () => {
    for (const encryption of [undefined, under([])]) {
      const reader = new StreamReader({ label: '', encryption })
      expect(reader.push(Uint8Array.of(10))).toEqual({ drop: 'encrypted-without-key' })
      expect(reader.frameUnreadable).toBe(true)
    }
  })

  it('under no key of ours is refused, and the peer is told', () => {
    const reader = new StreamReader({ label: '', encryption: under([OTHER_KEY]) })
    expect(reader.push(encodeStream(PING, { encryption: under([KEY]) }))).toEqual({ drop: 'undecryptable' })
    expect(reader.frameUnreadable).toBe(true)
  })

  it('announces at most 20 MiB, and what it announces takes no memory', () => {
    const announced = (bytes: number): Uint8Array => {
      const head = new Uint8Array(5)
      head[0] = 10
      new DataView(head.buffer).setUint32(1, bytes)
      return head
    }
    const reader = new StreamReader({ label: '', encryption: under([KEY]) })
    expect(reader.push(announced(20_971_520))).toBe('need-more')
    expect(reader.heldBytes).toBeLessThan(1024)
    for (const bytes of [20_971_521, 0xffff_ffff])
      expect(read(announced(bytes), under([KEY]))).toEqual({ drop: 'too-large' })
    expect(DEFAULT_STREAM_LIMITS.encryptedBytesMax).toBe(20_971_520)
    expect(read(concat(announced(0)), under([KEY]))).toEqual({ drop: 'undecryptable' })
  })

  it('holds one encrypted and one compressed frame, in this order, and one whole message', () => {
    const encryption = under([KEY])
    const sealing = sealingNow(encryption, NONE)
    assert(sealing !== undefined, 'a ring with a key seals')
    const inside = (content: Uint8Array): StreamProgress =>
      read(encryptStream(NONE, content, sealing), encryption)
    expect(inside(encodeStream(PING))).toEqual(PING)
    expect(inside(encodeStream(PING, { compress: true }))).toEqual(PING)
    expect(inside(encodeStream(PING, { encryption }))).toEqual({ drop: 'unknown-type' })
    expect(inside(encodeStream(PING).subarray(0, 9))).toEqual({ drop: 'truncated' })
    expect(inside(encodeStream(PING, { label: 'lbl' }))).toEqual({ drop: 'unknown-type' })
    expect(inside(encodeCompressed(encodeStream(PING, { encryption })))).toEqual({ drop: 'unknown-type' })
  })
})
