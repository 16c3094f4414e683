import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Housekeeping } from '../../../src/store/housekeeping.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'setImmediate', 'clearImmediate'] })
})
afterEach(() => {
  vi.useRealTimers()
})

function rig(parts = 1) {
  const world = { wallMs: 90_000, paused: false, sweeps: [] as number[], releases: [] as number[], worked: 0 }
  const housekeeping = new Housekeeping({
    work: {
      sweep: (minuteMs) => world.sweeps.push(minuteMs) % parts === 0,
      releaseParked: (nowMs) => world.releases.push(nowMs) > 0,
    },
    wallMs: () => world.wallMs,
    paused: () => world.paused,
    worked: () => world.worked++,
  })
  return { world, housekeeping }
}

describe('housekeeping', () => {
  it('sweeps soon after the start, then every second, by the last whole minute of the wall clock', () => {
    const { world, housekeeping } = rig()
    expect(world.sweeps).toEqual([])
    vi.advanceTimersByTime(0)
    expect(world.sweeps).toEqual([60_000])
    for (world.wallMs of [119_000, 119_999, 120_001, 121_000]) vi.advanceTimersByTime(1000)
    expect(world.sweeps).toEqual([60_000, 60_000, 60_000, 120_000, 120_000])
    housekeeping.close()
  })

  it('does a long sweep in parts, a turn each', () => {
    const { world, housekeeping } = rig(3)
    for (let turn = 1; turn <= 9; turn++) vi.advanceTimersByTime(1)
    expect(world.sweeps).toEqual([60_000, 60_000, 60_000])
    expect(world.worked).toBe(3)
    housekeeping.close()
  })

  it('releases what was parked every second', () => {
    const { world, housekeeping } = rig()
    vi.advanceTimersByTime(3000)
    expect(world.releases).toEqual([90_000, 90_000, 90_000])
    housekeeping.close()
  })

  it('does nothing while the clock is not trusted, and catches up', () => {
    const { world, housekeeping } = rig()
    world.paused = true
    vi.advanceTimersByTime(5000)
    expect([world.sweeps, world.releases, world.worked]).toEqual([[], [], 0])
    world.paused = false
    vi.advanceTimersByTime(1000)
    expect([world.sweeps, world.releases.length]).toEqual([[60_000], 1])
    housekeeping.close()
  })

  it('ends with its store', () => {
    const { housekeeping } = rig()
    housekeeping.close()
    expect(vi.getTimerCount()).toBe(0)
  })
})
