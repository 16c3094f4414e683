import { describe, expect, it } from 'vitest'
import { INCARNATION_MAX } from '../../../../src/gossip/core/incarnation.ts'
import { ANSWERS_MAX } from '../../../../src/gossip/core/member-rules.ts'
import type { DeadMessage, SuspectMessage } from '../../../../src/gossip/core/messages.ts'
import { aliveOf, endpoint, recordOf, Solo, VSN } from './fixtures.ts'

function suspectOf(node: string, incarnation = 1, from = 'b'): SuspectMessage {
  return { kind: 'suspect', node, incarnation, from }
}

function deadOf(node: string, incarnation = 1, from = 'b'): DeadMessage {
  return { kind: 'dead', node, incarnation, from }
}

/** self, a (2000) and b (3000), everything said about them already sent. */
function trio(): Solo {
  const solo = new Solo({ retransmitMult: 1 }).peer('a', 2000).peer('b', 3000)
  return solo.flush().advanceTo(10).forget()
}

describe('alive', () => {
  it('about a new name makes one member, one join event and one broadcast', () => {
    const solo = new Solo({ retransmitMult: 1 }).peer('a', 2000).flush()
    expect(solo.machine.members().filter((member) => member.name === 'a')).toHaveLength(1)
    expect(solo.events()).toMatchObject([{ type: 'join', member: { name: 'a', liveness: 'alive' } }])
    expect(solo.sent('alive').filter((alive) => alive.node === 'a')).toHaveLength(1)
  })

  it('with incarnation 0 never joins', () => {
    const solo = new Solo().peer('a', 2000, { incarnation: 0 })
    expect(solo.member('a')).toBeUndefined()
  })

  it('of the same incarnation changes nothing, neither for the dead nor for the suspect', () => {
    const solo = trio()
    solo.receive(suspectOf('a')).receive(aliveOf('a', 2000))
    expect(solo.liveness('a')).toBe('suspect')
    solo.receive(deadOf('a')).receive(aliveOf('a', 2000))
    expect(solo.liveness('a')).toBe('dead')
  })

  it('of a higher incarnation clears a suspect, without a second join event', () => {
    const solo = trio().receive(suspectOf('a'))
    solo.receive(aliveOf('a', 2000, { incarnation: 2 }))
    expect(solo.liveness('a')).toBe('alive')
    expect(solo.events()).toEqual([])
    solo.advanceTo(60_000)
    expect(solo.events('leave').map((event) => event.member.name)).not.toContain('a')
  })

  it('of a higher incarnation on an alive member does not restart its age', () => {
    const solo = new Solo({ deadNodeReclaimMs: 0, gossipToTheDeadMs: 1000 })
    solo.peer('a', 2000).peer('a', 2000, { incarnation: 2 })
    expect(solo.member('a')?.incarnation).toBe(2)
    expect(solo.events().map((event) => event.type)).toEqual(['join'])
  })

  it('with other meta is an update event and may change the class', () => {
    const solo = trio().receive(aliveOf('a', 2000, { incarnation: 2, meta: Uint8Array.of(9) }))
    expect(solo.events()).toMatchObject([{ type: 'update', member: { name: 'a', peerClass: 'foreign' } }])
  })

  it('revives the dead only above every incarnation that was ever in evidence', () => {
    const solo = trio().receive(deadOf('a', 1)).receive(deadOf('a', 10))
    solo.receive(aliveOf('a', 2000, { incarnation: 2 }))
    expect(solo.liveness('a')).toBe('dead')
    solo.receive(aliveOf('a', 2000, { incarnation: 11 }))
    expect(solo.liveness('a')).toBe('alive')
    expect(solo.events().map((event) => event.type)).toEqual(['leave', 'join'])
  })

  it('with port 0 gets our own port', () => {
    const solo = new Solo().peer('a', 0)
    expect(solo.member('a')?.endpoint.port).toBe(1000)
  })

  it.each([
    ['an all-zero version', Uint8Array.of(0, 0, 0, 0, 0, 0)],
    ['no version', new Uint8Array()],
    ['five version bytes', VSN.subarray(0, 5)],
    ['seven version bytes', Uint8Array.of(...VSN, 0)],
    ['a minimum above its maximum', Uint8Array.of(5, 1, 2, 0, 0, 0)],
    ["Serf's delegate versions", Uint8Array.of(1, 5, 2, 2, 5, 5)],
  ])('with %s is not admitted and not passed on', (_name, vsn) => {
    const solo = trio().peer('odd', 4000, { vsn }).flush()
    expect(solo.member('odd')).toBeUndefined()
    expect(solo.sent('alive')).toEqual([])
  })

  it('whose versions do not fit is named with its address, and with what it means', () => {
    const told = (vsn: Uint8Array): string => {
      const { effects } = new Solo().peer('odd', 4000, { vsn })
      const [note] = effects.filter(
        (one) => one.type === 'note' && one.event === 'alive_version_incompatible',
      )
      const { address, vsn: shown, advice } = note?.type === 'note' ? note.fields : {}
      return [address, shown, advice].join(' ')
    }
    const serf = told(Uint8Array.of(1, 5, 2, 2, 5, 5))
    expect(serf).toMatch(/^127\.0\.0\.1:4000 1\.5\.2\.2\.5\.5 .*delegate versions 2 to 5 .*ours 0 to 0.*Serf/)
    expect(told(Uint8Array.of(1, 6, 6, 0, 0, 0))).toMatch(
      /protocol versions 1 to 6 \(6 in use\).*ours 1 to 5/,
    )
  })

  it('with an address that is no IP, an empty or an endless name, or a huge meta is dropped', () => {
    const solo = trio()
    solo.receive(aliveOf('odd', 4000, { endpoint: { addr: Uint8Array.of(1, 2, 3), port: 1 } }))
    solo.peer('', 4000)
    solo.peer('x'.repeat(1025), 4000)
    solo.peer('odd', 4000, { meta: new Uint8Array(4097) })
    expect(solo.machine.members()).toHaveLength(3)
    expect(solo.notes('alive_malformed')).toHaveLength(4)
  })

  it('about more names than the bound is counted and dropped', () => {
    const solo = new Solo({ membersMax: 3 })
    for (let i = 0; i < 5; i++) solo.peer(`m${i}`, 2000 + i)
    expect(solo.machine.members()).toHaveLength(3)
    expect(solo.notes('members_full')).toHaveLength(3)
  })

  it('of members that would cost more than the bound together is dropped, and a longer meta is not taken', () => {
    const solo = new Solo({ memberBytesMax: 8300 })
    const meta = new Uint8Array(1000)
    solo.peer('large', 2000, { meta }).peer('second', 2001, { meta })
    expect([solo.member('large')?.meta.length, solo.member('second')]).toEqual([1000, undefined])
    solo.peer('small', 2002, { meta: new Uint8Array(0) })
    solo.peer('small', 2002, { meta: new Uint8Array(4000), incarnation: 2 })
    expect(solo.member('small')).toMatchObject({ incarnation: 2, meta: new Uint8Array(0) })
    expect(solo.notes('members_full')).toHaveLength(2)
    solo.peer('large', 2000, { meta: new Uint8Array(0), incarnation: 2 })
    solo.peer('small', 2002, { meta: new Uint8Array(500), incarnation: 3 })
    expect(solo.member('small')?.meta.length).toBe(500)
  })
})

