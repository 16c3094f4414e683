import { describe, expect, it } from 'vitest'
import { endpoint, Solo } from './fixtures.ts'

function times(solo: Solo, untilMs: number): number[] {
  const seen: number[] = []
  let count = 0
  while ((solo.machine.nextWakeAt() ?? Number.POSITIVE_INFINITY) <= untilMs) {
    solo.advanceTo(solo.machine.nextWakeAt() ?? untilMs)
    const now = solo.ofType('push-pull').length
    if (now > count) seen.push(solo.nowMs)
    count = now
  }
  return seen
}

describe('periodic push-pull', () => {
  it('comes first at a random time in its second interval, then once an interval', () => {
    const solo = new Solo({ pushPullIntervalMs: 1000, probeIntervalMs: 1e9 }).peer('a', 2000)
    solo.machine.start(0)
    const [first = 0, second = 0, third = 0] = times(solo, 5000)
    expect(first).toBeGreaterThanOrEqual(1000)
    expect(first).toBeLessThan(2000)
    expect([second - first, third - second].map(Math.round)).toEqual([1000, 1000])
    expect(solo.ofType('push-pull')[0]).toMatchObject({ to: { port: 2000 }, join: false })
  })

  it('differs between members started together', () => {
    const firsts = [1, 2, 3].map((seed) => {
      const solo = new Solo({ pushPullIntervalMs: 1000, probeIntervalMs: 1e9 }, 0, seed).peer('a', 2000)
      solo.machine.start(0)
      return times(solo, 2000)[0]
    })
    expect(new Set(firsts).size).toBe(3)
  })

  it('chooses alive partners only', () => {
    const solo = new Solo({ pushPullIntervalMs: 100, probeIntervalMs: 1e9 })
    solo.peer('a', 2000).peer('b', 3000).peer('c', 4000)
    solo.receive({ kind: 'suspect', node: 'a', incarnation: 1, from: 'c' })
    solo.receive({ kind: 'dead', node: 'b', incarnation: 1, from: 'c' })
    solo.machine.start(0)
    solo.advanceTo(3000)
    expect(new Set(solo.ofType('push-pull').map((effect) => effect.to.port))).toEqual(new Set([4000]))
  })

  it('is off at interval 0', () => {
    const solo = new Solo({ pushPullIntervalMs: 0 }).peer('a', 2000)
    solo.machine.start(0)
    solo.advanceTo(300_000)
    expect(solo.ofType('push-pull')).toEqual([])
  })
})

describe('an early push-pull for a stranger that pings us by name', () => {
  /** Times of those that a stranger causes who pings once a second. */
  const causedUntil = (solo: Solo, untilMs: number): number[] => {
    const causedMs: number[] = []
    for (; solo.nowMs < untilMs; solo.nowMs += 1000) {
      const before = solo.ofType('push-pull').length
      solo.receive({ kind: 'ping', seqNo: 1, node: 'self', source: endpoint(9000), sourceNode: 'stranger' })
      if (solo.ofType('push-pull').length > before) causedMs.push(solo.nowMs)
    }
    return causedMs
  }

  it('comes less and less often for one that no member can tell of, a minute apart in the end', () => {
    const solo = new Solo({ pushPullIntervalMs: 0 }).peer('a', 2000)
    expect(causedUntil(solo, 300_000)).toEqual([0, 5000, 15_000, 35_000, 75_000, 135_000, 195_000, 255_000])
  })

  it('comes as often as at first when there was none for five minutes', () => {
    const solo = new Solo({ pushPullIntervalMs: 0 }).peer('a', 2000)
    causedUntil(solo, 100_000)
    solo.nowMs = 400_000
    expect(causedUntil(solo, 410_000)).toEqual([400_000, 405_000])
  })
})
