import { describe, expect, it } from 'vitest'
import {
  INCARNATION_IMPLAUSIBLE_FROM,
  INCARNATION_MAX,
  Incarnation,
} from '../../../../src/gossip/core/incarnation.ts'
import { aliveOf, NATIVE_META, recordOf, Solo } from './fixtures.ts'

function withPeer(incarnation = 0): Solo {
  return new Solo({ retransmitMult: 1 }, incarnation).peer('a', 2000).flush().forget()
}

describe('incarnation', () => {
  it('starts above the persisted one and outbids every accusation', () => {
    const incarnation = new Incarnation(41)
    expect([incarnation.raise(), incarnation.raise(), incarnation.raise(100), incarnation.raise(3)]).toEqual([
      42, 43, 101, 102,
    ])
  })

  it('stops at the largest 32-bit value instead of wrapping to 0', () => {
    const incarnation = new Incarnation(INCARNATION_MAX - 1)
    expect([incarnation.raise(), incarnation.raise(), incarnation.raise(INCARNATION_MAX)]).toEqual(
      Array.from({ length: 3 }, () => INCARNATION_MAX),
    )
  })
})

describe('self under accusation', () => {
  it.each(['suspect', 'dead'] as const)('answers %s with a higher alive and a point of health', (kind) => {
    const solo = withPeer().receive({ kind, node: 'self', incarnation: 6, from: 'a' }).flush()
    expect(solo.liveness('self')).toBe('alive')
    expect(solo.sent('alive')).toMatchObject([{ node: 'self', incarnation: 7, meta: NATIVE_META }])
    expect([solo.machine.selfIncarnation(), solo.machine.healthScore()]).toEqual([7, 1])
  })

  it('reports each own incarnation ahead of the packets that tell it', () => {
    const solo = withPeer().receive({ kind: 'suspect', node: 'self', incarnation: 6, from: 'a' }).flush()
    const types = solo.effects.map(({ type }) => type).filter((type) => type !== 'note')
    expect(types.slice(0, 2)).toEqual(['own-incarnation', 'packet'])
    expect(solo.ofType('own-incarnation')).toEqual([{ type: 'own-incarnation', incarnation: 7 }])
    solo.machine.updateMeta(solo.nowMs, NATIVE_META)
    expect(solo.ofType('own-incarnation').at(-1)?.incarnation).toBe(8)
  })

  it('ignores accusations of an older incarnation', () => {
    const solo = withPeer(9).receive({ kind: 'suspect', node: 'self', incarnation: 9, from: 'a' }).flush()
    expect([solo.sent('alive'), solo.machine.healthScore()]).toEqual([[], 0])
  })

  it('tells a few of those thought dead directly, for after a partition they think the same of us', () => {
    const solo = withPeer().peer('b', 3000).receive({ kind: 'dead', node: 'b', incarnation: 1, from: 'a' })
    solo.flush().forget().receive({ kind: 'suspect', node: 'self', incarnation: 1, from: 'a' })
    expect(solo.packets).toMatchObject([{ port: 3000, messages: [{ kind: 'alive', node: 'self' }] }])
  })

  it('is not talked into an incarnation that peers would not believe', () => {
    const solo = withPeer()
    solo.receive({ kind: 'suspect', node: 'self', incarnation: INCARNATION_IMPLAUSIBLE_FROM - 1, from: 'a' })
    expect(solo.machine.selfIncarnation()).toBe(1)
    solo.receive({ kind: 'suspect', node: 'self', incarnation: INCARNATION_IMPLAUSIBLE_FROM - 2, from: 'a' })
    expect(solo.machine.selfIncarnation()).toBe(INCARNATION_IMPLAUSIBLE_FROM - 1)
  })

  it('does not spend its whole incarnation range on one forged accusation', () => {
    const solo = withPeer()
    solo.receive({ kind: 'suspect', node: 'self', incarnation: INCARNATION_MAX, from: 'a' })
    solo.receive(aliveOf('self', 1000, { incarnation: INCARNATION_MAX, meta: new Uint8Array() }))
    expect(solo.machine.selfIncarnation()).toBe(1)
    solo.receive({ kind: 'suspect', node: 'self', incarnation: 1, from: 'a' })
    expect(solo.machine.selfIncarnation()).toBe(2)
  })

  it.each(['suspect', 'dead', 'left'] as const)(
    'refutes what a push-pull says of its former life: %s',
    (liveness) => {
      const solo = withPeer()
      solo.machine.mergeNodes(0, [recordOf('self', 1000, { incarnation: 30, liveness })], true)
      solo.flush()
      expect(solo.sent('alive')).toMatchObject([{ node: 'self', incarnation: 31 }])
      expect(solo.liveness('self')).toBe('alive')
    },
  )
})

