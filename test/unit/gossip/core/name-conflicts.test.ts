/** Two processes under one name: both know, neither is out of service, and it is over by itself. */
import { describe, expect, it } from 'vitest'
import { NAMESAKES_MAX } from '../../../../src/gossip/core/name-conflicts.ts'
import { aliveOf, Cluster, type ClusterNode, endpoint, recordOf, Solo } from './fixtures.ts'

/** c and the first `x` (2001) in one cluster, then a second `x` (2002) that joins c. */
function namesakes(): { cluster: Cluster; c: ClusterNode; first: ClusterNode; second: ClusterNode } {
  const cluster = new Cluster()
  const c = cluster.add('c', 2000)
  const first = cluster.add('x', 2001)
  cluster.join(first, 2000)
  cluster.runTo(5000)
  const second = cluster.add('x', 2002)
  cluster.join(second, 2000)
  return { cluster, c, first, second }
}

function conflictsOf(node: ClusterNode): string[] {
  return node.machine
    .nameConflicts()
    .map(({ name, isSelf, endpoint: at, otherEndpoint }) =>
      [name, isSelf ? 'self' : 'other', at.port, otherEndpoint.port].join(' '),
    )
}

describe('a name that two processes have', () => {
  it('is known to both at once, with both addresses, though they joined by a third', () => {
    const { cluster, first, second } = namesakes()
    cluster.runTo(5100)
    expect(conflictsOf(first)).toEqual(['x self 2001 2002'])
    expect(conflictsOf(second)).toEqual(['x self 2002 2001'])
    expect(first.noted('name_taken_twice')).toEqual([
      'warn node=x address=127.0.0.1:2001 otherAddress=127.0.0.1:2002',
    ])
    expect(second.noted('name_taken_twice')).toHaveLength(1)
  })

  it('is known to a bystander once it has lasted longer than a restart', () => {
    const { cluster, c } = namesakes()
    cluster.runTo(15_000)
    expect(conflictsOf(c)).toEqual([])
    cluster.runTo(45_000)
    expect(conflictsOf(c)).toEqual(['x other 2001 2002'])
  })

  it('is said once in ten minutes for as long as it lasts, and nobody is put out of the cluster', () => {
    const { cluster, c, first, second } = namesakes()
    cluster.runTo(595_000)
    expect([first, second, c].map((node) => node.noted('name_taken_twice').length)).toEqual([1, 1, 1])
    cluster.runTo(650_000)
    expect([first, second, c].map((node) => node.noted('name_taken_twice').length)).toEqual([2, 2, 2])
    expect([c.alive(), first.alive(), second.alive()]).toEqual([
      ['c', 'x'],
      ['c', 'x'],
      ['c', 'x'],
    ])
    expect(first.machine.selfIncarnation() + second.machine.selfIncarnation()).toBeLessThan(10)
  })

  it.each(['the first', 'the second'])('is over soon after %s has gone', (who) => {
    const { cluster, c, first, second } = namesakes()
    cluster.runTo(60_000)
    const [gone, stays] = who === 'the first' ? [first, second] : [second, first]
    cluster.kill(gone)
    cluster.runTo(107_000)
    expect(conflictsOf(c)).toEqual([])
    expect(c.noted('name_conflict_over')).toEqual([
      'info node=x address=127.0.0.1:2001 otherAddress=127.0.0.1:2002',
    ])
    cluster.runTo(120_000)
    expect(conflictsOf(stays)).toEqual([])
    expect(stays.noted('name_conflict_over')).toHaveLength(1)
    cluster.runTo(300_000)
    expect(conflictsOf(c)).toEqual([])
    expect([c.alive(), stays.alive()]).toEqual([
      ['c', 'x'],
      ['c', 'x'],
    ])
  })

  it('is none after a restart under another address: a former self does not answer', () => {
    const { cluster, first, second, c } = namesakes()
    cluster.kill(first)
    cluster.runTo(120_000)
    expect(second.noted('name_taken_twice')).toEqual([])
    expect(c.noted('name_taken_twice')).toEqual([])
    expect(c.alive()).toEqual(['c', 'x'])
  })

  it('is believed without an answer when it is claimed for half a minute, where UDP between the two is blocked', () => {
    const cluster = new Cluster()
    const fast = { pushPullIntervalMs: 10_000 }
    cluster.add('c', 2000, fast)
    const first = cluster.add('x', 2001, fast)
    cluster.join(first, 2000)
    cluster.udpLost = (from, to) => from + to === 2001 + 2002
    cluster.runTo(5000)
    const second = cluster.add('x', 2002, fast)
    cluster.join(second, 2000)
    cluster.runTo(20_000)
    expect(conflictsOf(second)).toEqual([])
    cluster.runTo(60_000)
    expect(conflictsOf(second)).toEqual(['x self 2002 2001'])
  })
})

