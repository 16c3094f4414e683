/** The raw client itself, held against bytes that Go produced (memberlist-wire.md sections 1 and 2): it shall not agree with us by mistake. */
import { describe, expect, it } from 'vitest'
import { decryptBlock, encryptBlock } from './encrypted-block.ts'
import { lzwDecode, lzwLiterals, lzwZeros } from './lzw.ts'
import { decode, encode } from './msgpack.ts'
import { compound, encryptedPacket, message, openPacket, TYPE, userMessage, withCrc } from './packets.ts'
import { encryptedStream, openStream, pushPull } from './streams.ts'

const fromHex = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex')
const KEY = fromHex('000102030405060708090a0b0c0d0e0f')
const NONCE = fromHex('000102030405060708090a0b')
const PING = '0082a44e6f6465a3676f31a55365714e6f05'
const LABEL = Buffer.from('lbl')

describe('the raw client', () => {
  it('writes the messages and frames that Go writes', () => {
    const ping = message(TYPE.ping, { Node: 'go1', SeqNo: 5 })
    expect(ping.toString('hex')).toBe(PING)
    expect(compound([ping, userMessage('hi')]).toString('hex')).toBe(`070200120003${PING}086869`)
    expect(withCrc(ping).toString('hex')).toBe(`0c71e8f9c4${PING}`)
    const node = {
      Addr: Buffer.of(127, 0, 0, 1),
      Incarnation: 1,
      Meta: Buffer.from('m'),
      Name: 'go1',
      Port: 27_946,
      State: 0,
      Vsn: Buffer.of(1, 5, 2, 0, 0, 0),
    }
    expect(pushPull([node], true, 'hello').toString('hex')).toBe(
      '0683a44a6f696ec3a54e6f64657301ac5573657253746174654c656e0587a441646472a47f000001ab496e6361726e6174696f6e01a44d657461a16da44e616d65a3676f31a4506f7274cd6d2aa5537461746500a356736ea601050200000068656c6c6f',
    )
  })

  it('reads what Go writes', () => {
    const ack = openPacket(
      fromHex('0982a4416c676f00a3427566b70005083a05254c1e366fc29001566a4a99384edea80808'),
    )
    expect([ack.compressed, ack.parts[0]?.type, ack.parts[0]?.body]).toEqual([
      true,
      TYPE.ack,
      { Payload: null, SeqNo: 42 },
    ])
    const signed = fromHex('83a44a6f696ec2a54e6f646573d100c8ac5573657253746174654c656ed200009c40')
    expect(decode(signed).value).toEqual({ Join: false, Nodes: 200, UserStateLen: 40_000 })
    expect(() => decode(fromHex('d90161'))).toThrow('never sends')
    expect(() => decode(signed.subarray(0, -1))).toThrow(RangeError)
    expect(encode([1, null, 300, 70_000]).toString('hex')).toBe('9401c0cd012cce00011170')
  })

  it.each([
    ['', '000302'],
    ['A', '00830404'],
    ['testing', '00e9949943278d9b330101'],
    ['aaaaaaaa', '00c3081c283020'],
  ])('decodes the LZW of %j', (plain, hex) => {
    expect(lzwDecode(fromHex(hex)).toString()).toBe(plain)
  })

  it('encodes LZW that it decodes again, across clears and widths', () => {
    expect(lzwLiterals(Buffer.from('A')).toString('hex')).toBe('00830404')
    const plain = Buffer.from(Array.from({ length: 1000 }, (_, index) => (index * 7) & 255))
    expect(lzwDecode(lzwLiterals(plain))).toEqual(plain)
    for (const zeros of [0, 1, 2, 255, 256, 257, 32_895, 32_896, 32_897, 100_000]) {
      const expected = Buffer.concat([Buffer.from('ab'), Buffer.alloc(zeros)])
      expect(lzwDecode(lzwZeros(Buffer.from('ab'), zeros)).equals(expected), String(zeros)).toBe(true)
    }
  })

  it.each([
    [1, '01 000102030405060708090a0b 93ee0380097f92f72cbd502f65c60146dc23 4bda569ab31519298d3420a91aa437b2'],
    [
      0,
      '00 000102030405060708090a0b 93ee0380097f92f72cbd502f65c60146dc2314e85de3f3f8e82fff231a4aac62 52d178b0a74bafecd01f95213a3044ab',
    ],
  ] as const)('encrypts a packet in version %i as Go does', (version, hex) => {
    expect(encryptBlock(version, KEY, fromHex(PING), LABEL, NONCE)).toEqual(fromHex(hex))
    expect(decryptBlock([Buffer.alloc(16), KEY], fromHex(hex), LABEL)).toEqual({
      version,
      plain: fromHex(PING),
    })
    expect(decryptBlock([KEY], fromHex(hex), Buffer.alloc(0))).toBeUndefined()
    expect(openPacket(encryptedPacket(fromHex(PING), KEY, { version, label: 'lbl' }), [KEY])).toMatchObject({
      label: 'lbl',
      encryption: version,
      plain: fromHex(PING),
    })
  })

  it('encrypts a stream as Go does', () => {
    const golden =
      '0a 0000002f 01 000102030405060708090a0b 93ee0380097f92f72cbd502f65c60146dc23 9a6728292776a272443fc9b04d192746'
    expect(openStream(fromHex(golden), [KEY], 'lbl')).toMatchObject({
      type: TYPE.ping,
      encryption: 1,
      plain: fromHex(PING),
    })
    const own = encryptedStream(fromHex(PING), KEY, { label: 'lbl' })
    expect(own.subarray(0, 10)).toEqual(fromHex('f4036c626c 0a 0000002f'))
    expect(openStream(own.subarray(5), [KEY], 'lbl').plain).toEqual(fromHex(PING))
  })
})