describe('alive about self', () => {
  it('with other meta is refuted, and the own meta kept', () => {
    const solo = withPeer()
      .receive(aliveOf('self', 1000, { incarnation: 4, meta: Uint8Array.of(1) }))
      .flush()
    expect(solo.sent('alive')).toMatchObject([{ node: 'self', incarnation: 5, meta: NATIVE_META }])
    expect(solo.member('self')?.meta).toEqual(NATIVE_META)
  })

  it('of a former life with a higher incarnation is outbid even when all else is equal', () => {
    const solo = withPeer()
      .receive(aliveOf('self', 1000, { incarnation: 4 }))
      .flush()
    expect(solo.machine.selfIncarnation()).toBe(5)
  })

  it('that is our own echo is ignored', () => {
    const solo = withPeer().receive(aliveOf('self', 1000)).flush()
    expect([solo.sent('alive'), solo.machine.selfIncarnation()]).toEqual([[], 1])
  })

  it('from another address is a conflict, refuted by nothing: whoever is there is asked', () => {
    const solo = withPeer()
      .receive(aliveOf('self', 4444, { incarnation: 8 }))
      .flush()
    expect(solo.events()).toMatchObject([{ type: 'conflict', member: { name: 'self' } }])
    expect(solo.machine.selfIncarnation()).toBe(1)
    expect(solo.packets.map(({ port }) => port)).toEqual([4444])
  })
})

describe('meta', () => {
  it('spreads with a new incarnation when it changes', () => {
    const solo = withPeer()
    solo.machine.updateMeta(0, Uint8Array.of(0x68, 2))
    solo.flush()
    expect(solo.sent('alive')).toMatchObject([{ node: 'self', incarnation: 2, meta: Uint8Array.of(0x68, 2) }])
  })

  it('above 512 bytes is refused with a code', () => {
    const tooLong = expect.objectContaining({ code: 'GOSSIP_META_TOO_LONG' })
    expect(() => withPeer().machine.updateMeta(0, new Uint8Array(513))).toThrow(tooLong)
    expect(() => new Solo({ meta: new Uint8Array(513) })).toThrow(tooLong)
    expect(() => new Solo({ meta: new Uint8Array(512) })).not.toThrow()
  })
})

