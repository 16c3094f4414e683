import { decode } from '@msgpack/msgpack'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { PacketMessage } from '../../../../src/gossip/core/messages.ts'
import { decodeMessage, encodeMessage } from '../../../../src/gossip/wire/message-codec.ts'
import { packetMessages } from './arbitraries.ts'
import { ascii, concat, fromHex, toHex } from './hex.ts'

const NONE = new Uint8Array(0)
const VSN = Uint8Array.of(1, 5, 2, 0, 0, 0)

function read(bytes: Uint8Array): PacketMessage | string {
  return decodeMessage(bytes, 0, bytes.length)
}

/** Produced by Go (memberlist-wire.md section 1). */
const GOLDEN: readonly (readonly [PacketMessage, string])[] = [
  [
    {
      kind: 'ping',
      seqNo: 42,
      node: 'node',
      source: { addr: Uint8Array.of(127, 0, 0, 1), port: 7946 },
      sourceNode: 'src',
    },
    '00 85 a44e6f6465 a46e6f6465 a55365714e6f 2a aa536f7572636541646472 a47f000001 aa536f757263654e6f6465 a3737263 aa536f75726365506f7274 cd1f0a',
  ],
  [{ kind: 'ping', seqNo: 5, node: 'go1' }, '00 82 a44e6f6465a3676f31a55365714e6f05'],
  [{ kind: 'ack', seqNo: 1, payload: NONE }, '02 82 a75061796c6f6164 c0 a55365714e6f 01'],
  [
    {
      kind: 'alive',
      incarnation: 1,
      node: 'n',
      endpoint: { addr: Uint8Array.of(1, 2, 3, 4), port: 7946 },
      meta: NONE,
      vsn: VSN,
    },
    '04 86 a441646472 a401020304 ab496e6361726e6174696f6e 01 a44d657461 c0 a44e6f6465 a16e a4506f7274 cd1f0a a356736e a6010502000000',
  ],
]

describe('message codec', () => {
  it.each(GOLDEN)('writes and reads what Go writes: %o', (message, hex) => {
    expect(toHex(encodeMessage(message))).toBe(toHex(fromHex(hex)))
    expect(read(fromHex(hex))).toEqual(message)
  })

  it('reads an ack whose payload is empty rather than nil', () => {
    expect(read(fromHex('02 82 a75061796c6f6164 a0 a55365714e6f 01'))).toEqual({
      kind: 'ack',
      seqNo: 1,
      payload: NONE,
    })
  })

  it('writes da for 32 to 65,535 bytes and db beyond, never str8 or bin', () => {
    const head = (length: number): string =>
      toHex(encodeMessage({ kind: 'ack', seqNo: 0, payload: new Uint8Array(length) })).slice(20, 30)
    expect(head(31).slice(0, 2)).toBe('bf')
    expect(head(32).slice(0, 6)).toBe('da0020')
    expect(head(65_535).slice(0, 6)).toBe('daffff')
    expect(head(65_536)).toBe('db00010000')
  })

  it('writes the shortest unsigned form of every integer', () => {
    const body = (seqNo: number): string => toHex(encodeMessage({ kind: 'nack', seqNo })).slice(16)
    expect([0, 127, 128, 255, 256, 65_535, 65_536, 0xffff_ffff].map(body)).toEqual([
      '00',
      '7f',
      'cc80',
      'ccff',
      'cd0100',
      'cdffff',
      'ce00010000',
      'ceffffffff',
    ])
  })

  it('gives every message back after a round trip', () => {
    fc.assert(
      fc.property(packetMessages, (message) => {
        expect(read(encodeMessage(message))).toEqual(message)
      }),
    )
  })

  it('takes no message that ends early, wherever it ends', () => {
    fc.assert(
      fc.property(packetMessages, (message) => {
        if (message.kind === 'user') return
        const bytes = encodeMessage(message)
        for (let length = 1; length < bytes.length; length++)
          expect(read(bytes.subarray(0, length)), String(length)).toBe('truncated')
      }),
      { numRuns: 30 },
    )
  })

  it('writes maps with ASCII-sorted keys that an independent decoder reads', () => {
    fc.assert(
      fc.property(packetMessages, (message) => {
        if (message.kind === 'user') return
        const map = decode(encodeMessage(message).subarray(1), { rawStrings: true, mapKeyConverter: String })
        expect(map).toBeTypeOf('object')
        const body = map as Record<string, unknown>
        const keys = Object.keys(body).map((key) => String.fromCharCode(...key.split(',').map(Number)))
        expect(keys).toEqual([...keys].sort((a, b) => (a < b ? -1 : 1)))
        const numbers = Object.values(body).filter((value) => typeof value === 'number')
        if ('seqNo' in message) expect(numbers).toContain(message.seqNo)
        if ('incarnation' in message) expect(numbers).toContain(message.incarnation)
        if (message.kind === 'alive')
          expect(Object.values(body)).toEqual(
            expect.arrayContaining([message.endpoint.addr, ascii(message.node), message.vsn]),
          )
      }),
    )
  })

  it('refuses to write versions that would crash old peers', () => {
    const alive = GOLDEN[3]?.[0]
    expect(() => encodeMessage({ ...alive, vsn: Uint8Array.of(1, 5) } as PacketMessage)).toThrow('six bytes')
  })
})

