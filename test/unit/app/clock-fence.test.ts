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
    members: [member('self'), member('a'), member('b')],
  }
  const told: (string | undefined)[] = []
  const fence = new ClockFence({
    clock: { monotonicMs: () => world.nowMs, wallMs: () => world.wallMs },
    members: () => world.members,
    changed: (reason) => told.push(reason),
  })
  const heard = (offsetMs: number): void => {
    for (const { name } of world.members) fence.heard(name, world.wallMs + offsetMs, 0)
  }
  return { world, told, fence, heard }
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
