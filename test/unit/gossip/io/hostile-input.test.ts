import { createSocket } from 'node:dgram'
import { connect, createServer, type Socket } from 'node:net'
import { afterEach, describe, expect, it, onTestFinished } from 'vitest'
import { seededRandom } from '../../../../src/base/random.ts'
import type { StreamMessage } from '../../../../src/gossip/core/messages.ts'
import type { GossipOptions } from '../../../../src/gossip/io/gossip.ts'
import { encodeCompressed } from '../../../../src/gossip/wire/compressed-frame.ts'
import { encodeMessage } from '../../../../src/gossip/wire/message-codec.ts'
import { encodeStream, StreamReader } from '../../../../src/gossip/wire/stream.ts'
import { until } from '../../../support/until.ts'
import { GossipRig, type TestNode, text, utf8 } from './gossip-rig.ts'

const rig = new GossipRig()
afterEach(() => rig.stop())

const portOf = (node: TestNode): number => node.gossip.advertise().port

/** A bare client socket that remembers what it got. */
function dial(node: TestNode): { socket: Socket; got: () => Uint8Array; closed: () => boolean } {
  const chunks: Buffer[] = []
  let closed = false
  const socket = connect(portOf(node), '127.0.0.1')
  socket.on('data', (chunk) => chunks.push(chunk))
  socket.on('error', () => undefined)
  socket.on('close', () => {
    closed = true
  })
  onTestFinished(() => void socket.destroy())
  return { socket, got: () => new Uint8Array(Buffer.concat(chunks)), closed: () => closed }
}

function decoded(bytes: Uint8Array): StreamMessage | undefined {
  const progress = new StreamReader({ label: '' }).push(bytes)
  return progress === 'need-more' || 'drop' in progress ? undefined : progress
}

function emptyPushPull(): StreamMessage {
  return { kind: 'push-pull', join: false, nodes: [], userState: new Uint8Array(0) }
}

async function quiet(options: Partial<GossipOptions> = {}): Promise<TestNode> {
  const node = await rig.started('node', options)
  expect(node.gossip.stats().drops).toEqual({})
  return node
}

describe('hostile datagrams', () => {
  it('garbage and cut messages are counted by reason, logged sparsely, and harm nobody', async () => {
    const node = await quiet()
    const peer = await rig.started('peer')
    await peer.gossip.join([node.at()])
    const socket = createSocket('udp4')
    onTestFinished(() => void socket.close())
    const random = seededRandom(5)
    const ping = encodeMessage({ kind: 'ping', seqNo: 1, node: 'node' })
    for (let i = 0; i < 500; i++) {
      const garbage = Uint8Array.from({ length: 1 + random.below(200) }, () => random.below(256))
      socket.send(garbage, portOf(node), '127.0.0.1')
      socket.send(ping.subarray(0, random.below(ping.length)), portOf(node), '127.0.0.1')
    }
    const total = (): number =>
      Object.values(node.gossip.stats().drops).reduce((sum, count) => sum + count, 0)
    await until(() => total() > 500)
    const reasons = Object.keys(node.gossip.stats().drops)
    expect(reasons).toContain('truncated')
    expect(reasons).toContain('empty')
    const logged = node.logged.filter(({ event }) => event === 'input_dropped')
    expect(logged.length).toBeGreaterThanOrEqual(reasons.length)
    expect(logged.length).toBeLessThan(10 * reasons.length)
    expect(node.sees('peer')).toBe('alive')
    peer.gossip.broadcast({ audience: 'native', payload: utf8('still here') })
    await until(() => node.delegate.messages.includes('still here'))
  })

  it('a flood of packets that deserve a warning fills no log', async () => {
    const node = await quiet()
    const socket = createSocket('udp4')
    onTestFinished(() => void socket.close())
    const taken = encodeMessage({
      kind: 'alive',
      incarnation: 9,
      node: 'node',
      endpoint: { addr: Uint8Array.of(127, 0, 0, 1), port: 9 },
      meta: new Uint8Array(0),
      vsn: Uint8Array.of(1, 5, 2, 0, 0, 0),
    })
    for (let i = 0; i < 500; i++) socket.send(taken, portOf(node), '127.0.0.1')
    await until(() => (node.gossip.stats().events.name_conflict ?? 0) >= 400)
    expect(node.logged.filter(({ event }) => event === 'name_conflict').length).toBeLessThan(100)
  })

  it('an endpoint that no socket takes is a counted failure when we are made to send there', async () => {
    const node = await quiet()
    const socket = createSocket('udp4')
    onTestFinished(() => void socket.close())
    const source = { addr: Uint8Array.of(255, 255, 255, 255), port: 9 }
    const vsn = Uint8Array.of(1, 5, 2, 0, 0, 0)
    for (const [name, endpoint] of [
      ['broadcast', source],
      ['v6', { addr: new Uint8Array(16).fill(7), port: 9 }],
    ] as const) {
      const meta = new Uint8Array(0)
      const alive = encodeMessage({ kind: 'alive', incarnation: 1, node: name, endpoint, meta, vsn })
      socket.send(alive, portOf(node), '127.0.0.1')
    }
    await until(() => (node.gossip.stats().packets['send-failed'] ?? 0) > 0)
    await until(() => node.sees('v6') === 'dead' && node.sees('broadcast') === 'dead')
  })
})