describe('the same name from another address', () => {
  it('is a conflict while the member is alive: event, no broadcast, no change', () => {
    const solo = trio()
      .receive(aliveOf('a', 9999, { incarnation: 5 }))
      .flush()
    expect(solo.member('a')?.endpoint.port).toBe(2000)
    expect(solo.events()).toMatchObject([{ type: 'conflict', otherEndpoint: endpoint(9999) }])
    expect(solo.sent('alive')).toEqual([])
  })

  it('takes 4 and 16 bytes of the same IPv4 for different addresses', () => {
    const addr = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 127, 0, 0, 1)
    const solo = trio().receive(aliveOf('a', 2000, { incarnation: 5, endpoint: { addr, port: 2000 } }))
    expect(solo.events('conflict')).toHaveLength(1)
  })

  it('is accepted when the former one left, whatever the incarnation', () => {
    const solo = trio().receive(deadOf('a', 7, 'a'))
    expect(solo.liveness('a')).toBe('left')
    solo.receive(aliveOf('a', 9999))
    expect(solo.member('a')).toMatchObject({ liveness: 'alive', incarnation: 1, endpoint: endpoint(9999) })
  })

  it('is accepted when the former one has been dead for the reclaim time, not before', () => {
    const solo = trio().receive(deadOf('a'))
    solo.advanceTo(10_000).receive(aliveOf('a', 9999))
    expect(solo.liveness('a')).toBe('dead')
    solo.advanceTo(10_011).receive(aliveOf('a', 9999))
    expect(solo.member('a')).toMatchObject({ liveness: 'alive', endpoint: endpoint(9999) })
  })

  it('never takes over the dead when reclaiming is off', () => {
    const solo = new Solo({ deadNodeReclaimMs: 0 }).peer('a', 2000).receive(deadOf('a'))
    solo.advanceTo(1_000_000).receive(aliveOf('a', 9999, { incarnation: 9 }))
    expect(solo.liveness('a')).toBe('dead')
  })
})

