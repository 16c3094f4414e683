import { afterEach, describe, expect, it } from 'vitest'
import type { Endpoint } from '../../../../src/gossip/core/endpoint.ts'
import type { Transport } from '../../../../src/gossip/io/transport.ts'
import { createUdpTcpTransport } from '../../../../src/gossip/io/udp-tcp-transport.ts'
import { MemoryNetwork } from '../../../../src/gossip/memory-transport.ts'
import { until } from '../../../support/until.ts'
import { fastOptions, GossipRig, type TestNode, utf8 } from './gossip-rig.ts'

const rig = new GossipRig()
afterEach(() => rig.stop())

async function pair(): Promise<readonly [TestNode, TestNode]> {
  const a = await rig.started('a')
  const b = await rig.started('b')
  expect(await b.gossip.join([a.at()])).toEqual({ contacted: 1, reached: [a.at()], failed: [] })
  await until(() => a.sees('b') === 'alive' && b.sees('a') === 'alive')
  return [a, b]
}

/** UDP and TCP, except that packets for which `lose` answers true never leave. */
function losing(lose: () => boolean): (listen: Endpoint) => Transport {
  return (listen) => {
    const inner = createUdpTcpTransport(listen)
    return {
      bind: (handler) => inner.bind(handler),
      dial: (to, listener) => inner.dial(to, listener),
      close: () => inner.close(),
      sendPacket: (to, bytes) => {
        if (!lose()) inner.sendPacket(to, bytes)
      },
    }
  }
}