describe('hostile streams', () => {
  it('garbage closes the stream and is counted', async () => {
    const node = await quiet()
    const random = seededRandom(9)
    const clients = Array.from({ length: 20 }, () => dial(node))
    for (const { socket } of clients) {
      socket.write(Uint8Array.from({ length: 300 }, (_, i) => (i === 0 ? 20 : random.below(256))))
    }
    await until(() => clients.every(({ closed }) => closed()))
    expect(node.gossip.stats().drops).toEqual({ 'unknown-type': 20 })
    await until(() => node.gossip.stats().inboundOpen === 0)
  })

  it('broken compression is answered with an error, a bad body with silence', async () => {
    const node = await quiet()
    const broken = dial(node)
    broken.socket.write(Buffer.from('0982a4416c676f00a3427566a3ffffff', 'hex'))
    const bad = dial(node)
    bad.socket.write(Buffer.from('00c1', 'hex'))
    await until(() => broken.closed() && bad.closed())
    expect(decoded(broken.got())).toMatchObject({ kind: 'error', error: expect.stringContaining('lzw') })
    expect(bad.got().length).toBe(0)
  })

  it.each([
    ['no msgpack', Uint8Array.of(9, 0xc1), 'msgpack-malformed'],
    ['another algorithm', Uint8Array.of(9, 0x81, 0xa4, ...utf8('Algo'), 5), 'unknown-compression'],
    [
      'a bomb',
      encodeCompressed(
        new Uint8Array(Buffer.concat([encodeStream(emptyPushPull()), Buffer.alloc(41 * 2 ** 20)])),
      ),
      'too-large',
    ],
  ])(
    'a compressed frame that holds %s is answered with an error, as Go does',
    async (_what, bytes, reason) => {
      const node = await quiet()
      const { socket, got, closed } = dial(node)
      socket.write(bytes)
      await until(closed)
      expect(decoded(got())).toMatchObject({ kind: 'error', error: expect.stringContaining(reason) })
      expect(node.gossip.stats().drops).toEqual({ [reason]: 1 })
    },
  )

  it('of half-sent messages too large together one waits unread, and small ones are answered', async () => {
    const node = await quiet({ streamMemoryBytesMax: 900_000 })
    const body = encodeStream({ kind: 'user', payload: new Uint8Array(600_000).fill(97) })
    const first = dial(node)
    first.socket.write(body.subarray(0, 500_000))
    await until(() => node.gossip.stats().streamMemoryBytes > 600_000)
    const second = dial(node)
    second.socket.write(body)
    const small = dial(node)
    small.socket.write(encodeStream(emptyPushPull()))
    await until(() => small.closed())
    expect(decoded(small.got())?.kind).toBe('push-pull')
    expect(node.delegate.messages).toEqual([])
    first.socket.write(body.subarray(500_000))
    await until(() => node.delegate.messages.length === 2)
    await until(() => node.gossip.stats().inboundOpen === 0)
    expect([node.gossip.stats().streamMemoryBytes, node.gossip.stats().drops]).toEqual([0, {}])
  })

  it('answers that nobody reads are made one after the other', async () => {
    const node = await quiet({ answerMemoryBytesMax: 20 * 1024 * 1024 })
    node.delegate.state = new Uint8Array(16 * 1024 * 1024)
    const first = dial(node)
    first.socket.write(encodeStream(emptyPushPull()))
    await until(first.closed)
    const deaf = Array.from({ length: 5 }, () => dial(node))
    for (const { socket } of deaf) socket.pause().write(encodeStream(emptyPushPull()))
    await until(() => (node.gossip.stats().drops['stream-too-slow'] ?? 0) > 0)
    expect(node.delegate.asked.length).toBeLessThan(5)
    expect(node.gossip.stats().streamMemoryBytes).toBeLessThanOrEqual(20 * 1024 * 1024)
  })

  it('128 connections that stand still lock nobody out', async () => {
    const node = await quiet()
    const guests = Array.from({ length: 128 }, () => dial(node))
    await until(() => node.gossip.stats().inboundOpen === 128)
    for (const [i, { socket }] of guests.entries()) {
      if (i % 3 === 1) socket.write(Uint8Array.of(6))
      if (i % 3 === 2)
        socket.write(encodeStream({ kind: 'user', payload: new Uint8Array(2e6) }).subarray(0, 70))
    }
    const peer = await rig.started('peer')
    let joined = 0
    await until(() => {
      if (peer.sees('node') === undefined)
        void peer.gossip.join([node.at()]).then(({ contacted }) => (joined += contacted))
      return joined > 0
    })
    const client = dial(node)
    client.socket.write(encodeStream({ kind: 'ping', seqNo: 7, node: 'node' }))
    await until(client.closed)
    expect(decoded(client.got())?.kind).toBe('ack')
    expect(node.gossip.stats().drops['stream-displaced']).toBeGreaterThanOrEqual(2)
  })

  it('a stream that stays open, silent or half said, is cut at the deadline', async () => {
    const node = await quiet({ tcpTimeoutMs: 100 })
    const silent = dial(node)
    const half = dial(node)
    half.socket.write(encodeStream({ kind: 'user', payload: utf8('never finished') }).subarray(0, 10))
    await until(() => silent.closed() && half.closed())
    const { streams, drops, inboundOpen } = node.gossip.stats()
    expect(streams.stalled).toBe(2)
    expect(streams.silent).toBe(1)
    expect(drops).toEqual({ 'stream-cut-off': 1 })
    expect(inboundOpen).toBe(0)
    expect(node.delegate.messages).toEqual([])
  })

  it('a drip of bytes does not move the deadline', async () => {
    const node = await quiet({ tcpTimeoutMs: 150 })
    const slow = dial(node)
    const drip = setInterval(() => slow.socket.write(Uint8Array.of(0xc0)), 10)
    onTestFinished(() => clearInterval(drip))
    slow.socket.write(encodeStream({ kind: 'user', payload: new Uint8Array(10_000) }).subarray(0, 20))
    await until(slow.closed, 2000)
    expect(node.gossip.stats().streams.stalled).toBe(1)
  })

  it('a full house closes further streams unanswered, and opens again when somebody goes', async () => {
    const node = await quiet({ inboundStreamsMax: 3 })
    const guests = [dial(node), dial(node), dial(node)]
    await until(() => node.gossip.stats().inboundOpen === 3)
    const late = dial(node)
    await until(late.closed)
    expect(late.got().length).toBe(0)
    expect(node.gossip.stats().streams.refused).toBe(1)
    guests[0]?.socket.destroy()
    await until(() => node.gossip.stats().inboundOpen === 2)
    const next = dial(node)
    next.socket.write(encodeStream({ kind: 'ping', seqNo: 7, node: 'node' }))
    await until(next.closed)
    expect(decoded(next.got())).toEqual({ kind: 'ack', seqNo: 7, payload: new Uint8Array(0) })
  })

  it('a ping by stream is acked when it means us or anyone, and dropped when it means another', async () => {
    const node = await quiet()
    const answers = await Promise.all(
      ['node', '', 'other'].map(async (name) => {
        const client = dial(node)
        client.socket.write(encodeStream({ kind: 'ping', seqNo: 9, node: name }))
        await until(client.closed)
        return decoded(client.got())?.kind
      }),
    )
    expect(answers).toEqual(['ack', 'ack', undefined])
  })

  it('a push-pull sent byte by byte is answered at its last byte, while the caller keeps its side open', async () => {
    const node = await quiet()
    const client = dial(node)
    client.socket.setNoDelay(true)
    const request = encodeStream({ kind: 'push-pull', join: true, nodes: [], userState: utf8('mine') })
    for (const byte of request) {
      client.socket.write(Uint8Array.of(byte))
      await new Promise((resolve) => setImmediate(resolve))
    }
    await until(client.closed)
    const reply = decoded(client.got())
    expect(reply).toMatchObject({
      kind: 'push-pull',
      join: true,
      nodes: [{ name: 'node', liveness: 'alive' }],
    })
    expect(reply?.kind === 'push-pull' && text(reply.userState)).toBe('state of node')
    expect(node.delegate.merged.map(({ state }) => state)).toEqual(['mine'])
  })

  it('an answer that nobody asked for is counted, an empty user message ignored', async () => {
    const node = await quiet()
    const clients = [dial(node), dial(node), dial(node)] as const
    clients[0].socket.write(encodeStream({ kind: 'error', error: 'x' }))
    clients[1].socket.write(encodeStream({ kind: 'ack', seqNo: 1, payload: new Uint8Array(0) }))
    clients[2].socket.write(encodeStream({ kind: 'user', payload: new Uint8Array(0) }))
    await until(() => clients.every(({ closed }) => closed()))
    expect(node.gossip.stats().drops).toEqual({ 'unasked-reply': 2 })
    expect(node.delegate.messages).toEqual([])
  })
})

