import { decodeMulti } from '@msgpack/msgpack'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { NodeRecord, PushPullMessage, StreamMessage } from '../../../../src/gossip/core/messages.ts'
import { encodeCompressed } from '../../../../src/gossip/wire/compressed-frame.ts'
import type { StreamLimits } from '../../../../src/gossip/wire/limits.ts'
import { NODE_OVERHEAD_BYTES, TRAILING_BYTES_MAX } from '../../../../src/gossip/wire/limits.ts'
import { encodeStream, type StreamProgress, StreamReader } from '../../../../src/gossip/wire/stream.ts'
import { streamMessages } from './arbitraries.ts'
import { ascii, concat, fromHex, toHex } from './hex.ts'

const NONE = new Uint8Array(0)
const NODE: NodeRecord = {
  name: 'go1',
  endpoint: { addr: Uint8Array.of(127, 0, 0, 1), port: 27_946 },
  meta: ascii('m'),
  incarnation: 1,
  liveness: 'alive',
  vsn: Uint8Array.of(1, 5, 2, 0, 0, 0),
}
const PUSH_PULL: PushPullMessage = { kind: 'push-pull', join: true, nodes: [NODE], userState: ascii('hello') }
const NODE_HEX =
  '87a441646472a47f000001ab496e6361726e6174696f6e01a44d657461a16da44e616d65a3676f31a4506f7274cd6d2aa5537461746500a356736ea6010502000000'
const PUSH_PULL_HEX = `0683a44a6f696ec3a54e6f64657301ac5573657253746174654c656e05${NODE_HEX}68656c6c6f`

function header(nodesHex: string, userStateHex: string): string {
  return `0683a44a6f696ec2a54e6f646573${nodesHex}ac5573657253746174654c656e${userStateHex}`
}

function read(bytes: Uint8Array, limits: Partial<StreamLimits> = {}): StreamProgress {
  return new StreamReader({ label: '', limits }).push(bytes)
}

/** Pushes pieces of the given size; the answer, and how many bytes it took. */
function readInPieces(
  bytes: Uint8Array,
  size: number,
  label = '',
): { result: StreamProgress; taken: number } {
  const reader = new StreamReader({ label })
  for (let at = 0; at < bytes.length; at += size) {
    const result = reader.push(bytes.subarray(at, at + size))
    if (result !== 'need-more') return { result, taken: Math.min(bytes.length, at + size) }
  }
  return { result: 'need-more', taken: bytes.length }
}

describe('stream bytes', () => {
  it('are those of Go for a push-pull', () => {
    expect(toHex(encodeStream(PUSH_PULL))).toBe(PUSH_PULL_HEX)
    expect(read(fromHex(PUSH_PULL_HEX))).toEqual(PUSH_PULL)
  })

  it('are those of Go for its header', () => {
    const join = encodeStream({ ...PUSH_PULL, nodes: [NODE, NODE, NODE] })
    expect(toHex(join).startsWith('0683a44a6f696ec3a54e6f64657303ac5573657253746174654c656e05')).toBe(true)
    const large = encodeStream({
      kind: 'push-pull',
      join: false,
      nodes: Array(200).fill(NODE),
      userState: new Uint8Array(40_000),
    })
    expect(toHex(large).startsWith(header('ccc8', 'cd9c40'))).toBe(true)
  })

  it('may announce their numbers as signed integers, as codec v2 does', () => {
    const state = new Uint8Array(40_000).fill(7)
    const bytes = concat(fromHex(header('d100c8', 'd200009c40')), fromHex(NODE_HEX.repeat(200)), state)
    const result = read(bytes) as PushPullMessage
    expect(result.nodes).toHaveLength(200)
    expect(result.nodes[199]).toEqual(NODE)
    expect(result.userState).toEqual(state)
  })

  it('are those of Go for a compressed ack', () => {
    const hex = '0982a4416c676f00a3427566b70005083a05254c1e366fc29001566a4a99384edea80808'
    const ack: StreamMessage = { kind: 'ack', seqNo: 42, payload: NONE }
    expect(toHex(encodeStream(ack, { compress: true }))).toBe(hex)
    expect(read(fromHex(hex))).toEqual(ack)
  })

  it('put user messages and complaints into their own maps', () => {
    expect(toHex(encodeStream({ kind: 'user', payload: ascii('hi') }))).toBe(
      '0881aa557365724d73674c656e026869',
    )
    expect(toHex(encodeStream({ kind: 'error', error: 'no' }))).toBe('0d81a54572726f72a26e6f')
    expect(read(fromHex('0881aa557365724d73674c656ed10002 6869'))).toEqual({
      kind: 'user',
      payload: ascii('hi'),
    })
  })

  it('follow each other so that an independent decoder reads them', () => {
    const bytes = encodeStream({ ...PUSH_PULL, userState: NONE })
    const items = [...decodeMulti(bytes.subarray(1))] as Record<string, unknown>[]
    expect(items[0]).toEqual({ Join: true, Nodes: 1, UserStateLen: 0 })
    expect(items[1]).toMatchObject({ Name: 'go1', Port: 27_946, State: 0, Incarnation: 1 })
    expect(items).toHaveLength(2)
  })
})

