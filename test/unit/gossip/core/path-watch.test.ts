/** Which way to a peer works: told by name, once, and gone when it is over. */
import { describe, expect, it } from 'vitest'
import { Cluster, type ClusterNode, endpoint, Solo } from './fixtures.ts'

const NAMES = ['a', 'b', 'c']

function trio(overrides = {}): { cluster: Cluster; a: ClusterNode; b: ClusterNode } {
  const cluster = new Cluster()
  const nodes = NAMES.map((name, i) => cluster.add(name, 2000 + i, overrides))
  for (const node of nodes.slice(1)) cluster.join(node, 2000)
  cluster.runTo(5000)
  const [a, b] = nodes
  if (a === undefined || b === undefined) throw new Error('no nodes')
  return { cluster, a, b }
}

const between = (x: number, y: number) => (from: number, to: number) =>
  (from === x && to === y) || (from === y && to === x)

function states(cluster: Cluster, node: ClusterNode, peer: string): string {
  const paths = node.machine.paths(cluster.nowMs).get(peer)
  return `${paths?.udp.state} ${paths?.tcp.state}`
}

describe('a path', () => {
  it('is unknown at first, and ok once it was used', () => {
    const cluster = new Cluster()
    const a = cluster.add('a', 2000)
    cluster.join(cluster.add('b', 2001), 2000)
    expect(states(cluster, a, 'b')).toBe('unknown unknown')
    cluster.runTo(5000)
    expect(states(cluster, a, 'b')).toBe('ok unknown')
    a.machine.sendReliable(5000, 'b', Uint8Array.of(1))
    cluster.runTo(5010)
    expect(states(cluster, a, 'b')).toBe('ok ok')
    expect(a.machine.paths(cluster.nowMs).has('a')).toBe(false)
  })

  it('that loses UDP is named on both sides, with what works and what to check, and once', () => {
    const { cluster, a, b } = trio()
    cluster.udpLost = between(2000, 2001)
    cluster.runTo(30_000)
    expect(states(cluster, a, 'b')).toBe('failing ok')
    expect(states(cluster, b, 'a')).toBe('failing ok')
    expect(states(cluster, a, 'c')).toMatch(/^ok/)
    cluster.runTo(600_000)
    expect(a.noted('path_failing')).toEqual([
      'warn node=b transport=udp hint=UDP to b fails, TCP works: check the firewall for UDP 2001, both ways',
    ])
    expect(a.alive()).toEqual(NAMES)
  })

  it('is told once where memberlist warns at each probe', () => {
    const cluster = new Cluster()
    const a = cluster.add('a', 2000)
    cluster.join(cluster.add('b', 2001), 2000)
    cluster.udpLost = () => true
    cluster.runTo(600_000)
    const saved = a.noted('probe_stream_only')
    expect(saved.length).toBeGreaterThan(300)
    expect(new Set(saved)).toEqual(new Set(['debug node=b']))
    expect(a.noted('path_failing')).toHaveLength(1)
    expect(states(cluster, a, 'b')).toBe('failing ok')
  })

  it('that loses UDP one way only is named where acks are missed: on both sides', () => {
    const { cluster, a, b } = trio()
    cluster.udpLost = (from, to) => from === 2000 && to === 2001
    cluster.runTo(40_000)
    expect([states(cluster, a, 'b'), states(cluster, b, 'a')]).toEqual(['failing ok', 'failing ok'])
    const heard = (node: ClusterNode, peer: string): number =>
      cluster.nowMs - (node.machine.paths(cluster.nowMs).get(peer)?.udp.heardMs ?? 0)
    // What still arrives tells which way is shut.
    expect(heard(a, 'b')).toBeLessThan(5000)
    expect(heard(b, 'a')).toBeGreaterThan(30_000)
  })

  it('that loses TCP is named, found by a failed push-pull and tried again with pings', () => {
    const { cluster, a, b } = trio({ pushPullIntervalMs: 10_000 })
    cluster.tcpLost = between(2000, 2001)
    cluster.runTo(120_000)
    expect([states(cluster, a, 'b'), states(cluster, b, 'a')]).toEqual(['ok failing', 'ok failing'])
    expect(a.noted('path_failing')).toEqual([
      'warn node=b transport=tcp hint=TCP to b fails, UDP works: check the firewall for TCP 2001',
    ])
  })

  it('that loses both while others reach the peer is called that', () => {
    const { cluster, a } = trio()
    cluster.udpLost = between(2000, 2001)
    cluster.tcpLost = between(2000, 2001)
    cluster.runTo(60_000)
    expect(states(cluster, a, 'b')).toBe('failing failing')
    expect(a.noted('path_failing').at(-1)).toContain('neither UDP nor TCP to b works, though other members')
    expect(a.alive()).toEqual(NAMES)
  })

  it('is ok again by itself, within seconds for UDP and TCP alike, and that is said', () => {
    const { cluster, a } = trio()
    cluster.udpLost = between(2000, 2001)
    cluster.tcpLost = between(2000, 2001)
    cluster.runTo(60_000)
    cluster.udpLost = () => false
    cluster.tcpLost = () => false
    cluster.runTo(75_000)
    expect(states(cluster, a, 'b')).toBe('ok ok')
    expect(a.noted('path_restored').map((line) => line.split(' ').slice(0, 3).join(' '))).toEqual([
      'info node=b transport=udp',
      'info node=b transport=tcp',
    ])
  })

  it('that comes and goes is told once in ten minutes', () => {
    const { cluster, a } = trio()
    for (let round = 1; round <= 20; round++) {
      cluster.udpLost = between(2000, 2001)
      cluster.runTo(round * 25_000)
      cluster.udpLost = () => false
      cluster.runTo(round * 25_000 + 5000)
    }
    const levels = a.noted('path_failing').map((line) => line.split(' ')[0])
    expect(levels.length).toBeGreaterThan(10)
    expect(levels.filter((level) => level === 'warn')).toHaveLength(1)
    expect(a.noted('path_restored').filter((line) => line.startsWith('info'))).toHaveLength(1)
  })

  it('of a peer that died is not called broken, and is unknown when it comes back', () => {
    const { cluster, a, b } = trio()
    cluster.kill(b)
    for (let i = 0; i < 20; i++) a.machine.sendReliable(cluster.nowMs, 'b', Uint8Array.of(i))
    cluster.runTo(30_000)
    expect(a.noted('path_failing')).toEqual([])
    expect(a.machine.paths(cluster.nowMs).has('b')).toBe(false)
    const again = cluster.add('b', 2001, {}, 5)
    cluster.join(again, 2000)
    expect(states(cluster, a, 'b')).toBe('unknown unknown')
  })

  it('with a tenth of all datagrams lost is not called broken for long', () => {
    const { cluster, a } = trio()
    let sent = 0
    cluster.udpLost = () => ++sent % 10 === 0
    cluster.runTo(1_200_000)
    expect(a.noted('path_failing').length).toBeLessThanOrEqual(1)
  })

  it('is not called broken on streams that failed during the probe: the peer may have died meanwhile', () => {
    const solo = new Solo({ gossipIntervalMs: 1e9, pushPullIntervalMs: 0 }).peer('a', 2000)
    solo.machine.start(0)
    const tcp = (): string | undefined => solo.machine.paths(solo.nowMs).get('a')?.tcp.state
    const probe = (failures: number): void => {
      const count = solo.sent('ping').length
      solo.advanceUntil(() => solo.sent('ping').length > count)
      solo.nowMs += 1
      for (let i = 0; i < failures; i++) solo.machine.streamDone(solo.nowMs, endpoint(2000), false)
      solo.receive(
        { kind: 'ack', seqNo: solo.sent('ping').at(-1)?.seqNo ?? 0, payload: new Uint8Array() },
        2000,
      )
    }
    probe(5)
    expect(tcp()).toBe('unknown')
    probe(0)
    expect(tcp()).toBe('failing')
    solo.machine.streamDone(solo.nowMs, endpoint(2000), true)
    expect(tcp()).toBe('ok')
  })
})