describe('driver', () => {
  it('two nodes that join see each other, and their delegates are told once', async () => {
    const [a, b] = await pair()
    for (const [node, other] of [
      [a, 'b'],
      [b, 'a'],
    ] as const) {
      const joins = node.delegate.events.filter(
        ({ type, member }) => type === 'join' && member.name === other,
      )
      expect(joins.length).toBe(1)
      expect(node.gossip.healthScore()).toBe(0)
    }
  })

  it('three nodes that join one of them all see each other', async () => {
    const [a, b] = await pair()
    const c = await rig.started('c')
    await c.gossip.join([a.at()])
    await until(() => b.sees('c') === 'alive' && c.sees('b') === 'alive' && a.sees('c') === 'alive')
    expect(c.gossip.members().length).toBe(3)
  })

  it('a broadcast reaches every other node', async () => {
    const [a, b] = await pair()
    const c = await rig.started('c')
    await c.gossip.join([b.at()])
    await until(() => a.sees('c') === 'alive' && c.sees('a') === 'alive')
    a.gossip.broadcast({ audience: 'native', payload: utf8('hello') })
    await until(() => b.delegate.messages.includes('hello') && c.delegate.messages.includes('hello'))
    expect(a.delegate.messages).toEqual([])
  })

  it('broadcasts of one turn share packets', async () => {
    const [a, b] = await pair()
    await until(() => a.gossip.stats().machine?.queues.membership.messages === 0)
    const before = a.gossip.stats().packets.sent ?? 0
    for (let i = 0; i < 100; i++) a.gossip.broadcast({ audience: 'native', payload: utf8(`n${i}`) })
    expect(a.gossip.stats().packets.sent).toBe(before)
    await until(() => new Set(b.delegate.messages).size === 100)
    expect((a.gossip.stats().packets.sent ?? 0) - before).toBeLessThan(20)
  })

  it('a reliable message arrives by stream, whatever its size', async () => {
    const [a, b] = await pair()
    const large = 'x'.repeat(300_000)
    a.gossip.sendReliable('b', utf8(large))
    a.gossip.sendReliable('nobody', utf8('lost'))
    await until(() => b.delegate.messages.length === 1)
    expect(b.delegate.messages).toEqual([large])
    await until(() => a.gossip.stats().events.reliable_delivered === 1)
    expect(a.gossip.stats().outbox).toEqual({ messages: 0, bytes: 0 })
  })

  it('a join carries the state of both sides, and the responder sees the other half before it answers', async () => {
    const [a, b] = await pair()
    expect(b.delegate.merged.map(({ state }) => state)).toEqual(['state of a'])
    expect(a.delegate.merged.map(({ state }) => state)).toEqual(['state of b'])
    const unknown = { peer: undefined, peerClass: undefined }
    expect(b.delegate.asked).toEqual([{ join: true, remoteState: undefined, ...unknown }])
    expect(a.delegate.asked).toEqual([
      { join: true, remoteState: utf8('state of b'), peer: 'b', peerClass: 'native' },
    ])
    expect(b.delegate.merged[0]?.exchange).toEqual({
      join: true,
      remoteState: undefined,
      peer: 'a',
      peerClass: 'native',
    })
  })

  it('a later exchange names a known peer and its class, and an empty state is not merged', async () => {
    const [a, b] = await pair()
    a.delegate.state = new Uint8Array(0)
    expect(await b.gossip.pushPullNow('a')).toBe(true)
    expect(b.delegate.asked[1]).toEqual({
      join: false,
      remoteState: undefined,
      peer: 'a',
      peerClass: 'native',
    })
    expect(b.delegate.merged.length).toBe(1)
    expect(a.delegate.merged[1]?.exchange.join).toBe(false)
    expect(await b.gossip.pushPullNow()).toBe(true)
    expect(await b.gossip.pushPullNow('nobody')).toBe(false)
  })

  it('acks tell native members what the delegate says, with the round trip, and foreign ones nothing', async () => {
    const [a, b] = await pair()
    const foreigner = await rig.started('c', { meta: utf8('') })
    foreigner.delegate.payload = () => utf8('from c')
    a.delegate.payload = (peer) => utf8(`a to ${peer}`)
    await foreigner.gossip.join([a.at()])
    await until(() => b.delegate.acks.length > 0 && (foreigner.gossip.stats().received.ack ?? 0) > 1)
    expect(b.delegate.acks[0]).toMatchObject({ peer: 'a', payload: 'a to b' })
    expect(b.delegate.acks[0]?.rttMs).toBeGreaterThan(0)
    expect([...foreigner.delegate.acks, ...a.delegate.acks]).toEqual([])
  })

  it('where a member died, the class of whoever listens there now is unknown', async () => {
    const a = await rig.started('a')
    const b = await rig.started('b')
    await a.gossip.join([b.at()])
    const at = b.at()
    await b.gossip.stop()
    await until(() => a.sees('b') === 'dead')
    const heir = await rig.started('heir', { listen: at, meta: utf8('another') })
    a.delegate.asked.length = 0
    await a.gossip.join([at])
    expect(a.delegate.asked).toMatchObject([{ peer: undefined, peerClass: undefined }])
    expect(heir.delegate.merged).toHaveLength(1)
  })

  it('behind one address with several classes of peers the responder does not guess', async () => {
    const [a] = await pair()
    const c = await rig.started('c', { meta: utf8('') })
    await c.gossip.join([a.at()])
    await until(() => c.sees('b') === 'alive')
    await c.gossip.pushPullNow('a')
    expect(a.delegate.asked.at(-1)).toMatchObject({ peer: undefined, peerClass: undefined })
    expect(c.delegate.asked.at(-1)).toMatchObject({ peer: 'a', peerClass: 'native' })
  })

  it('behind one address with several peers of one class the responder knows the class, not the name', async () => {
    const [a] = await pair()
    const c = await rig.started('c')
    await c.gossip.join([a.at()])
    await until(() => c.sees('b') === 'alive')
    await c.gossip.pushPullNow('a')
    expect(a.delegate.asked.at(-1)).toMatchObject({ peer: undefined, peerClass: 'native' })
  })

  it('a graceful leave is seen as left within a second, and the leaver still answers', async () => {
    const [a, b] = await pair()
    const startedAt = performance.now()
    await b.gossip.leave(5000)
    await until(() => a.sees('b') === 'left', 1000)
    expect(performance.now() - startedAt).toBeLessThan(1000)
    expect(a.delegate.events.at(-1)).toMatchObject({ type: 'leave', member: { name: 'b', liveness: 'left' } })
    expect(await a.gossip.pushPullNow('b')).toBe(true)
    await b.gossip.leave(5000)
  })

  it('a graceful leave whose first datagram is lost is seen as left all the same', async () => {
    let toLose = 0
    const network = new MemoryNetwork({ filter: () => toLose === 0 || toLose-- === 0 })
    const transport = (listen: Endpoint): Transport => network.transport(listen)
    const a = await rig.started('a', {}, { transport })
    const b = await rig.started('b', {}, { transport })
    await a.gossip.join([b.at()])
    await until(() => b.sees('a') === 'alive')
    toLose = 1
    await a.gossip.leave(1000)
    expect(toLose).toBe(0)
    await new Promise((resolve) => setImmediate(resolve))
    await a.gossip.stop()
    await until(() => b.sees('a') !== 'alive')
    expect(b.sees('a')).toBe('left')
  })

  it('a leave that nobody can be told resolves after its timeout', async () => {
    const b = await rig.started('b', {}, { transport: losing(() => true) })
    const a = await rig.started('a')
    await b.gossip.join([a.at()])
    await a.gossip.stop()
    await b.gossip.leave(50)
    expect(b.gossip.members().length).toBe(2)
  })

  it('a node that stops without leaving is noticed as dead', async () => {
    const [a, b] = await pair()
    await b.gossip.stop()
    await until(() => a.sees('b') === 'dead')
    expect(a.delegate.events.some(({ type, member }) => type === 'leave' && member.liveness === 'dead')).toBe(
      true,
    )
  })

  it('with UDP blocked in one direction the TCP fallback keeps the member alive and the score at 0', async () => {
    let blocked = false
    const a = await rig.started('a', {}, { transport: losing(() => blocked) })
    const b = await rig.started('b')
    await b.gossip.join([a.at()])
    await until(() => a.sees('b') === 'alive' && b.sees('a') === 'alive')
    blocked = true
    const pings = (): number => b.gossip.stats().sent.ping ?? 0
    const startedAt = pings()
    await until(() => pings() > startedAt + 20)
    expect([a.sees('b'), b.sees('a')]).toEqual(['alive', 'alive'])
    expect([a.gossip.healthScore(), b.gossip.healthScore()]).toEqual([0, 0])
    expect(b.gossip.stats().streams.dialled).toBeGreaterThan(5)
  })

  it('a probe that the host refuses to send goes on by stream at once, not after its timeout', async () => {
    const refusing = (listen: Endpoint): Transport => {
      const inner = createUdpTcpTransport(listen)
      let fail: (to: Endpoint) => void = () => undefined
      return {
        bind: (handler) => {
          fail = (to) => queueMicrotask(() => handler.packetFailed(to, new Error('no route')))
          return inner.bind(handler)
        },
        dial: (to, listener) => inner.dial(to, listener),
        close: () => inner.close(),
        sendPacket: (to) => fail(to),
      }
    }
    const config = { ...fastOptions('a').config, probeTimeoutMs: 60_000, probeIntervalMs: 120_000 }
    const b = await rig.started('b')
    // The first probe starts at a random time within the interval: this draws 0.6 s.
    const random = { next: () => 0.005, below: () => 0 }
    const a = await rig.started('a', { config }, { transport: refusing, random })
    await a.gossip.join([b.at()])
    await until(() => (a.gossip.stats().sent.ping ?? 0) >= 2, 5000)
    expect(a.gossip.stats().packets['send-failed']).toBeGreaterThan(0)
    expect(a.sees('b')).toBe('alive')
  })

  it('members of different labels do not meet, and the same label does', async () => {
    const a = await rig.started('a', { label: 'blue' })
    const b = await rig.started('b', { label: 'blue' })
    const stranger = await rig.started('stranger', { tcpTimeoutMs: 200 })
    expect((await b.gossip.join([a.at()])).contacted).toBe(1)
    expect((await stranger.gossip.join([a.at()])).contacted).toBe(0)
    await until(() => a.gossip.stats().drops['label-mismatch'] === 1)
    a.gossip.broadcast({ audience: 'native', payload: utf8('inside') })
    await until(() => b.delegate.messages.includes('inside') && a.sees('b') === 'alive')
    expect(a.sees('stranger')).toBeUndefined()
  })

  it('compressed streams and packets are understood', async () => {
    const a = await rig.started('a', { compress: true })
    const b = await rig.started('b', { compress: true })
    expect((await b.gossip.join([a.at()])).contacted).toBe(1)
    a.gossip.broadcast({ audience: 'native', payload: utf8('z'.repeat(500)) })
    await until(() => b.delegate.messages.length > 0)
    expect(b.delegate.merged[0]?.state).toBe('state of a')
  })

  it('drivers meet over the in-memory transport as they do over sockets', async () => {
    const network = new MemoryNetwork()
    const deps = { transport: (listen: Endpoint) => network.transport(listen) }
    const a = await rig.started('a', {}, deps)
    const b = await rig.started('b', {}, deps)
    expect((await b.gossip.join([a.at()])).contacted).toBe(1)
    a.gossip.broadcast({ audience: 'native', payload: utf8('hello') })
    await until(() => b.delegate.messages.includes('hello'))
  })
})