describe('reading a stream', () => {
  it('answers with the last byte and not before, however the bytes are cut', () => {
    fc.assert(
      fc.property(
        streamMessages,
        fc.integer({ min: 1, max: 40 }),
        fc.boolean(),
        fc.constantFrom('', 'lbl'),
        (message, size, compress, label) => {
          const bytes = encodeStream(message, { compress, label })
          expect(readInPieces(bytes, size, label)).toEqual({ result: message, taken: bytes.length })
          expect(readInPieces(bytes.subarray(0, -1), size, label).result).toBe('need-more')
        },
      ),
    )
  })

  it('ignores what follows the message', () => {
    const reader = new StreamReader({ label: '' })
    expect(reader.push(concat(fromHex(PUSH_PULL_HEX), [0xc1, 0xff]))).toEqual(PUSH_PULL)
    expect(reader.push(fromHex(PUSH_PULL_HEX))).toBe('need-more')
  })

  it('costs linear time in pieces of one byte', () => {
    const nodes = Array.from({ length: 300 }, (_, i) => ({ ...NODE, name: `node-${i}` }))
    const bytes = encodeStream({ ...PUSH_PULL, nodes, userState: new Uint8Array(200_000) })
    const { result } = readInPieces(bytes, 1)
    expect((result as PushPullMessage).nodes).toHaveLength(300)
  })

  it('holds copies, so that chunks may be reused', () => {
    const bytes = Buffer.from(PUSH_PULL_HEX, 'hex')
    const result = read(bytes)
    bytes.fill(0)
    expect(result).toEqual(PUSH_PULL)
  })

  it('takes a record that means nothing out and keeps its neighbours', () => {
    const bad = [
      NODE_HEX.replace('a356736ea6010502000000', 'a356736ea50105020000'),
      NODE_HEX.replace('a3676f31', 'a0'),
      NODE_HEX.replace('a3676f31', 'a3670a31'),
      NODE_HEX.replace('a3676f31', 'a367ff31'),
      NODE_HEX.replace('a47f000001', 'a37f0000'),
      NODE_HEX.replace('a5537461746500', 'a5537461746504'),
      NODE_HEX.replace('cd6d2a', 'ce00010000'),
      NODE_HEX.replace('cd6d2a', 'a16d'),
      'c0',
    ]
    const reader = new StreamReader({ label: '' })
    const count = (bad.length + 2).toString(16).padStart(2, '0')
    const hex = `${header(count, '02')}${NODE_HEX}${bad.join('')}${NODE_HEX}6869`
    expect(reader.push(fromHex(hex))).toEqual({
      kind: 'push-pull',
      join: false,
      nodes: [NODE, NODE],
      userState: ascii('hi'),
    })
    expect(Object.fromEntries(reader.recordDrops)).toEqual({
      'vsn-length': 1,
      'name-empty': 2,
      'name-control': 1,
      'name-not-utf8': 1,
      'address-length': 1,
      'unknown-state': 1,
      'field-range': 1,
      'field-type': 1,
    })
  })

  it('loses the stream where bytes stop being msgpack', () => {
    expect(read(fromHex(`${header('02', '00')}c1`))).toEqual({ drop: 'msgpack-malformed' })
  })

  it('knows the message types of streams only', () => {
    for (const type of [1, 3, 4, 5, 7, 11, 12, 14, 255])
      expect(read(Uint8Array.of(type)), String(type)).toEqual({ drop: 'unknown-type' })
  })

  it('unpacks one compressed frame, not two, and only whole messages', () => {
    const ack: StreamMessage = { kind: 'ack', seqNo: 1, payload: NONE }
    const once = encodeStream(ack, { compress: true })
    expect(read(once)).toEqual(ack)
    const inner = encodeStream({ kind: 'user', payload: once }, { compress: true })
    expect(read(inner)).toMatchObject({ kind: 'user' })
    expect(read(fromHex('0982a4416c676f00a3427566a70083040424e00301'))).toHaveProperty('drop')
    // LZW of one ping type byte: the message inside is cut.
    expect(read(fromHex('0982a4416c676f00a3427566a400010404'))).toEqual({ drop: 'truncated' })
    expect(read(fromHex('0982a4416c676f00a3427566a400130404'))).toEqual({ drop: 'unknown-type' })
    expect(read(fromHex('0982a4416c676f00a3427566a3000302'))).toEqual({ drop: 'empty' })
    expect(read(fromHex('0982a4416c676f07a3427566a3000302'))).toEqual({ drop: 'unknown-compression' })
  })
})

