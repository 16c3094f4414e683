import { type AddressInfo, createServer, type Socket } from 'node:net'
import { afterEach, describe, expect, it, onTestFinished } from 'vitest'
import { endpointFromText, endpointToText } from '../../../../src/gossip/io/endpoint-text.ts'
import type { GossipDeps } from '../../../../src/gossip/io/gossip.ts'
import { createUdpTcpTransport } from '../../../../src/gossip/io/udp-tcp-transport.ts'
import { until } from '../../../support/until.ts'
import { fastOptions, GossipRig } from './gossip-rig.ts'

const rig = new GossipRig()
afterEach(() => rig.stop())

/** Probes that never come to a verdict: nobody is suspected in these tests. */
const UNSUSPECTING = { ...fastOptions('x').config, suspicionMult: 1e6 }
/** An Alertmanager's rule: a name is its address's until it is forgotten. */
const NO_RECLAIM = { ...UNSUSPECTING, deadNodeReclaimMs: 0, probeIntervalMs: 1e6 }

describe('reconnect loops', () => {
  it('a dead member that comes back without calling anybody is found, even after it was reaped', async () => {
    const config = { ...fastOptions('a').config, gossipToTheDeadMs: 50 }
    const a = await rig.started('a', { reconnectIntervalMs: 50, config })
    const b = await rig.started('b')
    const at = b.at()
    await b.gossip.join([a.at()])
    await until(() => a.sees('b') === 'alive')
    await b.gossip.stop()
    await until(() => a.delegate.events.some(({ type }) => type === 'leave') && a.sees('b') === undefined)
    expect(a.gossip.stats().remembered).toBe(1)
    await until(() => (a.gossip.stats().events.reconnect_failed ?? 0) > 0)
    const again = await rig.started('b', { listen: at })
    await until(() => a.sees('b') === 'alive' && again.sees('a') === 'alive')
    expect(a.gossip.stats().remembered).toBe(0)
    expect(a.gossip.stats().events.reconnected).toBe(1)
  })

  it('a configured peer that starts later is joined by its name, and once', async () => {
    const port = await (async () => {
      const probe = await rig.started('probe')
      await probe.gossip.stop()
      return probe.gossip.advertise().port
    })()
    let lookups = 0
    const lookup = async (): Promise<string[]> => {
      lookups++
      return ['127.0.0.1']
    }
    const a = await rig.started('a', { refreshIntervalMs: 20, peers: [`b.example:${port}`] }, { lookup })
    await until(() => (a.gossip.stats().events.refresh_failed ?? 0) > 1)
    const late = await rig.started('late', { listen: `127.0.0.1:${port}` })
    await until(() => a.sees('late') === 'alive' && late.sees('a') === 'alive')
    const seen = lookups
    await until(() => lookups > seen + 5)
    expect(a.gossip.stats().events.refresh_joined).toBe(1)
  })

  it('after a leave nobody is called any more', async () => {
    const a = await rig.started('a', {
      reconnectIntervalMs: 20,
      refreshIntervalMs: 20,
      peers: ['127.0.0.1:1'],
    })
    await until(() => (a.gossip.stats().events.refresh_failed ?? 0) > 0)
    await a.gossip.leave(1000)
    await until(() => a.gossip.stats().outboundOpen === 0)
    const { dialled } = a.gossip.stats().streams
    const quietUntil = performance.now() + 100
    await until(() => performance.now() > quietUntil)
    expect(a.gossip.stats().streams.dialled).toBe(dialled)
  })

  it('a lost peer whose port hangs holds up no call on another', async () => {
    const sockets = new Set<Socket>()
    const mute = createServer((socket) => void sockets.add(socket))
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy()
      mute.close()
    })
    const { port } = mute.address() as AddressInfo
    const b = await rig.started('b')
    await b.gossip.stop()
    const a = await rig.started('a', {
      reconnectIntervalMs: 50,
      remembered: [
        { name: 'mute', endpoint: endpointFromText('127.0.0.1', port) },
        { name: 'b', endpoint: b.gossip.advertise() },
      ],
    })
    await until(() => sockets.size === 1 && (a.gossip.stats().events.reconnect_failed ?? 0) > 0)
    await rig.started('b', { listen: b.at() })
    await until(() => a.sees('b') === 'alive')
    expect(sockets.size).toBe(1)
    expect(a.gossip.lostPeers().map(({ name }) => name)).toEqual(['mute'])
  })

  it('remembered peers are joined although nobody is configured, and not without being remembered', async () => {
    const b = await rig.started('b')
    const remembered = [{ name: 'b', endpoint: b.gossip.advertise() }]
    const a = await rig.started('a', { reconnectIntervalMs: 50, remembered })
    const forgetful = await rig.started('c', { reconnectIntervalMs: 50 })
    await until(() => a.sees('b') === 'alive' && b.sees('a') === 'alive')
    expect(forgetful.gossip.members().map(({ name }) => name)).toEqual(['c'])
  })

  it('of many lost peers that open at once one is asked, and tells of the others', async () => {
    const nodes = await Promise.all(['b', 'c', 'd', 'e'].map((name) => rig.started(name)))
    const [b, ...others] = nodes
    for (const other of others) await other.gossip.join([b?.at() ?? ''])
    const remembered = nodes.map(({ gossip }) => ({ name: gossip.name, endpoint: gossip.advertise() }))
    const a = await rig.started('a', { reconnectIntervalMs: 50, remembered })
    await until(() => nodes.every(({ gossip }) => a.sees(gossip.name) === 'alive'))
    await until(() => a.gossip.stats().outboundOpen === 0)
    expect(a.gossip.stats().events.reconnected).toBe(1)
  })

  it('our own address, remembered as that of somebody else, is not called', async () => {
    const a = await rig.started('a', { reconnectIntervalMs: 20 })
    const at = a.gossip.advertise()
    await a.gossip.stop()
    const again = await rig.started('a', {
      listen: a.at(),
      reconnectIntervalMs: 20,
      remembered: [{ name: 'other', endpoint: at }],
    })
    await until(() => (again.gossip.stats().events.reconnect_failed ?? 0) > 1)
    expect(again.gossip.stats().streams.dialled ?? 0).toBe(0)
  })

  it('another process at the address of a member is asked who it is, long before the member is found dead', async () => {
    const a = await rig.started('a', { config: UNSUSPECTING })
    const b = await rig.started('b')
    await b.gossip.join([a.at()])
    // Later: what gossip still has to tell of them would reach the heir as well.
    await until(() => a.gossip.stats().machine?.queues.membership.messages === 0)
    await b.gossip.stop()
    const heir = await rig.started('heir', { listen: b.at() })
    await until(() => a.sees('heir') === 'alive' && heir.sees('a') === 'alive')
    expect(a.sees('b')).not.toBe('dead')
    expect(a.gossip.stats().events.stranger_asked).toBe(1)
  })

  it('a member that accepts streams and says nothing is no stranger', async () => {
    const a = await rig.started('a', { config: UNSUSPECTING })
    const b = await rig.started('b')
    await b.gossip.join([a.at()])
    await b.gossip.stop()
    const { port } = b.gossip.advertise()
    const sockets = new Set<Socket>()
    const stalled = createServer((socket) => void sockets.add(socket))
    await new Promise<void>((resolve) => stalled.listen(port, '127.0.0.1', resolve))
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy()
      stalled.close()
    })
    await until(() => sockets.size > 2)
    expect(a.gossip.stats().events.stranger_asked).toBeUndefined()
  })
})

