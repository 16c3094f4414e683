import { describe, expect, it } from 'vitest'
import { NodeClock } from '../../../src/testing/node-clock.ts'
import { randomStream } from '../../../src/testing/random-streams.ts'
import { SimClock } from '../../../src/testing/sim-clock.ts'

describe('the clocks of a simulated machine', () => {
  it('reach a local time no later than the virtual time said for it', () => {
    for (let seed = 0; seed < 50; seed++) {
      const clock = new SimClock()
      const node = new NodeClock(clock, randomStream(seed, 'clock'), { offsetMaxMs: 0, driftMax: 0.01 })
      for (const localMs of [1, 333.333, 1e5 / 3, 1e6 / 7]) {
        clock.runUntil(node.virtualMs(localMs))
        expect(node.monotonicMs()).toBeGreaterThanOrEqual(localMs)
        expect(node.monotonicMs()).toBeLessThan(localMs + 1)
      }
    }
  })

  it('show a wall time that is off by the offset at most, in whole milliseconds', () => {
    const right = new NodeClock(new SimClock(), randomStream(1, 'clock'), {
      offsetMaxMs: 0,
      driftMax: 0,
    }).wallMs()
    const offsets = Array.from({ length: 50 }, (_, seed) => {
      const wrong = new NodeClock(new SimClock(), randomStream(seed, 'clock'), {
        offsetMaxMs: 100,
        driftMax: 0,
      })
      return wrong.wallMs() - right
    })
    expect(Math.max(...offsets)).toBeGreaterThan(50)
    expect(Math.min(...offsets)).toBeLessThan(-50)
    expect(offsets.every((offset) => Number.isInteger(offset) && Math.abs(offset) <= 100)).toBe(true)
  })
})