describe('labels on streams', () => {
  const ack: StreamMessage = { kind: 'ack', seqNo: 1, payload: NONE }
  const push = (hex: string, label: string): StreamProgress => new StreamReader({ label }).push(fromHex(hex))

  it('may arrive in a segment of their own', () => {
    const bytes = encodeStream(ack, { label: 'lbl' })
    expect(toHex(bytes).startsWith('f4036c626c02')).toBe(true)
    const reader = new StreamReader({ label: 'lbl' })
    expect(reader.push(bytes.subarray(0, 5))).toBe('need-more')
    expect(reader.push(bytes.subarray(5))).toEqual(ack)
  })

  it('are wanted exactly: none, another, empty or unexpected ones are drops', () => {
    expect(push('02', 'lbl')).toEqual({ drop: 'label-mismatch' })
    expect(push('f4036c626d', 'lbl')).toEqual({ drop: 'label-mismatch' })
    expect(push('f4026c62', 'lbl')).toEqual({ drop: 'label-mismatch' })
    expect(push('f4036c626c', '')).toEqual({ drop: 'label-mismatch' })
    expect(push('f400', 'lbl')).toEqual({ drop: 'label-empty' })
    expect(push('f4036c', 'lbl')).toBe('need-more')
  })

  it('take up to 255 bytes', () => {
    const label = 'x'.repeat(255)
    expect(new StreamReader({ label }).push(encodeStream(ack, { label }))).toEqual(ack)
  })

  it('leave a stream without any bytes alone', () => {
    expect(new StreamReader({ label: 'lbl' }).push(NONE)).toBe('need-more')
  })
})

