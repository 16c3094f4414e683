import { describe, expect, it } from 'vitest'
import { LoopDelay } from '../../../src/http/guards/loop-delay.ts'

function isLateAfter(delays: readonly number[], maxMs = 1000): boolean {
  const delay = new LoopDelay(maxMs)
  for (const delayMs of delays) delay.note(delayMs)
  return delay.isLate
}

describe('the event loop', () => {
  it('is late when it was so twice in a row', () => {
    expect(isLateAfter([1001, 1001])).toBe(true)
    expect(isLateAfter([0, 5000, 1200, 1100])).toBe(true)
  })

  it('is not late for having stood still once, as a process that was stopped and continued', () => {
    expect(isLateAfter([0, 60_000])).toBe(false)
    expect(isLateAfter([60_000, 0, 60_000])).toBe(false)
  })

  it('is not late any more as soon as it keeps up', () => {
    expect(isLateAfter([5000, 5000, 3])).toBe(false)
  })

  it('may be as late as the limit, and any time without one', () => {
    expect(isLateAfter([1000, 1000])).toBe(false)
    expect(isLateAfter([9000, 9000], 0)).toBe(false)
  })
})
