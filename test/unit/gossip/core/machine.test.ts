import { describe, expect, it } from 'vitest'
import { decodeBatch } from '../../../../src/gossip/core/batch-frame.ts'
import { DEADLINES_PER_ADVANCE_MAX } from '../../../../src/gossip/core/machine.ts'
import type { PacketMessage } from '../../../../src/gossip/core/messages.ts'
import { aliveOf, Cluster, type ClusterNode, endpoint, Solo } from './fixtures.ts'

function joined(names: readonly string[], overrides = {}): { cluster: Cluster; nodes: ClusterNode[] } {
  const cluster = new Cluster()
  const nodes = names.map((name, i) => cluster.add(name, 2000 + i, overrides))
  for (const node of nodes.slice(1)) cluster.join(node, 2000)
  return { cluster, nodes }
}

function node(nodes: readonly ClusterNode[], index: number): ClusterNode {
  const found = nodes[index]
  if (found === undefined) throw new Error(`no node ${index}`)
  return found
}

const FIVE = ['a', 'b', 'c', 'd', 'e']

describe('a cluster', () => {
  it('knows every joiner a few milliseconds after it joined one member', () => {
    const { cluster } = joined(FIVE)
    cluster.runTo(10)
    expect(cluster.agreesOn(FIVE)).toBe(true)
  })

  it('stays healthy and quiet for ten minutes of mutual probing', () => {
    const { cluster, nodes } = joined(FIVE)
    cluster.runTo(600_000)
    expect(cluster.agreesOn(FIVE)).toBe(true)
    for (const member of nodes) {
      expect(member.machine.healthScore()).toBe(0)
      expect(member.machine.stats().queues.membership.messages).toBe(0)
      expect(member.events().filter((event) => event.startsWith('leave'))).toEqual([])
    }
    const perSecond = cluster.packetsSent / 600 / nodes.length
    expect(perSecond).toBeLessThan(2.5)
  })

  it('declares a killed member dead within probe and suspicion time, everywhere', () => {
    const { cluster, nodes } = joined(['a', 'b', 'c'])
    cluster.runTo(5000)
    cluster.kill(node(nodes, 2))
    cluster.runTo(5000 + 2000 + 1000 + 4000 + 100)
    expect([node(nodes, 0).liveness('c'), node(nodes, 1).liveness('c')]).toEqual(['dead', 'dead'])
    expect(node(nodes, 0).events()).toContain('leave c')
  })

  it('whose members all leave at once is done at once: nobody waits to tell who goes as well', () => {
    const { cluster, nodes } = joined(['a', 'b', 'c'])
    cluster.runTo(5000)
    for (const member of nodes) member.machine.leave(5000)
    cluster.runTo(5500)
    expect(nodes.map((member) => member.heard.filter((effect) => effect.type === 'left').length)).toEqual([
      1, 1, 1,
    ])
  })

  it('sees a graceful leave as left within milliseconds, and the leaver is done', () => {
    const { cluster, nodes } = joined(FIVE)
    cluster.runTo(5000)
    node(nodes, 4).machine.leave(5000)
    cluster.runTo(5010)
    expect(nodes.slice(0, 4).map((member) => member.liveness('e'))).toEqual(['left', 'left', 'left', 'left'])
    cluster.runTo(5300)
    expect(node(nodes, 4).heard.some((effect) => effect.type === 'left')).toBe(true)
  })

  it('keeps a member whose datagrams are lost one way, by TCP', () => {
    const { cluster, nodes } = joined(['a', 'b'])
    cluster.runTo(3000)
    cluster.udpLost = (_from, to) => to === 2001
    cluster.runTo(123_000)
    expect(cluster.agreesOn(['a', 'b'])).toBe(true)
    expect(
      node(nodes, 0)
        .events()
        .filter((event) => event === 'leave b'),
    ).toEqual([])
    expect(node(nodes, 0).machine.healthScore()).toBe(0)
  })

  it('keeps a member that one other cannot reach at all, through helpers', () => {
    const { cluster, nodes } = joined(FIVE)
    cluster.runTo(3000)
    const between = (from: number, to: number): boolean =>
      (from === 2000 && to === 2001) || (from === 2001 && to === 2000)
    cluster.udpLost = between
    cluster.tcpLost = between
    cluster.runTo(60_000)
    expect(cluster.agreesOn(FIVE)).toBe(true)
    expect(nodes.flatMap((member) => member.events()).filter((e) => e.startsWith('leave'))).toEqual([])
  })

  it('lets a falsely suspected member refute at once', () => {
    const { cluster, nodes } = joined(FIVE)
    cluster.runTo(3000)
    for (const accuser of [0, 1, 2]) {
      node(nodes, accuser).machine.receive(
        3000,
        { kind: 'suspect', node: 'e', incarnation: 1, from: 'd' },
        endpoint(2003),
      )
    }
    cluster.runTo(3050)
    expect(cluster.agreesOn(FIVE)).toBe(true)
    expect(node(nodes, 4).machine.selfIncarnation()).toBe(2)
  })

  it('takes back a member that crashed and restarts from nothing, by what its join tells it', () => {
    const { cluster, nodes } = joined(['a', 'b', 'c'])
    cluster.runTo(3000)
    node(nodes, 0).machine.receive(
      3000,
      { kind: 'dead', node: 'c', incarnation: 77, from: 'b' },
      endpoint(2001),
    )
    cluster.kill(node(nodes, 2))
    cluster.runTo(3100)
    const again = cluster.add('c', 2002)
    cluster.join(again, 2000)
    cluster.runTo(3200)
    expect(cluster.agreesOn(['a', 'b', 'c'])).toBe(true)
    expect(again.machine.selfIncarnation()).toBe(78)
  })

  it('takes back a restarted member even when its join tells it nothing: its stale alive is answered', () => {
    const { cluster, nodes } = joined(['a', 'b', 'c'])
    cluster.runTo(3000)
    node(nodes, 0).machine.receive(
      3000,
      { kind: 'dead', node: 'c', incarnation: 5, from: 'b' },
      endpoint(2001),
    )
    cluster.kill(node(nodes, 2))
    cluster.runTo(3100)
    const again = cluster.add('c', 2002)
    for (const [name, port] of [
      ['a', 2000],
      ['b', 2001],
    ] as const) {
      again.machine.receive(3100, aliveOf(name, port), endpoint(port))
    }
    cluster.runTo(3200)
    expect(cluster.agreesOn(['a', 'b', 'c'])).toBe(true)
  })

  it('heals after a partition shorter than the memory of the dead', () => {
    const { cluster, nodes } = joined(FIVE)
    cluster.runTo(3000)
    const split = (from: number, to: number): boolean => from < 2002 !== to < 2002
    cluster.udpLost = split
    cluster.tcpLost = split
    cluster.runTo(33_000)
    expect(node(nodes, 0).alive()).toEqual(['a', 'b'])
    cluster.udpLost = () => false
    cluster.tcpLost = () => false
    cluster.join(node(nodes, 0), 2004, false)
    cluster.runTo(35_000)
    expect(cluster.agreesOn(FIVE)).toBe(true)
  })

  it('brings a user message from one to all that relay it, in a few hops, and a new meta as an update', () => {
    const { cluster, nodes } = joined(['a', 'b', 'c'])
    cluster.runTo(5000)
    node(nodes, 0).machine.broadcast(5000, { audience: 'native', payload: Uint8Array.of(42) })
    node(nodes, 0).machine.updateMeta(5000, Uint8Array.of(0x68, 9))
    cluster.runTo(5003)
    for (const member of nodes.slice(1)) {
      expect(member.userMessages()).toContain(42)
      expect(member.events()).toContain('update a')
    }
  })

  it('brings a burst of 1,000 updates to every member in a few milliseconds', () => {
    const { cluster, nodes } = joined(['a', 'b', 'c'])
    cluster.runTo(5000)
    for (let i = 0; i < 1000; i++) {
      const payload = new Uint8Array(100)
      payload[0] = i & 255
      payload[1] = i >> 8
      node(nodes, 0).machine.broadcast(5000, { audience: 'native', payload })
    }
    cluster.runTo(5010)
    for (const member of nodes.slice(1)) {
      const entries = member.streamed.flatMap((payload) => decodeBatch(payload) ?? [])
      expect(new Set(entries.map((entry) => `${entry[0]}.${entry[1]}`)).size).toBe(1000)
    }
  })

  it('replays exactly: the same seeds give the same packets', () => {
    const run = (): string => {
      const { cluster, nodes } = joined(FIVE)
      cluster.runTo(2000)
      cluster.kill(node(nodes, 1))
      cluster.runTo(20_000)
      return JSON.stringify([cluster.packetsSent, cluster.nodes.map((member) => member.machine.members())])
    }
    expect(run()).toBe(run())
  })
})