describe('bounds of a stream', () => {
  it('refuse announced counts and lengths as soon as the header is there', () => {
    expect(read(fromHex(header('cd2800', '00')))).toBe('need-more')
    expect(read(fromHex(header('cd2801', '00')))).toEqual({ drop: 'too-many-nodes' })
    expect(read(fromHex(header('ce00989680', '00')))).toEqual({ drop: 'too-many-nodes' })
    expect(read(fromHex(header('00', 'ce01400000')))).toBe('need-more')
    expect(read(fromHex(header('00', 'ce01400001')))).toEqual({ drop: 'too-large' })
    expect(read(fromHex('0881aa557365724d73674c656ece01400000'))).toBe('need-more')
    expect(read(fromHex('0881aa557365724d73674c656ece01400001'))).toEqual({ drop: 'too-large' })
    expect(read(fromHex(header('ff', '00')))).toEqual({ drop: 'field-range' })
    expect(read(fromHex(header('00', 'd2ffffffff')))).toEqual({ drop: 'field-range' })
  })

  it('cap one record, one control message and one compressed frame by what they announce', () => {
    expect(read(fromHex(`${header('01', '00')}81a178db00100000`))).toEqual({ drop: 'too-large' })
    expect(read(fromHex('0281a178db00100000'))).toEqual({ drop: 'too-large' })
    expect(read(fromHex('0982a4416c676f00a3427566db04000000'))).toBe('need-more')
    expect(read(fromHex('0982a4416c676f00a3427566db04000001'))).toEqual({ drop: 'too-large' })
  })

  it('cap the memory of a member list, not only its bytes', () => {
    const nodes = Array(10).fill(NODE)
    const bytes = encodeStream({ ...PUSH_PULL, nodes })
    const itemBytesMax = NODE_HEX.length / 2
    const each = NODE.name.length + NODE.meta.length + NODE_OVERHEAD_BYTES
    expect(read(bytes, { nodeBytesMax: each, itemBytesMax })).toMatchObject({ kind: 'push-pull' })
    const less = each - Math.ceil(itemBytesMax / 10) - 1
    expect(read(bytes, { nodeBytesMax: less, itemBytesMax })).toEqual({ drop: 'too-large' })
  })

  it('cap the bytes of a connection and of what they inflate to', () => {
    const message: StreamMessage = { kind: 'user', payload: new Uint8Array(10_000) }
    const plain = encodeStream(message)
    expect(read(plain, { streamBytesMax: plain.length })).toEqual(message)
    expect(read(plain, { streamBytesMax: plain.length - 1 })).toEqual({ drop: 'too-large' })
    const packed = encodeStream(message, { compress: true })
    expect(read(packed, { inflatedBytesMax: plain.length })).toEqual(message)
    expect(read(packed, { inflatedBytesMax: plain.length - 1 })).toEqual({ drop: 'too-large' })
  })

  it('inflate 20 MiB and a byte but not more than 40 MiB', () => {
    const bomb = (bytes: number): Uint8Array =>
      encodeStream({ kind: 'error', error: '\0'.repeat(bytes) }, { compress: true })
    expect(read(bomb(20 * 1024 * 1024 + 1), { itemBytesMax: 64 * 1024 * 1024 })).toMatchObject({
      kind: 'error',
    })
    expect(read(bomb(40 * 1024 * 1024))).toEqual({ drop: 'too-large' })
  })

  it('keep a compressed frame from having more in it than its announced bytes, or no end', () => {
    const bytes = encodeStream({ kind: 'user', payload: new Uint8Array(500) }, { compress: true })
    const lengthAt = Buffer.from(bytes).indexOf('Buf') + 5
    const cut = bytes.slice()
    cut[lengthAt] = (cut[lengthAt] ?? 0) - 1
    expect(read(bytes)).toMatchObject({ kind: 'user' })
    expect(read(cut)).toEqual({ drop: 'lzw-malformed' })
  })

  it('expand no more than 64 KiB behind the end of a message', () => {
    const ending = encodeStream({ kind: 'user', payload: new Uint8Array(5) })
    const trailed = (bytes: number): Uint8Array => encodeCompressed(concat(ending, new Uint8Array(bytes)))
    for (const size of [1, 100, 1_000_000]) {
      expect(readInPieces(trailed(65_536), size, '').result).toMatchObject({ kind: 'user' })
      expect(readInPieces(trailed(150_000), size, '').result).toEqual({ drop: 'too-large' })
    }
    const reader = new StreamReader({ label: '' })
    expect(reader.push(trailed(2_000_000))).toEqual({ drop: 'too-large' })
    expect(reader.inflatedBytes).toBeLessThan(200_000)
  })

  it('give the same reason however the bytes are cut, where two things are wrong', () => {
    const nowhere = encodeStream({ kind: 'user', payload: new Uint8Array(40) }, { compress: true })
    const lzwAfterType = concat(
      encodeCompressed(concat([99], new Uint8Array(300))).subarray(0, 25),
      new Uint8Array(60).fill(0xff),
    )
    const longHead = concat(
      [9, 0x82, 0xa1],
      ascii('x'),
      fromHex('da0140'),
      new Uint8Array(320),
      nowhere.subarray(2),
    )
    const longItem = concat([1, 0xdd, 0, 0, 0xff, 0xff], new Uint8Array(17_000).fill(0x91), [0xc1])
    for (const [bytes, drop] of [
      [lzwAfterType, 'unknown-type'],
      [longHead, 'too-large'],
      [concat(fromHex(header('01', '00')), longItem.subarray(1)), 'too-large'],
    ] as const) {
      for (const size of [1, 100, 1_000_000])
        expect(readInPieces(bytes, size, '').result, String(size)).toEqual({ drop })
    }
  })

  it('count what is behind a message from its end, however the bytes are cut', () => {
    const message = encodeStream({ kind: 'user', payload: new Uint8Array(30) })
    const withTrail = (bytes: number): Uint8Array => encodeCompressed(concat(message, new Uint8Array(bytes)))
    for (const size of [1, 7, 1_000_000]) {
      expect(readInPieces(withTrail(TRAILING_BYTES_MAX), size, '').result, String(size)).toMatchObject({
        kind: 'user',
      })
      expect(readInPieces(withTrail(TRAILING_BYTES_MAX + 1), size, '').result, String(size)).toEqual({
        drop: 'too-large',
      })
    }
  })

  it('lend no memory to two: a large message stays as it is while its frame comes to an end', () => {
    const payload = new Uint8Array(2_000_000).fill(7)
    const bytes = encodeCompressed(
      concat(encodeStream({ kind: 'user', payload }), new Uint8Array(60_000).fill(9)),
    )
    const reader = new StreamReader({ label: '', limits: { freeBytes: 1000 } })
    expect([reader.push(bytes), reader.waitsFor]).toEqual(['need-more', 'room'])
    const memory = new Uint8Array(reader.roomWantedBytes)
    reader.grantRoom(memory)
    const message = reader.goOn()
    const read = typeof message === 'object' && 'payload' in message ? message.payload : undefined
    expect([read?.length, read?.buffer === memory.buffer]).toEqual([payload.length, true])
    expect(Buffer.compare(read ?? memory, payload)).toBe(0)
  })

  it('wait for the head of a compressed frame up to 256 bytes', () => {
    const padded = (bytes: number): Uint8Array =>
      concat([9, 0x83, 0xa1], ascii('x'), [0xd9, bytes], new Uint8Array(bytes), fromHex('a3427566a583'))
    expect(read(padded(100))).toBe('need-more')
    expect(read(concat([9, 0x83, 0xa1], ascii('x'), fromHex('da7fff'), new Uint8Array(300)))).toEqual({
      drop: 'too-large',
    })
  })

  it('keep the first 512 bytes of a complaint', () => {
    const long = read(encodeStream({ kind: 'error', error: 'x'.repeat(10_000) }))
    expect(long).toEqual({ kind: 'error', error: 'x'.repeat(512) })
  })
})
