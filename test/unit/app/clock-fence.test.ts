/** The fence in a replica: it hears acks, answers each write, and tells when its answer turns. */
import { describe, expect, it } from 'vitest'
import { ClockFence } from '../../../src/app/clock-fence.ts'
import type { Member } from '../../../src/gossip/core/delegate.ts'

function member(name: string, extra: Partial<Member> = {}): Member {
  return {
    name,
    endpoint: { addr: Uint8Array.of(127, 0, 0, 1), port: 1 },
    meta: new Uint8Array(0),
    incarnation: 1,
    liveness: 'alive',
    peerClass: 'native',
    rttMs: 1,
    isSelf: name === 'self',
    ...extra,
  }
}

function setup() {
  const world = {
    nowMs: 1000,
    wallMs: 1_700_000_000_000,
    leadMs: 0,
    members: [member('self'), member('a'), member('b')],
  }
  const told: (string | undefined)[] = []
  const turnedBack: number[] = []
  const fence = new ClockFence({
    clock: { monotonicMs: () => world.nowMs, wallMs: () => world.wallMs },
    members: () => world.members,
    changed: (reason) => told.push(reason),
    stamps: () => ({
      clockLeadMs: () => world.leadMs,
      turnBackClock: async () => {
        world.leadMs = 0
      },
    }),
    maxLeadMs: 10_000,
    turnedBack: (leadMs) => turnedBack.push(leadMs),
  })
  const heard = (offsetMs: number): void => {
    for (const { name } of world.members) fence.heard(name, world.wallMs + offsetMs, 0)
  }
  return { world, told, turnedBack, fence, heard }
}

describe('the clock fence', () => {
  it('refuses writes by code while the majority is away, and tells once when that begins and ends', () => {
    const { world, told, fence, heard } = setup()
    heard(0)
    expect(fence.refusal()).toBeUndefined()
    heard(120_000)
    heard(120_000)
    expect(fence.refusal()).toMatchObject({
      code: 'STORE_CLOCK_OFF',
      message: expect.stringContaining('120 s'),
    })
    world.wallMs += 120_000
    expect(fence.refusal()).toBeUndefined()
    expect(told).toEqual([expect.stringContaining('2 of 2 peers'), undefined])
  })

  it('a step of the wall clock is answered with a refusal at once, although the last answer is fresh', () => {
    const { world, fence, heard } = setup()
    heard(0)
    expect(fence.refusal()).toBeUndefined()
    world.wallMs -= 3_600_000
    expect(fence.refusal()?.code).toBe('STORE_CLOCK_OFF')
  })

  it('lets writes go on when the peers that said so are gone', () => {
    const { world, fence, heard } = setup()
    heard(120_000)
    expect(fence.refusal()).toBeDefined()
    world.members = [member('self'), member('a'), member('b', { liveness: 'dead' })]
    world.nowMs += 1000
    world.wallMs += 1000
    expect(fence.refusal()).toBeUndefined()
    expect([...fence.offsetsMs().keys()]).toEqual(['a'])
  })

  it('takes the stamps back when the peers say that the wall clock is right and the stamps lead it too far', () => {
    const { world, turnedBack, heard } = setup()
    world.leadMs = 120_000
    heard(-120_000)
    expect([world.leadMs, turnedBack]).toEqual([120_000, []])
    heard(0)
    expect([world.leadMs, turnedBack]).toEqual([0, [120_000]])
    world.leadMs = 10_000
    heard(0)
    expect(world.leadMs).toBe(10_000)
  })

  it('takes them back before the first write after the wall clock was set right', () => {
    const { world, turnedBack, fence, heard } = setup()
    heard(-120_000)
    expect(fence.refusal()).toBeDefined()
    world.leadMs = 120_000
    world.wallMs -= 120_000
    expect(fence.refusal()).toBeUndefined()
    expect(turnedBack).toEqual([120_000])
  })

  it('leaves the stamps alone when no peer confirms the wall clock: it may be that which went back', () => {
    const { world, turnedBack, heard } = setup()
    world.leadMs = 3_600_000
    heard(3_600_000)
    heard(11_000)
    expect(turnedBack).toEqual([])
  })

  it('counts live members of our own kind only, and not ourselves', () => {
    const { world, fence, heard } = setup()
    world.members.push(member('am', { peerClass: 'foreign' }), member('left', { liveness: 'left' }))
    heard(10)
    expect([...fence.offsetsMs()]).toEqual([
      ['a', 10],
      ['b', 10],
    ])
  })
})