describe('suspect', () => {
  it('of an unknown name or an old incarnation is ignored', () => {
    const solo = trio().peer('a', 2000, { incarnation: 5 }).flush().forget()
    solo.receive(suspectOf('nobody')).receive(suspectOf('a', 4)).flush()
    expect(solo.member('nobody')).toBeUndefined()
    expect(solo.liveness('a')).toBe('alive')
    expect(solo.sent('suspect')).toEqual([])
  })

  it('changes the state, is passed on, and ends in a dead broadcast after the wait', () => {
    const solo = trio().receive(suspectOf('a', 3)).flush()
    expect(solo.member('a')).toMatchObject({ liveness: 'suspect', incarnation: 3 })
    expect(solo.sent('suspect')).toMatchObject([{ node: 'a', incarnation: 3, from: 'b' }])
    solo.advanceTo(4009)
    expect(solo.liveness('a')).toBe('suspect')
    solo.advanceTo(4011)
    expect(solo.liveness('a')).toBe('dead')
    expect(solo.sent('dead')).toMatchObject([{ node: 'a', incarnation: 3, from: 'self' }])
    expect(solo.events()).toMatchObject([{ type: 'leave', member: { name: 'a' } }])
  })

  it('repeated by the same accuser is not passed on again', () => {
    const solo = trio().receive(suspectOf('a')).flush().forget()
    solo.receive(suspectOf('a')).receive(suspectOf('a')).flush()
    expect(solo.sent('suspect')).toEqual([])
  })

  it('confirmed by a live member is passed on and shortens the wait; strangers and the dead do not count', () => {
    const solo = trio().peer('c', 4000).peer('d', 5000).flush().advanceTo(20).forget()
    solo.receive(deadOf('d')).receive(suspectOf('a', 1, 'b'))
    for (const from of ['stranger', 'd', '', 'a']) solo.receive(suspectOf('a', 1, from))
    solo.flush().forget()
    solo.receive(suspectOf('a', 1, 'c')).flush()
    expect(solo.sent('suspect')).toMatchObject([{ from: 'c' }])
    // n = 5, k = 2: 24 s, and floor(24 - 20 x ln 2 / ln 3) = 11.381 s after one confirmation.
    solo.advanceTo(20 + 11_380)
    expect(solo.liveness('a')).toBe('suspect')
    solo.advanceTo(20 + 11_382)
    expect(solo.liveness('a')).toBe('dead')
  })

  it('after a refutation starts a new doubt with its full wait', () => {
    const solo = trio().receive(suspectOf('a')).advanceTo(3000)
    solo.receive(aliveOf('a', 2000, { incarnation: 2 })).receive(suspectOf('a', 2))
    expect(solo.liveness('a')).toBe('suspect')
    solo.advanceTo(6999)
    expect(solo.liveness('a')).toBe('suspect')
    solo.advanceTo(7001)
    expect(solo.liveness('a')).toBe('dead')
  })

  it('without an accuser, or by the accused itself, is dropped', () => {
    const solo = trio()
      .receive(suspectOf('a', 1, ''))
      .receive(suspectOf('a', 1, 'a'))
    expect(solo.liveness('a')).toBe('alive')
    expect(solo.notes('suspect_malformed')).toHaveLength(2)
  })

  it('at an incarnation that nobody could refute is not believed', () => {
    const solo = trio().receive(suspectOf('a', INCARNATION_MAX)).receive(deadOf('a', INCARNATION_MAX))
    expect(solo.member('a')).toMatchObject({ liveness: 'alive', incarnation: 1 })
    expect(solo.notes('incarnation_implausible')).toHaveLength(2)
  })
})