describe('leniency as in Go', () => {
  const seqKey = concat([0xa5], ascii('SeqNo'))
  const nodeKey = concat([0xa4], ascii('Node'))
  const ping = (...body: (Uint8Array | number[])[]): PacketMessage | string => read(concat([0], ...body))

  it('reads a bare nil as all zero', () => {
    expect(ping([0xc0])).toEqual({ kind: 'ping', seqNo: 0, node: '' })
  })

  it('skips unknown keys with values of any type', () => {
    const x = concat([0xa1], ascii('x'))
    const values = [
      'c0',
      'c3',
      '05',
      'ff',
      'ca00000000',
      'cb0000000000000000',
      'd40100',
      `d8${'00'.repeat(17)}`,
    ]
    values.push('c7020100 00', 'c403010203', '81a16105', '92c0c2', 'd903616263', 'dd00000001 de0001 0102')
    for (const value of values)
      expect(ping([0x82], x, fromHex(value), seqKey, [7]), value).toEqual({
        kind: 'ping',
        seqNo: 7,
        node: '',
      })
  })

  it('ignores keys that are longer or shorter than ours', () => {
    for (const key of ['', 'S', 'SeqN', 'SeqNoX'])
      expect(ping([0x81, 0xa0 | key.length], ascii(key), [7]), key).toEqual({
        kind: 'ping',
        seqNo: 0,
        node: '',
      })
  })

  it('ignores keys of another case', () => {
    expect(ping([0x81, 0xa5], ascii('seqno'), [7])).toEqual({ kind: 'ping', seqNo: 0, node: '' })
  })

  it('takes any order, and of duplicates the last', () => {
    expect(ping([0x83], seqKey, [1], nodeKey, [0xa1, 0x61], seqKey, [2])).toEqual({
      kind: 'ping',
      seqNo: 2,
      node: 'a',
    })
  })

  it('reads a positional array, short or with more than we know', () => {
    expect(ping([0x91, 9])).toEqual({ kind: 'ping', seqNo: 9, node: '' })
    expect(ping([0x92, 9, 0xa1, 0x61])).toEqual({ kind: 'ping', seqNo: 9, node: 'a' })
    expect(ping([0xdc, 0, 7, 9, 0xa1, 0x61, 0xc0, 0xc0, 0xc0, 0x81, 1, 2, 0xc0])).toEqual({
      kind: 'ping',
      seqNo: 9,
      node: 'a',
    })
  })

  it('reads map16 and map32', () => {
    expect(ping([0xde, 0, 1], seqKey, [3])).toMatchObject({ seqNo: 3 })
    expect(ping([0xdf, 0, 0, 0, 1], seqKey, [3])).toMatchObject({ seqNo: 3 })
  })

  it('reads strings and bytes in every form', () => {
    for (const head of ['a1', 'd901', 'da0001', 'db00000001', 'c401', 'c50001', 'c600000001'])
      expect(ping([0x81], nodeKey, fromHex(head), [0x61]), head).toEqual({
        kind: 'ping',
        seqNo: 0,
        node: 'a',
      })
  })

  it('reads integers of any width, signed or not, if the value fits', () => {
    const seven = ['07', 'cc07', 'cd0007', 'ce00000007', `cf${'07'.padStart(16, '0')}`]
    seven.push('d007', 'd10007', 'd200000007', `d3${'07'.padStart(16, '0')}`)
    for (const form of seven) expect(ping([0x81], seqKey, fromHex(form)), form).toMatchObject({ seqNo: 7 })
  })

  it('drops negative and too large integers, and other types', () => {
    for (const form of [
      'ff',
      'e0',
      'd0ff',
      'd1ffff',
      'd2ffffffff',
      `d3${'ff'.repeat(8)}`,
      'cf0000000100000000',
    ])
      expect(ping([0x81], seqKey, fromHex(form)), form).toBe('field-range')
    for (const form of ['ca40e00000', 'c3', 'a107', '9107', '80', 'cb401c000000000000'])
      expect(ping([0x81], seqKey, fromHex(form)), form).toBe('field-type')
    expect(ping([0x81], nodeKey, [5])).toBe('field-type')
    expect(ping([0x81], nodeKey, [0x91, 5])).toBe('field-type')
  })

  it('reads booleans as 0 and 1 but not as 2', () => {
    const target = concat([0xa6], ascii('Target'), [0xa4, 1, 2, 3, 4])
    const indirect = (value: number): PacketMessage | string =>
      read(concat([1, 0x82], target, [0xa4], ascii('Nack'), [value]))
    expect([0xc3, 1, 0xc2, 0, 0xc0].map((value) => indirect(value))).toMatchObject(
      [true, true, false, false, false].map((nack) => ({ nack })),
    )
    expect(indirect(2)).toBe('field-type')
  })

  it('ignores bytes behind the value', () => {
    expect(ping([0x81], seqKey, [3], fromHex('c1ffff'))).toEqual({ kind: 'ping', seqNo: 3, node: '' })
  })

  it('names the byte msgpack never uses and every kind of early end', () => {
    expect(ping([0xc1])).toBe('msgpack-malformed')
    expect(ping([0x81, 0xa1, 0x78, 0xc1])).toBe('msgpack-malformed')
    expect(ping([0x81], seqKey)).toBe('truncated')
    expect(ping([])).toBe('truncated')
    expect(read(NONE)).toBe('empty')
  })

  it('keeps no claim of a port or address that is not complete', () => {
    const addr = concat([0xaa], ascii('SourceAddr'), [0xa4, 1, 2, 3, 4])
    expect(ping([0x81], addr)).toEqual({ kind: 'ping', seqNo: 0, node: '' })
    const odd = concat([0xaa], ascii('SourceAddr'), [0xa3, 1, 2, 3], [0xaa], ascii('SourcePort'), [9])
    expect(ping([0x82], odd)).toBe('address-length')
  })
})