describe('whom nobody lists', () => {
  const isUnlisted = (solo: Solo): boolean[] =>
    solo.machine.nameConflicts().map((conflict) => conflict.isUnlisted)

  /** self, whose namesake at 4444 has answered, after a list of `by` that has our name at `port`. */
  function afterList(by: number, port: number): Solo {
    const solo = new Solo({ gossipIntervalMs: 1e9 }).receive(aliveOf('self', 4444))
    const [ask] = solo.sent('ping')
    solo.receive({ kind: 'ack', seqNo: ask?.seqNo ?? 0, payload: new Uint8Array() }, 4444)
    solo.machine.listedBy(0, endpoint(by), [recordOf('self', port)])
    return solo
  }

  it('is who stands under another address in the lists of others', () => {
    expect(isUnlisted(afterList(2000, 4444))).toEqual([true])
  })

  it('is not who stands there under its own address, nor anybody by the word of its namesake', () => {
    expect(isUnlisted(afterList(2000, 1000))).toEqual([false])
    expect(isUnlisted(afterList(4444, 4444))).toEqual([false])
  })

  it('is not who is listed by one and not by another, and is who was listed until 150 s ago', () => {
    const solo = afterList(2000, 4444)
    solo.machine.listedBy(1000, endpoint(3000), [recordOf('self', 1000)])
    solo.machine.listedBy(60_000, endpoint(2000), [recordOf('self', 4444)])
    expect(isUnlisted(solo)).toEqual([false])
    solo.machine.listedBy(151_001, endpoint(2000), [recordOf('self', 4444)])
    expect(isUnlisted(solo)).toEqual([true])
  })

  it('is nobody whom members ping by name, so that one that lies puts nobody out of service', () => {
    const solo = new Solo({ gossipIntervalMs: 1e9 }).peer('b', 2000).receive(aliveOf('self', 4444))
    const [ask] = solo.sent('ping')
    solo.receive({ kind: 'ack', seqNo: ask?.seqNo ?? 0, payload: new Uint8Array() }, 4444)
    solo.machine.listedBy(0, endpoint(3000), [recordOf('self', 4444)])
    expect(isUnlisted(solo)).toEqual([true])
    const ping = { kind: 'ping', seqNo: 1, node: 'self', sourceNode: 'b' } as const
    solo.receive({ ...ping, source: endpoint(5000) }, 5000).receive({ ...ping, node: '' }, 2000)
    expect(isUnlisted(solo)).toEqual([true])
    solo.receive({ ...ping, source: endpoint(2000) }, 2000)
    expect(isUnlisted(solo)).toEqual([false])
  })

  it('is nobody when the former holder of the name is dead', () => {
    const solo = new Solo()
    solo.machine.listedBy(0, endpoint(2000), [recordOf('self', 4444, { liveness: 'dead' })])
    solo.receive(aliveOf('self', 4444))
    expect(isUnlisted(solo)).toEqual([])
  })
})

