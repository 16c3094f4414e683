import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { PacketMessage } from '../../../../src/gossip/core/messages.ts'
import { encodeCompound } from '../../../../src/gossip/wire/compound.ts'
import { encodeCompressed } from '../../../../src/gossip/wire/compressed-frame.ts'
import { encodeMessage } from '../../../../src/gossip/wire/message-codec.ts'
import { type OpenedPacket, openPacket, sealPacket } from '../../../../src/gossip/wire/packet.ts'
import { packetMessages } from './arbitraries.ts'
import { ascii, concat, fromHex, toHex } from './hex.ts'

const PLAIN = { crc: false, label: '', compress: false, crc32 }
const PING: PacketMessage = { kind: 'ping', seqNo: 5, node: 'go1' }
const PING_HEX = '0082a44e6f6465a3676f31a55365714e6f05'
const USER: PacketMessage = { kind: 'user', payload: ascii('hi') }

function open(bytes: Uint8Array, label = ''): Omit<OpenedPacket, 'decrypted'> {
  const { messages, drops } = openPacket(bytes, { label, crc32 })
  return { messages, drops }
}

describe('sealing and opening', () => {
  it('sends one message bare', () => {
    expect(toHex(sealPacket([encodeMessage(PING)], PLAIN))).toBe(PING_HEX)
  })

  it('makes the compound and the checksum that Go makes', () => {
    const compound = sealPacket([encodeMessage(PING), encodeMessage(USER)], PLAIN)
    expect(toHex(compound)).toBe(`070200120003${PING_HEX}086869`)
    expect(open(compound)).toEqual({ messages: [PING, USER], drops: [] })
    const checked = sealPacket([encodeMessage(PING)], { ...PLAIN, crc: true })
    expect(toHex(checked)).toBe(`0c71e8f9c4${PING_HEX}`)
    expect(open(checked)).toEqual({ messages: [PING], drops: [] })
  })

  it('compresses only when the whole frame gets shorter', () => {
    const short = encodeMessage(PING)
    expect(sealPacket([short], { ...PLAIN, compress: true })).toEqual(short)
    const long = encodeMessage({ kind: 'user', payload: new Uint8Array(1000) })
    const packed = sealPacket([long], { ...PLAIN, compress: true })
    expect(packed[0]).toBe(9)
    expect(packed.length).toBeLessThan(100)
    expect(open(packed).messages).toEqual([{ kind: 'user', payload: new Uint8Array(1000) }])
  })

  it('opens a compressed ack as Go sends it', () => {
    const packet = fromHex('0982a4416c676f00a3427566b70005083a05254c1e366fc29001566a4a99384edea80808')
    expect(open(packet)).toEqual({
      messages: [{ kind: 'ack', seqNo: 42, payload: new Uint8Array(0) }],
      drops: [],
    })
  })

  it('gives all messages back, whatever the layers', () => {
    const options = fc.record({
      crc: fc.boolean(),
      label: fc.constantFrom('', 'lbl'),
      compress: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(packetMessages, { minLength: 1, maxLength: 4 }), options, (messages, layers) => {
        const packet = sealPacket(messages.map(encodeMessage), { ...layers, crc32 })
        expect(open(packet, layers.label)).toEqual({ messages, drops: [] })
      }),
    )
  })

  it('takes 127 parts and no empty or oversized one', () => {
    const part = Uint8Array.of(8, 1)
    expect(open(sealPacket(Array(127).fill(part), PLAIN)).messages).toHaveLength(127)
    expect(() => sealPacket(Array(128).fill(part), PLAIN)).toThrow('127')
    expect(() => sealPacket([], PLAIN)).toThrow('127')
    expect(() => sealPacket([part, new Uint8Array(0)], PLAIN)).toThrow('65,535')
    expect(() => sealPacket([part, new Uint8Array(65_536)], PLAIN)).toThrow('65,535')
    expect(() => sealPacket([new Uint8Array(0)], PLAIN)).toThrow('type byte')
  })

  it('reads a pooled Node Buffer without sharing its memory', () => {
    const pooled = Buffer.from(encodeMessage({ kind: 'ack', seqNo: 1, payload: ascii('abc') }))
    const { messages } = open(pooled)
    pooled.fill(0)
    expect(messages).toEqual([{ kind: 'ack', seqNo: 1, payload: ascii('abc') }])
  })
})

