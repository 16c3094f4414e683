/** The member rules as whole drivers show them: over sockets, with delegates, logs and what is told to the application. */
import { afterEach, describe, expect, it } from 'vitest'
import type { Endpoint } from '../../../../src/gossip/core/endpoint.ts'
import type { Transport } from '../../../../src/gossip/io/transport.ts'
import { createUdpTcpTransport } from '../../../../src/gossip/io/udp-tcp-transport.ts'
import { until } from '../../../support/until.ts'
import { fastOptions, GossipRig, type TestNode } from './gossip-rig.ts'

const rig = new GossipRig()
afterEach(() => rig.stop())

async function trio(
  options: Parameters<typeof rig.started>[1] = {},
  transport?: (listen: Endpoint) => Transport,
): Promise<readonly [TestNode, TestNode, TestNode]> {
  const a = await rig.started('a', options, transport && { transport })
  const b = await rig.started('b', options)
  const c = await rig.started('c', options)
  for (const node of [b, c]) await node.gossip.join([a.at()])
  await until(() => [a, b, c].every((node) => node.gossip.members().length === 3))
  return [a, b, c]
}

/** UDP and TCP, except for what `shuts` answers true to. */
function shutting(shuts: (way: 'udp' | 'tcp', to: Endpoint) => boolean): (listen: Endpoint) => Transport {
  return (listen) => {
    const inner = createUdpTcpTransport(listen)
    const nowhere = { addr: Uint8Array.of(127, 0, 0, 1), port: 1 }
    return {
      bind: (handler) => inner.bind(handler),
      dial: (to, listener) => inner.dial(shuts('tcp', to) ? nowhere : to, listener),
      close: () => inner.close(),
      sendPacket: (to, bytes) => {
        if (!shuts('udp', to)) inner.sendPacket(to, bytes)
      },
    }
  }
}

function warned(node: TestNode, event: string): Readonly<Record<string, string | number>>[] {
  return node.logged
    .filter((line) => line.level === 'warn' && line.event === event)
    .map(({ fields }) => fields)
}

describe('admission', () => {
  it('a refused merge takes neither members nor state, on the side that refuses', async () => {
    const a = await rig.started('a')
    const b = rig.node('b')
    b.delegate.merges = (names) => !names.includes('a')
    await b.gossip.start()
    const { contacted, failed } = await b.gossip.join([a.at()])
    expect(contacted).toBe(0)
    expect(failed).toMatchObject([{ address: a.at(), reason: expect.stringContaining('does not admit') }])
    expect(b.delegate.merged).toEqual([])
    expect(b.gossip.exchangedWith('a')).toBe(false)
    expect(b.gossip.stats().events.merge_refused).toBe(1)
    expect(a.delegate.merged.map(({ state }) => state)).toEqual(['state of b'])
  })

  it('a member that is refused is listed by nobody who refuses it, though it could join', async () => {
    const a = rig.node('a')
    a.delegate.admits = (name) => name !== 'spy'
    await a.gossip.start()
    const b = await rig.started('b')
    await b.gossip.join([a.at()])
    const spy = await rig.started('spy')
    expect((await spy.gossip.join([a.at()])).contacted).toBe(1)
    await until(() => spy.sees('a') === 'alive' && (a.gossip.stats().events.member_refused ?? 0) > 0)
    expect([a.sees('spy'), a.sees('b')]).toEqual([undefined, 'alive'])
  })

  it('networks: who is outside sees and is not seen; whose own address is outside does not list itself', async () => {
    const strict = await rig.started('strict', { allowedNetworks: ['10.0.0.0/8', '127.0.0.2/32'] })
    const inside = await rig.started('inside', { listen: '127.0.0.2:0' })
    const { contacted } = await inside.gossip.join([strict.at()])
    expect(contacted).toBe(1)
    await until(() => strict.sees('inside') === 'alive')
    expect(strict.gossip.members().map(({ name }) => name)).toEqual(['inside'])
    expect(inside.sees('strict')).toBeUndefined()
    expect(warned(strict, 'self_outside_networks')).toHaveLength(1)
  })

  it('a network that is none fails the start, and nothing stays open', async () => {
    const node = rig.node('a', { allowedNetworks: ['10.0.0.0'] })
    await expect(node.gossip.start()).rejects.toMatchObject({ code: 'GOSSIP_NETWORK_MALFORMED' })
  })
})

