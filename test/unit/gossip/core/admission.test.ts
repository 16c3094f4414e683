/** Whom we take for a member: networks and the application's own say (memberlist-wire.md section 12, items 48 to 52). */
import { describe, expect, it } from 'vitest'
import { aliveOf, endpoint, type MachineHooks, recordOf, Solo } from './fixtures.ts'

/** Only what listens on an odd port of 127/8, so that a test can tell addresses apart; the own is 127.0.0.1. */
const LOOPBACK_ONLY: MachineHooks = { allowsAddress: ([first]) => first === 127 }
const OUTSIDE = { addr: Uint8Array.of(10, 0, 0, 1), port: 2000 }

function soloWith(hooks: MachineHooks, advertise = endpoint(1000)): Solo {
  return new Solo({ retransmitMult: 1, advertise }, 0, 1, undefined, hooks)
}

describe('allowed networks', () => {
  it('keep out who has an address outside, by packet and by push-pull, and nothing of it is passed on', () => {
    const solo = soloWith(LOOPBACK_ONLY).peer('out', 2000, { endpoint: OUTSIDE })
    solo.machine.mergeNodes(0, [recordOf('far', 2000, { endpoint: OUTSIDE }), recordOf('in', 3000)], true)
    solo.flush()
    expect(solo.machine.members().map(({ name }) => name)).toEqual(expect.arrayContaining(['self', 'in']))
    expect([solo.member('out'), solo.member('far')]).toEqual([undefined, undefined])
    expect(solo.sent('alive').map(({ node }) => node)).not.toContain('out')
    expect(solo.notes('member_outside_networks')).toHaveLength(2)
  })

  it('keep a member from moving outside, and an address outside is no conflict', () => {
    const solo = soloWith(LOOPBACK_ONLY).peer('a', 2000)
    solo.receive(aliveOf('a', 2000, { incarnation: 9, endpoint: OUTSIDE }))
    expect(solo.events('conflict')).toEqual([])
    solo.receive({ kind: 'dead', node: 'a', incarnation: 1, from: 'a' })
    solo.receive(aliveOf('a', 2000, { incarnation: 9, endpoint: OUTSIDE }))
    expect(solo.liveness('a')).toBe('left')
  })

  it('that our own address is outside of let us see others, say nothing of ourselves and leave in silence', () => {
    const solo = soloWith(LOOPBACK_ONLY, { addr: Uint8Array.of(10, 0, 0, 1), port: 1000 }).peer('a', 2000)
    solo.machine.start(0)
    solo.receive({ kind: 'suspect', node: 'self', incarnation: 1, from: 'a' }).advanceTo(5000)
    expect(solo.machine.members().map(({ name }) => name)).toEqual(['a'])
    expect(solo.machine.nodeRecords().map(({ name }) => name)).toEqual(['a'])
    expect(solo.sent('alive').filter(({ node }) => node === 'self')).toEqual([])
    expect(solo.notes('self_outside_networks')).toHaveLength(1)
    solo.machine.leave(5000)
    expect(solo.sent('dead')).toEqual([])
    expect(solo.ofType('left')).toHaveLength(1)
  })
})

describe('the application', () => {
  it('is asked about who is new, comes back or has moved, and not about each sign of life', () => {
    const asked: string[] = []
    const solo = soloWith({
      admitsMember: ({ name, endpoint: at, incarnation, peerClass, isSelf }) => {
        asked.push(`${name}@${at.port} ${incarnation} ${peerClass} ${isSelf}`)
        return true
      },
    })
    solo.peer('a', 2000).peer('a', 2000, { incarnation: 2 })
    solo
      .receive({ kind: 'suspect', node: 'a', incarnation: 2, from: 'b' })
      .peer('a', 2000, { incarnation: 3 })
    solo.receive({ kind: 'dead', node: 'a', incarnation: 3, from: 'a' }).peer('a', 2001, { incarnation: 4 })
    expect(asked).toEqual(['a@2000 1 native false', 'a@2001 4 native false'])
  })

  it('that refuses a member keeps it out, unremembered: it may ask again', () => {
    let welcome = false
    const solo = soloWith({ admitsMember: ({ name }) => name !== 'spy' || welcome })
    solo.peer('spy', 2000).peer('a', 3000).flush()
    expect([solo.liveness('spy'), solo.liveness('a')]).toEqual([undefined, 'alive'])
    expect(solo.sent('alive').map(({ node }) => node)).not.toContain('spy')
    expect(solo.events().map(({ member }) => member.name)).toEqual(['a'])
    welcome = true
    solo.peer('spy', 2000)
    expect(solo.liveness('spy')).toBe('alive')
  })

  it('that refuses one that came back leaves it dead', () => {
    let welcome = true
    const solo = soloWith({ admitsMember: () => welcome }).peer('a', 2000)
    solo.receive({ kind: 'dead', node: 'a', incarnation: 1, from: 'b' })
    welcome = false
    solo.receive(aliveOf('a', 2000, { incarnation: 2 }))
    expect(solo.liveness('a')).toBe('dead')
    expect(solo.notes('member_refused')).toHaveLength(1)
  })

  it('sees all that a joining peer knows, and a refusal takes nothing of it', () => {
    const seen: string[][] = []
    const solo = soloWith({
      admitsMerge: (members) => {
        seen.push(members.map(({ name, liveness, isSelf }) => `${name} ${liveness} ${isSelf}`))
        return false
      },
    })
    const list = [recordOf('a', 2000), recordOf('b', 3000, { liveness: 'dead' }), recordOf('self', 1000)]
    expect(solo.machine.mergeNodes(0, list, true)).toBe(false)
    expect(seen).toEqual([['a alive false', 'b dead false', 'self alive true']])
    expect(solo.machine.members()).toHaveLength(1)
    expect(solo.notes()).toEqual(['merge_refused'])
  })

  it('is not asked about the push-pulls of those who are in', () => {
    const solo = soloWith({ admitsMerge: () => false })
    expect(solo.machine.mergeNodes(0, [recordOf('a', 2000)], false)).toBe(true)
    expect(solo.liveness('a')).toBe('alive')
  })
})