describe('dead', () => {
  it('is a leave event and is passed on; said again it is ignored', () => {
    const solo = trio().receive(deadOf('a')).flush()
    expect(solo.liveness('a')).toBe('dead')
    expect(solo.events()).toMatchObject([{ type: 'leave' }])
    expect(solo.sent('dead')).toHaveLength(1)
    solo
      .forget()
      .receive(deadOf('a'))
      .receive(deadOf('a', 1, 'a'))
      .flush()
    expect([solo.events(), solo.sent('dead'), solo.liveness('a')]).toEqual([[], [], 'dead'])
  })

  it('said by the member itself means that it left', () => {
    const solo = trio().receive(deadOf('a', 1, 'a'))
    expect(solo.liveness('a')).toBe('left')
    expect(solo.events('leave')).toHaveLength(1)
  })

  it('of an unknown name or an old incarnation is ignored', () => {
    const solo = trio().peer('a', 2000, { incarnation: 5 }).receive(deadOf('nobody')).receive(deadOf('a', 4))
    expect(solo.liveness('a')).toBe('alive')
    expect(solo.member('nobody')).toBeUndefined()
  })

  it('ends a running suspicion: the later timer does nothing', () => {
    const solo = trio()
      .receive(suspectOf('a'))
      .receive(deadOf('a', 1, 'a'))
      .advanceTo(10_000)
    expect(solo.liveness('a')).toBe('left')
    expect(solo.events('leave').filter((event) => event.member.name === 'a')).toHaveLength(1)
  })
})

describe('a stale alive', () => {
  it('is answered with the accusation when the member itself sends it, so that it can refute', () => {
    const solo = trio().receive(deadOf('a', 7)).flush().forget()
    solo.receive(aliveOf('a', 2000), 2000)
    expect(solo.packets).toMatchObject([
      { port: 2000, messages: [{ kind: 'suspect', node: 'a', incarnation: 7, from: 'self' }] },
    ])
  })

  it('is answered ten times a second at most, however many come: where from may be forged', () => {
    const solo = trio().receive(deadOf('a', 7)).flush().forget()
    for (let i = 0; i < 500; i++) solo.receive(aliveOf('a', 2000), 2000)
    expect(solo.packets).toHaveLength(1)
    solo.nowMs += 100
    solo.receive(aliveOf('a', 2000), 2000)
    expect(solo.packets).toHaveLength(2)
  })

  it('is not answered when it is hearsay, or when there is no accusation', () => {
    const solo = trio().receive(deadOf('a', 7)).flush().forget()
    solo.receive(aliveOf('a', 2000), 3000).receive(aliveOf('b', 3000), 3000)
    expect(solo.packets).toEqual([])
  })
})