describe('driver life', () => {
  it('a join tells which addresses failed and why, leaves ourselves out, and asks each peer once', async () => {
    const a = await rig.started('a')
    const b = await rig.started('b', {}, { lookup: async (host) => (host === 'peers' ? ['127.0.0.1'] : []) })
    const gone = await rig.started('gone')
    const port = a.at().split(':')[1]
    await gone.gossip.stop()
    const result = await b.gossip.join([b.at(), a.at(), `peers:${port}`, 'nonsense', 'nowhere:1', gone.at()])
    expect(result.contacted).toBe(1)
    expect(result.failed.map(({ address }) => address).sort((x, y) => (x < y ? -1 : 1))).toEqual(
      [gone.at(), 'nonsense', 'nowhere:1'].sort((x, y) => (x < y ? -1 : 1)),
    )
    expect(result.failed.every(({ reason }) => reason.length > 0)).toBe(true)
    expect(b.delegate.asked.length).toBe(2)
  })

  it('a busy port fails the start by code, and what it opened is closed again', async () => {
    const a = await rig.started('a')
    const b = rig.node('b', { listen: a.at() })
    await expect(b.gossip.start()).rejects.toMatchObject({ code: 'GOSSIP_PORT_BUSY' })
    const c = rig.node('c', { advertise: 'not an address' })
    await expect(c.gossip.start()).rejects.toMatchObject({ code: 'GOSSIP_ADDRESS_MALFORMED' })
  })

  it('before start and after stop calls are refused or harmless', async () => {
    const node = rig.node('a')
    expect(() => node.gossip.advertise()).toThrow(expect.objectContaining({ code: 'GOSSIP_NOT_RUNNING' }))
    await expect(node.gossip.join([])).rejects.toMatchObject({ code: 'GOSSIP_NOT_RUNNING' })
    node.gossip.broadcast({ audience: 'native', payload: utf8('early') })
    expect(node.gossip.members()).toEqual([])
    expect(node.gossip.stats().machine).toBeUndefined()
    await node.gossip.start()
    await Promise.all([node.gossip.stop(), node.gossip.stop()])
    node.gossip.broadcast({ audience: 'native', payload: utf8('late') })
    node.gossip.sendReliable('a', utf8('late'))
    await node.gossip.leave(10_000)
    await expect(node.gossip.join([])).rejects.toMatchObject({ code: 'GOSSIP_NOT_RUNNING' })
  })

  it('a stop during the start leaves nothing open', async () => {
    const node = rig.node('a')
    const started = node.gossip.start()
    await Promise.all([started, node.gossip.stop()])
    const other = rig.node('b', { listen: node.at() })
    await other.gossip.start()
    expect(other.at()).toBe(node.at())
  })

  it('a stop ends the exchanges under way and the delegate is not called again', async () => {
    const [a, b] = await pair()
    const calls = (): number =>
      b.delegate.merged.length + b.delegate.events.length + b.delegate.messages.length
    const exchanges = Promise.all([b.gossip.join([a.at()]), b.gossip.pushPullNow('a')])
    const stopped = b.gossip.stop()
    const before = calls()
    await stopped
    const [joined, done] = await exchanges
    expect(joined.failed.length).toBe(1)
    expect(done).toBe(false)
    a.gossip.broadcast({ audience: 'native', payload: utf8('late') })
    await until(() => (a.gossip.stats().sent.user ?? 0) > 0)
    expect(calls()).toBe(before)
  })

  it('a reply that arrives in the turn of the stop is forgotten', async () => {
    const a = await rig.started('a')
    const stopping = (listen: Endpoint): Transport => {
      const inner = createUdpTcpTransport(listen)
      return {
        bind: (handler) => inner.bind(handler),
        close: () => inner.close(),
        sendPacket: (to, bytes) => inner.sendPacket(to, bytes),
        dial: (to, listener) =>
          inner.dial(to, {
            data: (chunk) => {
              listener.data(chunk)
              void b.gossip.stop()
            },
            closed: (error) => listener.closed(error),
          }),
      }
    }
    const b = await rig.started('b', {}, { transport: stopping })
    const { failed } = await b.gossip.join([a.at()])
    expect(failed).toEqual([{ address: a.at(), reason: 'stopped', isThere: false }])
    expect(b.delegate.merged).toEqual([])
  })

  it('the delegate may stop gossip from inside a callback', async () => {
    const [a, b] = await pair()
    b.delegate.userMessage = () => void b.gossip.stop()
    a.gossip.broadcast({ audience: 'native', payload: utf8('stop') })
    await until(() => a.sees('b') === 'dead')
    await b.gossip.stop()
    expect(b.gossip.stats().inboundOpen).toBe(0)
    await expect(b.gossip.join([])).rejects.toMatchObject({ code: 'GOSSIP_NOT_RUNNING' })
  })
})