describe('meaning is checked', () => {
  const alive = (over: Partial<{ name: Uint8Array; addr: Uint8Array; port: number[]; vsn: Uint8Array }>) =>
    read(
      concat(
        [4, 0x96, 1, 0xda, 0],
        [(over.name ?? ascii('n')).length >>> 8 ? 0 : (over.name ?? ascii('n')).length],
        over.name ?? ascii('n'),
        [0xa0 | (over.addr ?? VSN.subarray(2)).length],
        over.addr ?? VSN.subarray(2),
        over.port ?? [0xcd, 0x1f, 0x0a],
        [0xc0],
        [0xa0 | (over.vsn ?? VSN).length],
        over.vsn ?? VSN,
      ),
    )

  it('takes the plain case', () => {
    expect(alive({})).toMatchObject({ kind: 'alive', node: 'n', endpoint: { port: 7946 }, vsn: VSN })
  })

  it('drops versions of any length but six', () => {
    for (const length of [0, 1, 2, 3, 4, 5, 7, 12])
      expect(alive({ vsn: new Uint8Array(length) }), String(length)).toBe('vsn-length')
  })

  it('drops addresses that are neither 4 nor 16 bytes', () => {
    expect(alive({ addr: new Uint8Array(16) })).toMatchObject({ kind: 'alive' })
    for (const length of [0, 3, 5, 15, 17]) {
      expect(alive({ addr: new Uint8Array(length) })).toBe('address-length')
      expect(read(concat([1, 0x92, 1, 0xa0 | length], new Uint8Array(length)))).toBe('address-length')
    }
  })

  it('passes port 0 on and drops port 65,536', () => {
    expect(alive({ port: [0] })).toMatchObject({ endpoint: { port: 0 } })
    expect(alive({ port: [0xce, 0, 1, 0, 0] })).toBe('field-range')
  })

  it('drops names that are empty, not UTF-8 or hold control characters', () => {
    expect(alive({ name: NONE })).toBe('name-empty')
    expect(alive({ name: Uint8Array.of(0xff, 0xfe) })).toBe('name-not-utf8')
    expect(alive({ name: fromHex('eda080') })).toBe('name-not-utf8')
    for (const control of ['00', '0a', '1b', '7f', 'c280', 'c29f'])
      expect(alive({ name: fromHex(`61${control}62`) }), control).toBe('name-control')
    expect(alive({ name: fromHex('c2a0') })).toMatchObject({ node: '\u00a0' })
  })

  it('takes names of 512 bytes and drops longer ones', () => {
    const suspect = (length: number): PacketMessage | string =>
      read(concat([3, 0x92, 1, 0xda, length >>> 8, length & 255], new Uint8Array(length).fill(0x61)))
    expect(suspect(512)).toMatchObject({ node: 'a'.repeat(512), from: '' })
    expect(suspect(513)).toBe('name-too-long')
  })

  it('knows no frame and no stream message', () => {
    for (const type of [6, 7, 9, 10, 12, 13, 14, 75, 244, 255])
      expect(read(Uint8Array.of(type, 0x80))).toBe('unknown-type')
  })

  it('hands out copies, so that the packet may be reused', () => {
    const packet = encodeMessage({ kind: 'user', payload: Uint8Array.of(1, 2, 3) })
    const message = read(packet)
    packet.fill(9)
    expect(message).toEqual({ kind: 'user', payload: Uint8Array.of(1, 2, 3) })
  })
})