describe('labels on packets', () => {
  const user = encodeMessage(USER)

  it('leaves packets without a label alone, whatever their first byte', () => {
    expect(sealPacket([user], PLAIN)).toEqual(user)
    expect(open(user).messages).toEqual([USER])
  })

  it('puts the header in front and takes it off', () => {
    const packet = sealPacket([user], { ...PLAIN, label: 'a' })
    expect(toHex(packet)).toBe(`f40161${toHex(user)}`)
    expect(open(packet, 'a')).toEqual({ messages: [USER], drops: [] })
    const long = 'x'.repeat(255)
    expect(open(sealPacket([user], { ...PLAIN, label: long }), long).messages).toEqual([USER])
    expect(() => sealPacket([user], { ...PLAIN, label: `${long}x` })).toThrow('255')
  })

  it('drops headers that are cut short or empty', () => {
    expect(open(fromHex('f4')).drops).toEqual(['label-truncated'])
    expect(open(fromHex('f40361')).drops).toEqual(['label-truncated'])
    expect(open(fromHex('f400086869')).drops).toEqual(['label-empty'])
  })

  it('drops another label, an unwanted one and a missing one', () => {
    const labelled = sealPacket([user], { ...PLAIN, label: 'abc' })
    for (const own of ['', 'abd', 'ab', 'abcd'])
      expect(open(labelled, own).drops, own).toEqual(['label-mismatch'])
    expect(open(user, 'abc').drops).toEqual(['label-mismatch'])
  })
})

describe('compound', () => {
  it('has the length that memberlist expects', () => {
    const parts = [Uint8Array.of(8, 1), Uint8Array.of(8, 2, 3), Uint8Array.of(8)]
    expect(encodeCompound(parts)).toHaveLength(6 + 2 * 3 + 2)
    expect(open(encodeCompound(parts)).messages.map((m) => m.kind)).toEqual(['user', 'user', 'user'])
  })

  it('drops the packet when the lengths are not there', () => {
    expect(open(fromHex('0780')).drops).toEqual(['truncated'])
    expect(open(fromHex('07')).drops).toEqual(['truncated'])
  })

  it('keeps the parts before a cut and counts the others', () => {
    const whole = encodeCompound([ascii('\b1'), ascii('\b2'), ascii('\b3')])
    expect(open(whole.subarray(0, -1))).toEqual({
      messages: [
        { kind: 'user', payload: ascii('1') },
        { kind: 'user', payload: ascii('2') },
      ],
      drops: ['truncated'],
    })
  })

  it('passes over a part of no bytes, and counts one without parts', () => {
    expect(open(fromHex('0700')).drops).toEqual(['empty'])
    expect(open(fromHex('07 02 0000 0003 086869'))).toEqual({ messages: [USER], drops: ['empty-part'] })
  })

  it('keeps good parts beside bad ones', () => {
    const packet = encodeCompound([
      Uint8Array.of(75),
      encodeMessage(USER),
      Uint8Array.of(0),
      encodeMessage(PING),
    ])
    expect(open(packet)).toEqual({ messages: [USER, PING], drops: ['unknown-type', 'truncated'] })
  })
})