describe('a stale alive in a list', () => {
  it('has the member told at its own address, whoever the list is from', () => {
    const solo = trio().receive(deadOf('a', 7)).flush().forget()
    solo.machine.mergeNodes(solo.nowMs, [recordOf('a', 2000), recordOf('b', 3000)], false)
    expect(solo.packets).toMatchObject([
      { port: 2000, messages: [{ kind: 'suspect', node: 'a', incarnation: 7, from: 'self' }] },
    ])
  })

  it('has no more than 16 members told in a second, however long the list', () => {
    const solo = new Solo({ gossipIntervalMs: 1e9 })
    const list = Array.from({ length: 100 }, (_, i) => recordOf(`m${i}`, 3000 + i))
    solo.machine.mergeNodes(0, list, false)
    for (const { name } of list) solo.receive(deadOf(name, 7))
    solo.flush().forget()
    for (let round = 0; round < 3; round++) solo.machine.mergeNodes(10, list, false)
    expect(solo.packets).toHaveLength(ANSWERS_MAX)
    solo.machine.mergeNodes(1010, list, false)
    expect(solo.packets).toHaveLength(2 * ANSWERS_MAX)
  })
})

describe('merging a list of nodes', () => {
  it('takes alive as alive, suspect and dead as suspect, left as left, the unknown dead as nothing', () => {
    const solo = trio().peer('c', 4000).peer('d', 5000).receive(suspectOf('d', 1)).forget()
    solo.machine.mergeNodes(
      solo.nowMs,
      [
        recordOf('a', 2000, { liveness: 'suspect' }),
        recordOf('b', 3000, { liveness: 'dead' }),
        recordOf('c', 4000, { liveness: 'left' }),
        recordOf('d', 5000, { incarnation: 2 }),
        recordOf('new', 6000),
        recordOf('gone', 7000, { liveness: 'dead' }),
      ],
      true,
    )
    const states = ['a', 'b', 'c', 'd', 'new', 'gone'].map((name) => solo.liveness(name))
    expect(states).toEqual(['suspect', 'suspect', 'left', 'alive', 'alive', undefined])
    expect(solo.events('join').map((event) => event.member.name)).toEqual(['new'])
  })

  it('skips an unfit node and merges its neighbours', () => {
    const solo = new Solo()
    const nodes = [
      recordOf('a', 2000),
      recordOf('odd', 3000, { vsn: Uint8Array.of(1, 5, 2, 2, 5, 5) }),
      recordOf('short', 3001, { vsn: Uint8Array.of(1) }),
      recordOf('b', 4000),
    ]
    solo.machine.mergeNodes(0, nodes, false)
    expect(['a', 'odd', 'short', 'b'].map((name) => solo.liveness(name))).toEqual([
      'alive',
      undefined,
      undefined,
      'alive',
    ])
  })

  it('is what our own records feed: self, suspects, dead and left included', () => {
    const solo = trio()
      .peer('c', 4000)
      .receive(suspectOf('a'))
      .receive(deadOf('b', 1, 'a'))
      .receive(deadOf('c', 1, 'c'))
    const states = Object.fromEntries(solo.machine.nodeRecords().map((node) => [node.name, node.liveness]))
    expect(states).toEqual({ self: 'alive', a: 'suspect', b: 'dead', c: 'left' })
  })
})

describe('reaping', () => {
  it('forgets the dead and the departed after the gossip-to-the-dead time, not before', () => {
    const solo = new Solo({ gossipToTheDeadMs: 5000, probeIntervalMs: 100, probeTimeoutMs: 50 })
    solo.peer('a', 2000).peer('b', 3000)
    solo.receive(deadOf('a')).receive(deadOf('b', 1, 'b'))
    solo.machine.start(0)
    solo.advanceTo(4900)
    expect([solo.liveness('a'), solo.liveness('b')]).toEqual(['dead', 'left'])
    solo.advanceTo(5400)
    expect([solo.member('a'), solo.member('b')]).toEqual([undefined, undefined])
    expect(solo.notes('member_reaped')).toHaveLength(2)
  })
})
