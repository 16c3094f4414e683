import { afterEach, describe, expect, it } from 'vitest'
import type { Endpoint } from '../../../../src/gossip/core/endpoint.ts'
import type { StreamMessage } from '../../../../src/gossip/core/messages.ts'
import { Alarms } from '../../../../src/gossip/io/alarms.ts'
import { Counters } from '../../../../src/gossip/io/counters.ts'
import { endpointFromText } from '../../../../src/gossip/io/endpoint-text.ts'
import { StreamClient } from '../../../../src/gossip/io/stream-client.ts'
import { StreamMemory } from '../../../../src/gossip/io/stream-memory.ts'
import { StreamOutbox, type StreamOutboxOptions } from '../../../../src/gossip/io/stream-outbox.ts'
import type { ReliableStream, StreamListener, Transport } from '../../../../src/gossip/io/transport.ts'
import { Turns } from '../../../../src/gossip/io/turns.ts'
import { MemoryNetwork } from '../../../../src/gossip/memory-transport.ts'
import { encodeStream, StreamReader } from '../../../../src/gossip/wire/stream.ts'
import { until } from '../../../support/until.ts'
import { text, utf8 } from './gossip-rig.ts'

const clock = { monotonicMs: () => performance.now(), wallMs: () => Date.now() }
const log = { debug: () => undefined, info: () => undefined, warn: () => undefined }
const open: Transport[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((transport) => transport.close()))
})

/** A peer that closes each stream once it has read the message, as every memberlist does. */
interface Peer {
  readonly at: Endpoint
  readonly heard: string[]
  readonly streams: ReliableStream[]
}

async function rig(options: Partial<StreamOutboxOptions>) {
  const network = new MemoryNetwork()
  const ours = network.transport(endpointFromText('127.0.0.1', 0))
  const deaf = { packet: () => undefined, packetFailed: () => undefined }
  await ours.bind({ ...deaf, accept: () => ({ data: () => undefined, closed: () => undefined }) })
  open.push(ours)
  const peer = async (): Promise<Peer> => {
    const transport = network.transport(endpointFromText('127.0.0.1', 0))
    open.push(transport)
    const heard: string[] = []
    const streams: ReliableStream[] = []
    const at = await transport.bind({
      ...deaf,
      accept: (stream) => {
        const reader = new StreamReader({ label: '' })
        streams.push(stream)
        return {
          data: (chunk) => {
            const message = reader.push(chunk)
            if (message !== 'need-more' && 'kind' in message && message.kind === 'user') {
              heard.push(text(message.payload))
              stream.end()
            }
          },
          closed: () => undefined,
        }
      },
    })
    return { at, heard, streams }
  }
  const counters = new Counters(clock, log)
  const alarms = new Alarms(clock, true)
  const client = new StreamClient(
    ours,
    alarms,
    counters,
    { label: '', compress: false },
    new StreamMemory(clock, new Alarms(clock, true), { bytesMax: 1e6, timeoutMs: 10_000 }),
    new Turns(),
  )
  const outbox = new StreamOutbox(clock, client, counters, {
    outboundStreamsMax: 64,
    outboundStreamsPerPeerMax: 8,
    outboxBytesMax: 1000,
    tcpTimeoutMs: 10_000,
    ...options,
  })
  return { outbox, counters, client, peer }
}

/** An outbox whose streams never finish, so that limits show: the client dials, and nobody ever answers. */
function stuck(options: Partial<StreamOutboxOptions>) {
  const dialled: string[] = []
  const ended: number[] = []
  const finish: ((failed: boolean) => void)[] = []
  const transport: Transport = {
    bind: () => Promise.reject(new Error('not used')),
    sendPacket: () => undefined,
    close: () => Promise.resolve(),
    dial: (remote, listener) => {
      let sent = ''
      finish.push((failed) => listener.closed(failed ? new Error('refused') : undefined))
      return {
        remote,
        unsentBytes: 0,
        pause: () => undefined,
        resume: () => undefined,
        send: (bytes) => {
          sent = text(bytes).slice(-1)
          dialled.push(`${remote.port}:${sent}`)
        },
        end: () => void ended.push(remote.port),
        destroy: () => undefined,
      }
    },
  }
  const counters = new Counters(clock, log)
  const client = new StreamClient(
    transport,
    new Alarms(clock, true),
    counters,
    {
      label: '',
      compress: false,
    },
    new StreamMemory(clock, new Alarms(clock, true), { bytesMax: 1e6, timeoutMs: 10_000 }),
    new Turns(),
  )
  const outbox = new StreamOutbox(clock, client, counters, {
    outboundStreamsMax: 64,
    outboundStreamsPerPeerMax: 8,
    outboxBytesMax: 1000,
    tcpTimeoutMs: 10_000,
    ...options,
  })
  return { outbox, counters, client, dialled, ended, finish }
}