describe('leave', () => {
  it('is done at once when nobody else is alive', () => {
    const solo = new Solo()
    solo.machine.leave(0)
    expect(solo.ofType('left')).toHaveLength(1)
    expect(solo.liveness('self')).toBe('left')
  })

  it('tells every peer that it left by itself, twice for the first may be lost, then is done', () => {
    const solo = new Solo().peer('a', 2000).peer('b', 3000).flush().forget()
    solo.machine.start(0)
    solo.advanceTo(905).forget()
    solo.machine.leave(solo.nowMs)
    expect(solo.ofType('left')).toEqual([])
    solo.flush()
    expect(solo.sent('dead')).toMatchObject([
      { node: 'self', from: 'self', incarnation: 1 },
      { node: 'self', from: 'self', incarnation: 1 },
    ])
    expect(new Set(solo.portsSent('dead'))).toEqual(new Set([2000, 3000]))
    expect(solo.ofType('left')).toEqual([])
    solo.advanceTo(1200)
    expect(solo.portsSent('dead').sort()).toEqual([2000, 2000, 3000, 3000])
    expect(solo.ofType('left')).toHaveLength(1)
  })

  it('is done after as many distinct sends as one message gets, in a cluster too large to tell everyone', () => {
    const solo = new Solo({ retransmitMult: 4 })
    for (let i = 0; i < 30; i++) solo.peer(`m${i}`, 2000 + i)
    solo.machine.start(0)
    solo.advanceTo(3000).forget()
    solo.machine.leave(3000)
    solo.flush()
    expect(solo.ofType('left')).toEqual([])
    solo.advanceTo(4000)
    const told = solo.packets.filter((p) => p.messages.some((m) => m.kind === 'dead' && m.node === 'self'))
    expect(solo.ofType('left')).toHaveLength(1)
    expect(new Set(told.map((packet) => packet.port)).size).toBe(8)
  })

  it('is not done while a live peer was told nothing, however many dead ones were', () => {
    const solo = new Solo({ gossipNodes: 2, retransmitMult: 8 })
    for (let i = 0; i < 6; i++) solo.peer(`m${i}`, 2000 + i)
    solo.machine.start(0)
    solo.advanceTo(2)
    for (let i = 0; i < 3; i++) solo.receive({ kind: 'dead', node: `m${i}`, incarnation: 1, from: 'm5' })
    solo.advanceTo(3).forget()
    solo.machine.leave(3)
    const told = new Set<number>()
    solo.advanceUntil(() => solo.ofType('left').length > 0)
    for (const { port, messages } of solo.packets) {
      if (messages.some((m) => m.kind === 'dead' && m.node === 'self')) told.add(port)
    }
    expect([...told]).toEqual(expect.arrayContaining([2003, 2004, 2005]))
  })

  it('goes on answering probes and no longer defends itself', () => {
    const solo = withPeer()
    solo.machine.leave(0)
    solo.flush().forget()
    solo.receive({ kind: 'dead', node: 'self', incarnation: 1, from: 'a' })
    solo.receive({ kind: 'suspect', node: 'self', incarnation: 5, from: 'a' })
    solo.receive(aliveOf('self', 1000, { incarnation: 9 }))
    expect([solo.liveness('self'), solo.machine.selfIncarnation()]).toEqual(['left', 1])
    solo.receive({ kind: 'ping', seqNo: 9, node: 'self' }, 2000)
    expect(solo.sent('ack')).toMatchObject([{ seqNo: 9 }])
  })

  it('can be taken back: the next incarnation is above the one that left', () => {
    const solo = withPeer()
    solo.machine.leave(0)
    solo.flush().forget()
    solo.machine.rejoin(0)
    solo.flush()
    expect(solo.sent('alive')).toMatchObject([{ node: 'self', incarnation: 2 }])
    expect(solo.sent('dead')).toEqual([])
    expect([solo.liveness('self'), solo.machine.memberCount()]).toEqual(['alive', 2])
    expect(solo.ofType('own-incarnation')).toEqual([{ type: 'own-incarnation', incarnation: 2 }])
    solo.receive({ kind: 'dead', node: 'self', incarnation: 2, from: 'a' })
    expect(solo.machine.selfIncarnation()).toBe(3)
  })

  it('that is taken back before it was told has an end all the same, and no second one', () => {
    const solo = withPeer()
    solo.machine.leave(0)
    expect(solo.ofType('left')).toEqual([])
    solo.machine.rejoin(0)
    solo.machine.rejoin(0)
    expect(solo.ofType('left')).toHaveLength(1)
    solo.advanceTo(5000)
    expect(solo.ofType('left')).toHaveLength(1)
    solo.machine.leave(5000)
    solo.flush().advanceTo(10_000)
    expect(solo.ofType('left')).toHaveLength(2)
  })

  it('twice is once', () => {
    const solo = new Solo()
    solo.machine.leave(0)
    solo.machine.leave(0)
    expect(solo.ofType('left')).toHaveLength(1)
  })
})