describe('a claim to our name', () => {
  function asks(solo: Solo): { port: number; seqNo: number }[] {
    return solo.packets.flatMap(({ port, messages: [first] }) =>
      first?.kind === 'ping' && first.node === 'self' ? [{ port, seqNo: first.seqNo }] : [],
    )
  }

  it('is asked about with a ping for our name and our alive, and an ack from there proves it', () => {
    const solo = new Solo({ gossipIntervalMs: 1e9 }).receive(aliveOf('self', 4444))
    const [ask] = asks(solo)
    expect(solo.packets).toMatchObject([
      {
        port: 4444,
        messages: [
          { kind: 'ping', node: 'self', sourceNode: 'self', source: endpoint(1000) },
          { kind: 'alive', node: 'self', endpoint: endpoint(1000) },
        ],
      },
    ])
    solo.receive({ kind: 'ack', seqNo: ask?.seqNo ?? 0, payload: new Uint8Array() }, 5555)
    expect(solo.machine.nameConflicts()).toEqual([])
    solo.receive({ kind: 'ack', seqNo: ask?.seqNo ?? 0, payload: new Uint8Array() }, 4444)
    expect(solo.machine.nameConflicts()).toMatchObject([{ name: 'self', isSelf: true }])
  })

  it('is asked about without our alive once we have left, which would call us back', () => {
    const solo = new Solo({ gossipIntervalMs: 1e9 }).receive(aliveOf('self', 4444))
    solo.machine.leave(0)
    solo.forget().advanceTo(10_000)
    expect(asks(solo).map(({ port }) => port)).toEqual([4444])
    expect(solo.sent('alive')).toEqual([])
  })

  it('makes us send a few packets in ten seconds at most, however many are forged, and for some minutes only', () => {
    const solo = new Solo({ gossipIntervalMs: 1e9 })
    for (let port = 2000; port < 2500; port++) solo.receive(aliveOf('self', port))
    expect(solo.packets).toHaveLength(NAMESAKES_MAX)
    solo.advanceTo(9999)
    expect(solo.packets).toHaveLength(NAMESAKES_MAX)
    solo.advanceTo(1_000_000)
    expect(solo.packets).toHaveLength(NAMESAKES_MAX * 16)
    expect(solo.machine.nextWakeAt()).toBeUndefined()
  })

  it('at another address of our own is none: our question comes back to us', () => {
    const solo = new Solo({ gossipIntervalMs: 1e9 }).receive(aliveOf('self', 4444))
    const [ask] = asks(solo)
    const ping = { kind: 'ping', seqNo: ask?.seqNo ?? 0, node: 'self', source: endpoint(1000) } as const
    solo.receive({ ...ping, sourceNode: 'self' }, 1000)
    solo.receive({ kind: 'ack', seqNo: ping.seqNo, payload: new Uint8Array() }, 4444)
    solo.forget().receive(aliveOf('self', 4444)).advanceTo(60_000)
    expect([solo.packets, solo.machine.nameConflicts()]).toEqual([[], []])
  })

  it('is one where a namesake plays our question back, since that address is not ours', () => {
    const isOwn = ({ port }: { readonly port: number }): boolean => port !== 4444
    const solo = new Solo({ gossipIntervalMs: 1e9 }, 0, 1, undefined, { isOwn }).receive(
      aliveOf('self', 4444),
    )
    const [ask] = asks(solo)
    const ping = { kind: 'ping', seqNo: ask?.seqNo ?? 0, node: 'self', source: endpoint(1000) } as const
    solo.receive({ ...ping, sourceNode: 'self' }, 4444)
    solo.receive({ kind: 'ack', seqNo: ping.seqNo, payload: new Uint8Array() }, 4444)
    expect(solo.machine.nameConflicts()).toMatchObject([{ otherEndpoint: endpoint(4444) }])
  })

  it('at another address of our own is asked about again after ten minutes', () => {
    const solo = new Solo({ gossipIntervalMs: 1e9 }).receive(aliveOf('self', 4444))
    const ping = { kind: 'ping', node: 'self', sourceNode: 'self', source: endpoint(1000) } as const
    solo.receive({ ...ping, seqNo: asks(solo)[0]?.seqNo ?? 0 }, 1000)
    solo.forget().advanceTo(599_999).receive(aliveOf('self', 4444))
    expect(asks(solo)).toEqual([])
    solo.advanceTo(600_000).receive(aliveOf('self', 4444))
    expect(asks(solo).map(({ port }) => port)).toEqual([4444])
  })

  it('outside the allowed networks is none', () => {
    const solo = new Solo({}, 0, 1, undefined, { allowsAddress: ([first]) => first === 127 })
    solo.receive(aliveOf('self', 53, { endpoint: { addr: Uint8Array.of(192, 0, 2, 1), port: 53 } }))
    expect(solo.packets).toEqual([])
  })
})

describe('claims to the names of others', () => {
  it('are remembered up to a bound, so that a forger fills nothing but that', () => {
    const solo = new Solo({ gossipIntervalMs: 1e9 }).peer('a', 2000)
    for (let port = 3000; port < 3500; port++) solo.receive(aliveOf('a', port))
    solo.advanceTo(31_000)
    for (let port = 3000; port < 3500; port++) solo.receive(aliveOf('a', port))
    expect(solo.machine.nameConflicts()).toHaveLength(60)
    solo.receive(aliveOf('self', 4444))
    expect(solo.portsSent('ping')).toContain(4444)
  })

  it('by ping count: who names a member as its sender and another address as its own', () => {
    const solo = new Solo({ gossipIntervalMs: 1e9 }).peer('a', 2000)
    const ping = { kind: 'ping', seqNo: 1, node: 'self', source: endpoint(3000), sourceNode: 'a' } as const
    solo.receive(ping, 3000).advanceTo(30_000).receive(ping, 3000)
    expect(solo.machine.nameConflicts()).toMatchObject([
      { name: 'a', endpoint: endpoint(2000), otherEndpoint: endpoint(3000), sinceMs: 0, seenMs: 30_000 },
    ])
  })
})