/** A client of one exchange, and what becomes of its reply. */
function asked(request: StreamMessage) {
  const heard: StreamListener[] = []
  const transport: Transport = {
    bind: () => Promise.reject(new Error('not used')),
    sendPacket: () => undefined,
    close: () => Promise.resolve(),
    dial: (remote, listener) => {
      heard.push(listener)
      const nothing = (): void => undefined
      return {
        remote,
        unsentBytes: 0,
        pause: nothing,
        resume: nothing,
        send: nothing,
        end: nothing,
        destroy: nothing,
      }
    },
  }
  const counters = new Counters(clock, log)
  const alarms = new Alarms(clock, true)
  const memory = new StreamMemory(clock, alarms, { bytesMax: 30e6, timeoutMs: 10_000 })
  const framing = { label: '', compress: false }
  const client = new StreamClient(transport, alarms, counters, framing, memory, new Turns())
  const outcome = client.ask(A, request, clock.monotonicMs() + 5000)
  return { outcome, memory, counters, reply: (bytes: Uint8Array) => heard[0]?.data(bytes) }
}

const A = endpointFromText('10.0.0.1', 1)
const B = endpointFromText('10.0.0.1', 2)
const C = endpointFromText('10.0.0.1', 3)

describe('stream outbox', () => {
  it('with one stream a peer, messages arrive in the order they were added', async () => {
    const { outbox, counters, peer } = await rig({ outboundStreamsPerPeerMax: 1 })
    const { at, heard } = await peer()
    for (let i = 0; i < 20; i++) outbox.add(at, utf8(`m${i}`))
    await until(() => counters.events.toRecord().reliable_delivered === 20)
    expect(heard).toEqual(Array.from({ length: 20 }, (_, i) => `m${i}`))
    expect(outbox.waiting).toEqual({ messages: 0, bytes: 0 })
  })

  it('no more than the limit run towards one peer, and the rest starts in order', async () => {
    const { outbox, client, dialled, finish } = stuck({ outboundStreamsPerPeerMax: 2 })
    for (const letter of 'abcde') outbox.add(A, utf8(letter))
    expect(dialled).toEqual(['1:a', '1:b'])
    expect(outbox.waiting).toEqual({ messages: 3, bytes: 3 })
    finish[1]?.(false)
    await until(() => dialled.length === 3)
    expect(dialled[2]).toBe('1:c')
    expect(client.open).toBe(2)
  })

  it('the receiver is left to close first, for else our ports to it would be taken for a minute each', async () => {
    const { outbox, counters, dialled, ended, finish } = stuck({})
    outbox.add(A, utf8('a'))
    expect(dialled).toEqual(['1:a'])
    finish[0]?.(false)
    await until(() => counters.events.toRecord().reliable_delivered === 1)
    expect(ended).toEqual([])
  })

  it('no more than the limit run in all, and peers take turns', async () => {
    const { outbox, dialled, finish } = stuck({ outboundStreamsMax: 2 })
    for (const letter of 'abc') outbox.add(A, utf8(letter))
    for (const letter of 'de') outbox.add(B, utf8(letter))
    outbox.add(C, utf8('f'))
    expect(dialled).toEqual(['1:a', '1:b'])
    for (let i = 0; i < 4; i++) {
      finish[i]?.(false)
      await until(() => dialled.length === 3 + i)
    }
    expect(dialled.slice(2, 5).map((line) => line.slice(0, 1))).toEqual(
      expect.arrayContaining(['1', '2', '3']),
    )
    expect(dialled.filter((line) => line.startsWith('1')).map((line) => line.slice(2))).toEqual([
      'a',
      'b',
      'c',
    ])
  })

  it('what does not fit the byte bound is dropped and counted, and room comes back', async () => {
    const { outbox, counters, dialled, finish } = stuck({ outboundStreamsMax: 1, outboxBytesMax: 10 })
    outbox.add(A, utf8('x'))
    outbox.add(A, utf8('1234567y'))
    outbox.add(A, utf8('123'))
    expect(counters.events.toRecord()).toEqual({ reliable_overflow: 1 })
    expect(outbox.waiting).toEqual({ messages: 1, bytes: 8 })
    finish[0]?.(false)
    await until(() => dialled.length === 2)
    outbox.add(A, utf8('123456789z'))
    expect(outbox.waiting).toEqual({ messages: 1, bytes: 10 })
  })

  it('a peer that takes nothing cannot crowd out messages to the others', async () => {
    const { outbox, counters } = stuck({ outboundStreamsPerPeerMax: 1, outboxBytesMax: 10 })
    for (const letter of 'abcdefghijk') outbox.add(A, utf8(letter))
    outbox.add(B, utf8('1'))
    outbox.add(B, utf8('234'))
    expect(counters.events.toRecord()).toEqual({ reliable_overflow: 3 })
    expect(outbox.waiting).toEqual({ messages: 8, bytes: 10 })
    outbox.add(A, utf8('l'))
    expect(counters.events.toRecord()).toEqual({ reliable_overflow: 4 })
  })

  it('a failed message is counted and the next one goes on', async () => {
    const { outbox, counters, peer } = await rig({})
    const { at } = await peer()
    const nobody = endpointFromText('127.0.0.1', 5)
    outbox.add(nobody, utf8('lost'))
    outbox.add(at, utf8('kept'))
    await until(() => Object.keys(counters.events.toRecord()).length === 2)
    expect(counters.events.toRecord()).toEqual({ reliable_failed: 1, reliable_delivered: 1 })
  })

  it('cleared, it starts nothing more', async () => {
    const { outbox, client, dialled, finish } = stuck({ outboundStreamsMax: 1 })
    outbox.add(A, utf8('a'))
    outbox.add(A, utf8('b'))
    outbox.clear()
    finish[0]?.(true)
    await until(() => client.open === 0)
    await new Promise((resolve) => setImmediate(resolve))
    expect(dialled).toEqual(['1:a'])
    expect(outbox.waiting).toEqual({ messages: 0, bytes: 0 })
  })
})