describe('checksums', () => {
  it('drops a corrupted packet', () => {
    const packet = sealPacket([encodeMessage(PING)], { ...PLAIN, crc: true })
    for (let i = 1; i < packet.length; i++) {
      const bad = packet.slice()
      bad[i] = (bad[i] ?? 0) ^ 1
      expect(open(bad)).toEqual({ messages: [], drops: ['crc-mismatch'] })
    }
  })

  it('are outermost only and hold something', () => {
    const checked = sealPacket([encodeMessage(PING)], { ...PLAIN, crc: true })
    expect(open(encodeCompound([checked])).drops).toEqual(['unknown-type'])
    expect(open(fromHex('0c00000000')).drops).toEqual(['empty'])
    expect(open(fromHex('0c000000')).drops).toEqual(['unknown-type'])
  })
})

describe('bounds', () => {
  it('opens three frames deep and no further', () => {
    let packet = encodeMessage(USER)
    for (let depth = 1; depth <= 3; depth++) {
      packet = encodeCompound([packet])
      expect(open(packet).messages, String(depth)).toEqual([USER])
    }
    expect(open(encodeCompound([packet])).drops).toEqual(['too-deep'])
    expect(open(encodeCompressed(packet)).drops).toEqual(['too-deep'])
  })

  it('inflates at most 64 KiB in one packet, over all its frames', () => {
    const frame = (length: number): Uint8Array => encodeCompressed(concat([8], new Uint8Array(length - 1)))
    expect(open(frame(64 * 1024)).messages).toHaveLength(1)
    expect(open(frame(64 * 1024 + 1)).drops).toEqual(['too-large'])
    const halves = open(encodeCompound(Array(3).fill(frame(32 * 1024))))
    expect(halves.messages).toHaveLength(2)
    expect(halves.drops).toEqual(['too-large'])
  })

  it('reads at most 2,048 parts in one packet, over all its compounds', () => {
    const bomb = encodeCompound(Array(20).fill(encodeCompound(Array(120).fill(Uint8Array.of(8)))))
    const { messages, drops } = open(bomb)
    // 20 outer parts at most are parts as well.
    expect(messages.length).toBeGreaterThan(2000)
    expect(messages.length).toBeLessThan(2048)
    expect(drops).toEqual(['too-many-parts'])
  })

  it('takes four pings out of one packet, in whatever frames they are', () => {
    const target = { addr: Uint8Array.of(127, 0, 0, 1), port: 1 }
    const indirect = encodeMessage({ kind: 'indirect-ping', seqNo: 1, target, node: 'x', nack: true })
    const three = encodeCompound([encodeMessage(PING), indirect, encodeMessage(PING)])
    expect(open(three).drops).toEqual([])
    const many = encodeCompressed(encodeCompound([...Array(16).fill(three), encodeMessage(USER)]))
    const { messages, drops } = open(many)
    expect(messages.map(({ kind }) => kind)).toEqual(['ping', 'indirect-ping', 'ping', 'ping', 'user'])
    expect(drops).toEqual(['too-many-pings'])
  })

  it('knows one compression algorithm and no empty result', () => {
    expect(open(fromHex('0982a4416c676f01a3427566a3000302')).drops).toEqual(['unknown-compression'])
    expect(open(fromHex('0982a4416c676f00a3427566a3000302')).drops).toEqual(['empty'])
    expect(open(fromHex('0982a4416c676f00a3427566a2ffff')).drops).toEqual(['lzw-malformed'])
  })

  it('sizes nothing from a header', () => {
    const user = concat([0x81, 0xa1], ascii('x'))
    for (const header of ['ddffffffff', 'dfffffffff', 'c6ffffffff', 'dbffffffff', 'c9ffffffff'])
      expect(open(concat([0], user, fromHex(header))).drops, header).toEqual(['truncated'])
    expect(open(concat([0, 0xdf], fromHex('ffffffff'))).drops).toEqual(['truncated'])
  })

  it('walks a million nested arrays without a stack', () => {
    const deep = concat(
      [0, 0x82, 0xa1],
      ascii('x'),
      new Uint8Array(1_000_000).fill(0x91),
      [0xc0, 0xa5],
      ascii('SeqNo'),
      [7],
    )
    expect(open(deep).messages).toEqual([{ kind: 'ping', seqNo: 7, node: '' }])
  })
})