describe('peers that answer badly', () => {
  async function server(answer: Uint8Array | undefined): Promise<string> {
    const open = new Set<Socket>()
    const listener = createServer((socket) => {
      open.add(socket)
      socket.on('error', () => undefined)
      socket.once('data', () => (answer === undefined ? undefined : socket.end(answer)))
    })
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => {
      for (const socket of open) socket.destroy()
      listener.close()
    })
    const address = listener.address()
    return `127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`
  }

  it.each([
    ['never', undefined, 'timeout'],
    ['by closing', new Uint8Array(0), 'closes the connection without a reply'],
    ['with an error', encodeStream({ kind: 'error', error: 'no key' }), 'the peer refused: no key'],
    [
      'with another kind',
      encodeStream({ kind: 'ack', seqNo: 1, payload: new Uint8Array(0) }),
      'the peer answered with ack',
    ],
    ['with garbage', Uint8Array.of(99, 1, 2), 'unreadable reply: unknown-type'],
    ['with half an answer', Uint8Array.of(6, 0x83, 0xa4), 'closes the connection without a reply'],
  ])('a join answered %s fails with the reason', async (_, answer, reason) => {
    const node = await quiet({ tcpTimeoutMs: 200 })
    const address = await server(answer)
    expect(await node.gossip.join([address])).toMatchObject({
      contacted: 0,
      failed: [{ address, reason: expect.stringContaining(reason) }],
    })
    expect(node.delegate.merged).toEqual([])
    await until(() => node.gossip.stats().outboundOpen === 0)
    expect(node.gossip.stats().events.push_pull_failed).toBe(1)
  })
})
