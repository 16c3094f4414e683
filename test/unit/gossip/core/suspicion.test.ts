import { describe, expect, it } from 'vitest'
import {
  Suspicion,
  suspicionBounds,
  suspicionMinMs,
  suspicionWaitMs,
} from '../../../../src/gossip/core/suspicion.ts'
import { Suspicions } from '../../../../src/gossip/core/suspicions.ts'
import { Timers } from '../../../../src/gossip/core/timers.ts'

const BOUNDS = { minMs: 2000, maxMs: 30_000, confirmationsMax: 3 }

describe('suspicion arithmetic', () => {
  it('shortens the wait logarithmically with each confirmation and never below the minimum', () => {
    const waits = [0, 1, 2, 3, 4].map((confirmations) => suspicionWaitMs(BOUNDS, confirmations))
    expect(waits).toEqual([30_000, 16_000, 7810, 2000, 2000])
  })

  it('scales the minimum with the order of magnitude of the cluster, to three decimals', () => {
    const minimums = [5, 10, 50, 100, 500, 1000].map((count) => suspicionMinMs(3, count, 1000) / 3)
    expect(minimums).toEqual([1000, 1000, 1698, 2000, 2698, 3000])
  })

  it('waits the minimum at once where too few could confirm', () => {
    const knobs = { suspicionMult: 5, suspicionMaxTimeoutMult: 2, probeIntervalMs: 100 }
    const first = [2, 3, 4, 5, 6].map((count) => suspicionWaitMs(suspicionBounds(knobs, count), 0))
    expect(first).toEqual([500, 500, 500, 1000, 1000])
    const confirmed = [1, 2, 3, 4].map((c) => suspicionWaitMs(suspicionBounds(knobs, 6), c))
    expect(confirmed).toEqual([750, 603, 500, 500])
  })

  it('gives a pair exactly 4 s with the LAN preset', () => {
    const knobs = { suspicionMult: 4, suspicionMaxTimeoutMult: 6, probeIntervalMs: 1000 }
    expect(suspicionWaitMs(suspicionBounds(knobs, 2), 0)).toBe(4000)
    expect(suspicionWaitMs(suspicionBounds(knobs, 3), 0)).toBe(4000)
    expect(suspicionWaitMs(suspicionBounds(knobs, 4), 0)).toBe(24_000)
  })
})

describe('a suspicion', () => {
  it('does not count the accuser, nor anyone twice, nor more than wanted', () => {
    const suspicion = new Suspicion('accuser', BOUNDS, 100)
    const heard = ['accuser', 'a', 'a', 'b', 'accuser', 'c', 'd'].map((from) => suspicion.confirm(from))
    expect(heard).toEqual([false, true, false, true, false, true, false])
    expect(suspicion.deadlineMs).toBe(2100)
  })

  it('without wanted confirmations starts at the minimum and takes none', () => {
    const suspicion = new Suspicion('accuser', { ...BOUNDS, confirmationsMax: 0 }, 0)
    expect(suspicion.deadlineMs).toBe(2000)
    expect(suspicion.confirm('a')).toBe(false)
  })
})

describe('running suspicions', () => {
  it('fire at once when a late confirmation brings the deadline into the past', () => {
    const timers = new Timers()
    const suspicions = new Suspicions(timers)
    suspicions.start('x', 'accuser', BOUNDS, 0)
    expect(timers.nextAt()).toBe(30_000)
    for (const from of ['a', 'b', 'c']) expect(suspicions.confirm('x', from)).toBe(true)
    expect(timers.nextAt()).toBe(2000)
    expect(suspicions.expired('x', 20_000, 20_000, 1000)).toBe(true)
    expect(suspicions.expired('x', 30_000, 30_000, 1000)).toBe(false)
  })

  it('give a refutation in the socket one more interval when this process was stalled', () => {
    const timers = new Timers()
    const suspicions = new Suspicions(timers)
    suspicions.start('x', 'accuser', { ...BOUNDS, confirmationsMax: 0 }, 0)
    const due = timers.takeDue(9000)
    expect(due?.at).toBe(2000)
    expect(suspicions.expired('x', 9000, 2000, 1000)).toBe(false)
    expect(timers.nextAt()).toBe(10_000)
    expect(suspicions.expired('x', 10_000, 10_000, 1000)).toBe(true)
  })

  it('leave few timers behind however often a member flaps', () => {
    const timers = new Timers()
    const suspicions = new Suspicions(timers)
    for (let i = 0; i < 1000; i++) {
      suspicions.start('x', 'accuser', BOUNDS, i)
      suspicions.cancel('x')
    }
    let entries = 0
    while (timers.takeDue(1e9) !== undefined) entries++
    expect(entries).toBe(1)
  })
})