describe('a reply', () => {
  const PING: StreamMessage = { kind: 'ping', seqNo: 7, node: 'b' }
  const STATE: StreamMessage = {
    kind: 'push-pull',
    join: false,
    nodes: [],
    userState: new Uint8Array(100_000),
  }
  const USER: StreamMessage = { kind: 'user', payload: new Uint8Array(100_000) }
  const LIST: StreamMessage = { ...STATE, nodes: [], userState: new Uint8Array(0) }

  it('to a ping that announces much is dropped, and books no room', async () => {
    for (const message of [STATE, USER]) {
      const { outcome, memory, reply } = asked(PING)
      reply(encodeStream(message).subarray(0, 50))
      expect(memory.bytes).toBe(0)
      expect(await outcome).toMatchObject({ type: 'failed', reason: 'unreadable reply: too-large' })
    }
  })

  it('to a ping is an ack or a complaint, and nothing else however small', async () => {
    const { outcome, counters, reply } = asked(PING)
    reply(encodeStream(LIST))
    expect(await outcome).toMatchObject({ type: 'failed', reason: 'the peer answered a ping with push-pull' })
    expect(counters.drops).toEqual({ 'unknown-type': 1 })
    const second = asked(PING)
    second.reply(encodeStream({ kind: 'ack', seqNo: 7, payload: new Uint8Array(8000) }))
    expect(await second.outcome).toMatchObject({ type: 'reply', message: { kind: 'ack' } })
  })

  it('to a push-pull may be long, unless it is none', async () => {
    const { outcome, memory, reply } = asked(STATE)
    const bytes = encodeStream(STATE)
    reply(bytes.subarray(0, 50))
    expect(memory.bytes).toBeGreaterThan(100_000)
    reply(bytes.subarray(50))
    expect(await outcome).toMatchObject({ type: 'reply', message: { kind: 'push-pull' } })
    const other = asked(STATE)
    other.reply(encodeStream(USER).subarray(0, 50))
    expect([await other.outcome, other.memory.bytes]).toMatchObject([{ type: 'failed' }, 0])
  })
})