describe('our own name, held for us at an address of an earlier life', () => {
  it('is ours again once nobody answers to it there', async () => {
    const a = await rig.started('a', { config: NO_RECLAIM })
    const b = await rig.started('b', { config: NO_RECLAIM })
    await b.gossip.join([a.at()])
    await b.gossip.stop()
    const again = await rig.started('b', { config: NO_RECLAIM })
    await again.gossip.join([a.at()])
    const seenAt = (): string | undefined => {
      const member = a.gossip.members().find(({ name, liveness }) => name === 'b' && liveness === 'alive')
      return member && endpointToText(member.endpoint)
    }
    expect(seenAt()).toBe(b.at())
    await until(() => seenAt() === again.at())
    expect(again.gossip.stats().events.own_name_refused).toBe(1)
  })

  it('stays with a namesake that answers', async () => {
    const a = await rig.started('a', { config: NO_RECLAIM })
    const first = await rig.started('b', { config: NO_RECLAIM })
    await first.gossip.join([a.at()])
    const second = await rig.started('b', { config: NO_RECLAIM })
    await second.gossip.join([a.at()])
    await until(() => (second.gossip.stats().events.own_name_refused ?? 0) > 0)
    // The knock is answered, and what would follow it if it were not had the time to come.
    await until(() => second.gossip.stats().outboundOpen === 0)
    await second.gossip.join([a.at(), first.at()])
    expect(a.sees('b')).toBe('alive')
    const held = a.gossip.members().find(({ name }) => name === 'b')
    expect(held && endpointToText(held.endpoint)).toBe(first.at())
    expect(first.logged.filter(({ event }) => event === 'accusation_refuted')).toEqual([])
  })

  it('stays with a namesake that peers reach, though our streams to it are refused', async () => {
    const a = await rig.started('a', { config: NO_RECLAIM })
    const first = await rig.started('b', { config: NO_RECLAIM })
    await first.gossip.join([a.at()])
    const banned = first.gossip.advertise().port
    const free = await rig.started('free', { config: NO_RECLAIM })
    const { port } = free.gossip.advertise()
    await free.gossip.stop()
    const walled: GossipDeps['transport'] = (listen) => {
      const inner = createUdpTcpTransport(listen)
      return {
        bind: (handlers) => inner.bind(handlers),
        sendPacket: (to, bytes) => inner.sendPacket(to, bytes),
        dial: (to, listener) => inner.dial(to.port === banned ? { ...to, port } : to, listener),
        close: () => inner.close(),
      }
    }
    const second = await rig.started('b', { config: NO_RECLAIM }, { transport: walled })
    await second.gossip.join([a.at()])
    await until(() => second.gossip.nameConflicts().some(({ isSelf }) => isSelf))
    // It asks again once it has decided.
    await until(() => (second.gossip.stats().events.own_name_refused ?? 0) > 1)
    const held = a.gossip.members().find(({ name }) => name === 'b')
    expect([held && endpointToText(held.endpoint), held?.liveness]).toEqual([first.at(), 'alive'])
    expect(first.logged.filter(({ event }) => event === 'accusation_refuted')).toEqual([])
  })
})