describe('the machine', () => {
  it('says when to wake it, and does nothing before', () => {
    const solo = new Solo()
    expect(solo.machine.nextWakeAt()).toBeUndefined()
    solo.machine.start(0)
    solo.flush()
    const wakeMs = solo.machine.nextWakeAt() ?? 0
    solo.machine.advance(wakeMs - 0.001)
    expect(solo.machine.nextWakeAt()).toBe(wakeMs)
  })

  it('runs a bounded number of deadlines a call, and the rest in the next', () => {
    const solo = new Solo({ gossipIntervalMs: 1e9, probeIntervalMs: 1000 })
    for (let i = 0; i < 600; i++) solo.peer(`m${i}`, 2000 + i)
    solo.flush()
    for (let i = 0; i < 600; i++) {
      solo.receive({ kind: 'suspect', node: `m${i}`, incarnation: 1, from: 'x' })
    }
    solo.nowMs = 1e6
    solo.machine.advance(1e6)
    expect(solo.machine.nextWakeAt()).toBeLessThanOrEqual(1e6)
    for (let i = 0; i < Math.ceil(600 / DEADLINES_PER_ADVANCE_MAX) + 1; i++) solo.machine.advance(1e6)
    expect(solo.machine.nextWakeAt()).toBeGreaterThan(1e6)
  })

  it('counts members and reports queues', () => {
    const solo = new Solo().peer('a', 2000).peer('b', 3000, { meta: new Uint8Array() })
    solo.receive({ kind: 'dead', node: 'b', incarnation: 1, from: 'a' })
    expect(solo.machine.memberCount()).toBe(2)
    const stats = solo.machine.stats()
    expect(stats.members).toEqual({ alive: 2, suspect: 0, dead: 1, left: 0 })
    expect(stats.queues.membership.messages).toBe(2)
  })

  it('pinged by a stranger asks a member who that may be, every 5 s at most, and never the stranger', () => {
    const solo = new Solo({ pushPullIntervalMs: 0 }).peer('a', 2000)
    const ping = { kind: 'ping', seqNo: 1, node: 'self' } as const
    const exchanges = (): number[] => solo.ofType('push-pull').map(({ to }) => to.port)
    solo.receive({ ...ping, source: endpoint(2000), sourceNode: 'a' })
    solo.receive({ ...ping, node: 'other', source: endpoint(9000), sourceNode: 'stranger' })
    solo.receive({ ...ping, source: endpoint(9000) })
    expect(exchanges()).toEqual([])
    for (solo.nowMs = 0; solo.nowMs < 5000; solo.nowMs += 100) {
      solo.receive({ ...ping, source: endpoint(9000), sourceNode: `stranger-${solo.nowMs}` })
    }
    expect(exchanges()).toEqual([2000])
    solo.receive({ ...ping, source: endpoint(9000), sourceNode: 'stranger' })
    expect(exchanges()).toEqual([2000, 2000])
  })

  it('hands user messages to the delegate as they are', () => {
    const solo = new Solo().receive({ kind: 'user', payload: Uint8Array.of(1, 2) })
    expect(solo.ofType('user-message')).toEqual([{ type: 'user-message', payload: Uint8Array.of(1, 2) }])
  })

  it('survives messages with any numbers and names in them', () => {
    const solo = new Solo().peer('a', 2000)
    const names = ['', 'self', 'a', '__proto__', 'constructor', '\ud800', 'x'.repeat(70_000)]
    const numbers = [0, 1, 0x7fff_ffff, 0xffff_fffe, 0xffff_ffff]
    const addresses = [new Uint8Array(), Uint8Array.of(1), new Uint8Array(16), new Uint8Array(4)]
    const messages: PacketMessage[] = []
    for (const name of names) {
      for (const number of numbers) {
        for (const addr of addresses) {
          const place = { addr, port: number & 0xffff }
          messages.push(
            { kind: 'ping', seqNo: number, node: name, source: place, sourceNode: name },
            { kind: 'indirect-ping', seqNo: number, node: name, target: place, nack: true, source: place },
            { kind: 'ack', seqNo: number, payload: addr },
            { kind: 'nack', seqNo: number },
            { kind: 'suspect', incarnation: number, node: name, from: name },
            { kind: 'suspect', incarnation: number, node: 'a', from: name },
            { kind: 'dead', incarnation: number, node: name, from: '' },
            aliveOf(name, 0, { incarnation: number, endpoint: place, meta: addr }),
            { kind: 'user', payload: addr },
          )
        }
      }
    }
    solo.machine.start(0)
    messages.forEach((message, i) => {
      solo.receive(message, 1 + (i % 5000)).advanceTo(i * 10)
    })
    expect(solo.liveness('self')).toBe('alive')
    solo.receive({ kind: 'ping', seqNo: 3, node: 'self' }, 7)
    expect(solo.sent('ack').at(-1)?.seqNo).toBe(3)
  })
})
