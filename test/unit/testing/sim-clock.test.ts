import { describe, expect, it } from 'vitest'
import { SimClock } from '../../../src/testing/sim-clock.ts'

describe('virtual time', () => {
  it('runs what is due in order of time, and equal times in order of scheduling', () => {
    const clock = new SimClock()
    const ran: string[] = []
    clock.at(20, () => ran.push('c'))
    clock.at(10, () => ran.push('a'))
    clock.at(10, () => ran.push('b'))
    clock.runUntil(30)
    expect(ran).toEqual(['a', 'b', 'c'])
    expect(clock.nowMs).toBe(30)
    expect(clock.steps).toBe(3)
  })

  it('leaves later events for later, and runs what a running event schedules in time', () => {
    const clock = new SimClock()
    const ran: number[] = []
    clock.at(5, () => {
      ran.push(clock.nowMs)
      clock.after(5, () => ran.push(clock.nowMs))
      clock.after(50, () => ran.push(clock.nowMs))
    })
    clock.runUntil(10)
    expect(ran).toEqual([5, 10])
    clock.runUntil(60)
    expect(ran).toEqual([5, 10, 55])
  })

  it('runs an event of the past now, never turning time back', () => {
    const clock = new SimClock()
    clock.runUntil(100)
    let at = 0
    clock.at(1, () => {
      at = clock.nowMs
    })
    clock.runUntil(100)
    expect(at).toBe(100)
  })

  it('stops after the given number of actions when they never end', () => {
    const clock = new SimClock()
    const again = (): void => clock.after(0, again)
    again()
    expect(clock.runUntil(10, 1000)).toBe(false)
    expect(clock.steps).toBe(1000)
    expect(clock.nowMs).toBe(0)
    expect(new SimClock().runUntil(10, 0)).toBe(true)
  })
})
