import { describe, expect, it } from 'vitest'
import { type Alarmed, Alarms } from '../../../../src/alerting/notifier/alarms.ts'

function bell(): Alarmed & { readonly rung: number[] } {
  const rung: number[] = []
  return { alarmMs: undefined, rung, ring: (nowMs) => void rung.push(nowMs) }
}

describe('alarms', () => {
  it('ring once, at the time that was set last', () => {
    const alarms = new Alarms()
    const [a, b] = [bell(), bell()]
    alarms.set(a, 10)
    alarms.set(a, 30)
    alarms.set(a, 20)
    alarms.set(b, 15)
    alarms.set(b, undefined)
    expect(alarms.nextMs).toBe(20)
    alarms.ring(19)
    expect([a.rung, b.rung]).toEqual([[], []])
    alarms.ring(100)
    alarms.ring(200)
    expect([a.rung, b.rung]).toEqual([[100], []])
    expect(alarms.nextMs).toBeUndefined()
  })

  it('set for the same time twice, with another between, ring once', () => {
    const alarms = new Alarms()
    const a = bell()
    for (const atMs of [5, 7, 5]) alarms.set(a, atMs)
    alarms.ring(10)
    expect(a.rung).toEqual([10])
    expect(alarms.size).toBe(0)
  })

  it('that are set while others ring, and are due, ring as well', () => {
    const alarms = new Alarms()
    const b = bell()
    alarms.set({ alarmMs: undefined, ring: (nowMs) => alarms.set(b, nowMs) }, 5)
    alarms.ring(5)
    expect(b.rung).toEqual([5])
  })

  it('leave no litter behind that outgrows what is set', () => {
    const alarms = new Alarms()
    const a = bell()
    alarms.set(a, 1)
    for (let n = 0; n < 100_000; n++) alarms.set(a, 1_000_000 + n)
    expect(alarms.size).toBe(1)
    expect(alarms.held).toBeLessThan(600)
    alarms.ring(2_000_000)
    expect(a.rung).toHaveLength(1)
  })
})