describe('leaving and coming back', () => {
  it('needs no restart: a member that left joins again, is called on and calls again', async () => {
    const [a, b, c] = await trio()
    await b.gossip.leave(5000)
    await until(() => a.sees('b') === 'left' && c.sees('b') === 'left')
    b.gossip.rejoin()
    expect((await b.gossip.join([a.at()])).failed).toEqual([])
    await until(() => a.sees('b') === 'alive' && c.sees('b') === 'alive')
    expect(b.gossip.members().every(({ liveness }) => liveness === 'alive')).toBe(true)
    await c.gossip.stop()
    await until(() => b.sees('c') === 'dead')
    await b.gossip.leave(5000)
    await until(() => a.sees('b') === 'left')
  })

  it('of one that never left is nothing', async () => {
    const [a, b] = await trio()
    const before = b.gossip.members().find(({ isSelf }) => isSelf)?.incarnation
    b.gossip.rejoin()
    expect(b.gossip.members().find(({ isSelf }) => isSelf)?.incarnation).toBe(before)
    expect(a.sees('b')).toBe('alive')
  })
})

describe('one name, two processes', () => {
  it('both say so with both addresses, stay where they are, and it is over when one has gone', async () => {
    const c = await rig.started('c')
    const first = await rig.started('x')
    await first.gossip.join([c.at()])
    const second = await rig.started('x')
    await second.gossip.join([c.at()])
    await until(() => first.gossip.nameConflicts().length === 1 && second.gossip.nameConflicts().length === 1)
    expect(warned(first, 'name_taken_twice')).toEqual([
      { node: 'x', address: first.at(), otherAddress: second.at() },
    ])
    expect(warned(second, 'name_taken_twice')).toEqual([
      { node: 'x', address: second.at(), otherAddress: first.at() },
    ])
    expect(c.sees('x')).toBe('alive')
    expect(c.gossip.members().find(({ name }) => name === 'x')?.endpoint).toEqual(first.gossip.advertise())
  })
})

describe('a broken path', () => {
  const slow = { ...fastOptions('').config, pushPullIntervalMs: 300 }

  it('for UDP alone is named on both sides, and told with what to check', async () => {
    let shut: Endpoint | undefined
    const [a, b] = await trio(
      {},
      shutting((way, to) => way === 'udp' && to.port === shut?.port),
    )
    shut = b.gossip.advertise()
    await until(() => a.gossip.paths().get('b')?.udp.state === 'failing')
    await until(() => b.gossip.paths().get('a')?.udp.state === 'failing')
    expect(a.gossip.paths().get('c')?.udp.state).toBe('ok')
    expect(warned(a, 'path_failing')).toMatchObject([
      { node: 'b', transport: 'udp', hint: expect.stringContaining(`UDP ${shut.port}`) },
    ])
    shut = undefined
    await until(() => a.gossip.paths().get('b')?.udp.state === 'ok')
    expect([a.sees('b'), b.sees('a')]).toEqual(['alive', 'alive'])
  })

  it('for TCP alone is named on the side that cannot dial', async () => {
    let shut: Endpoint | undefined
    const [a, b] = await trio(
      { config: slow },
      shutting((way, to) => way === 'tcp' && to.port === shut?.port),
    )
    shut = b.gossip.advertise()
    for (let i = 0; i < 3; i++) a.gossip.sendReliable('b', Uint8Array.of(i))
    await until(() => a.gossip.paths().get('b')?.tcp.state === 'failing')
    expect(a.gossip.paths().get('b')?.udp.state).toBe('ok')
    expect(warned(a, 'path_failing')).toMatchObject([{ node: 'b', transport: 'tcp' }])
    shut = undefined
    a.gossip.sendReliable('b', Uint8Array.of(9))
    await until(() => a.gossip.paths().get('b')?.tcp.state === 'ok')
    expect(b.gossip.paths().get('a')?.tcp.state).not.toBe('failing')
  })
})
