import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Alarms } from '../../../../src/gossip/io/alarms.ts'

const clock = { monotonicMs: () => performance.now(), wallMs: () => Date.now() }

describe('alarms', () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: 0 })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('ring in the order of their times, never early, with one timer armed', () => {
    const alarms = new Alarms(clock, false)
    const startMs = clock.monotonicMs()
    const rung: number[] = []
    for (const delayMs of [30, 10.5, 20]) alarms.at(startMs + delayMs, () => rung.push(delayMs))
    expect(vi.getTimerCount()).toBe(1)
    vi.advanceTimersByTime(10)
    expect(rung).toEqual([])
    vi.advanceTimersByTime(1)
    expect(rung).toEqual([10.5])
    vi.advanceTimersByTime(20)
    expect(rung).toEqual([10.5, 20, 30])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('a cancelled alarm does not ring', () => {
    const alarms = new Alarms(clock, false)
    const rung: string[] = []
    const cancelled = alarms.at(clock.monotonicMs() + 5, () => rung.push('cancelled'))
    alarms.at(clock.monotonicMs() + 6, () => rung.push('kept'))
    cancelled.cancel()
    cancelled.cancel()
    vi.advanceTimersByTime(10)
    expect(rung).toEqual(['kept'])
  })

  it('a time in the past rings in a later turn', () => {
    const alarms = new Alarms(clock, false)
    let rung = false
    alarms.at(clock.monotonicMs() - 1000, () => {
      rung = true
    })
    expect(rung).toBe(false)
    vi.advanceTimersByTime(1)
    expect(rung).toBe(true)
  })

  it('an alarm that sets itself again at once lets timers of others run in between', () => {
    const alarms = new Alarms(clock, false)
    let rings = 0
    const again = (): void => {
      rings++
      alarms.at(clock.monotonicMs(), again)
    }
    again()
    vi.advanceTimersToNextTimer()
    vi.advanceTimersToNextTimer()
    expect(rings).toBe(3)
    alarms.stop()
  })

  it('nothing rings after a stop, not even what is set later', () => {
    const alarms = new Alarms(clock, false)
    let rings = 0
    alarms.at(clock.monotonicMs() + 5, () => rings++)
    alarms.stop()
    alarms.at(clock.monotonicMs() + 5, () => rings++)
    vi.advanceTimersByTime(100)
    expect(rings).toBe(0)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('a stop from inside a ringing alarm silences the others that are due', () => {
    const alarms = new Alarms(clock, false)
    const rung: string[] = []
    alarms.at(clock.monotonicMs() + 1, () => {
      rung.push('first')
      alarms.stop()
    })
    alarms.at(clock.monotonicMs() + 1, () => rung.push('second'))
    vi.advanceTimersByTime(5)
    expect(rung).toEqual(['first'])
  })

  it('cancelled ones do not pile up, and the others keep their times', () => {
    const alarms = new Alarms(clock, false)
    const rung: number[] = []
    for (let i = 0; i < 100_000; i++) {
      const alarm = alarms.at(clock.monotonicMs() + 10_000 + (i % 7), () => rung.push(i))
      if (i % 10_000 !== 0) alarm.cancel()
    }
    expect(alarms.places).toBeLessThan(3000)
    vi.advanceTimersByTime(10_010)
    expect(rung.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 10 }, (_, i) => i * 10_000))
    expect(alarms.places).toBe(0)
  })
})
