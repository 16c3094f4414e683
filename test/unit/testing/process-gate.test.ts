import { describe, expect, it } from 'vitest'
import { ProcessGate } from '../../../src/testing/process-gate.ts'

describe('a simulated process', () => {
  it('does while it runs, waits while it is stalled, and catches up in order', () => {
    const gate = new ProcessGate()
    const done: number[] = []
    gate.run(() => done.push(1))
    gate.stall()
    gate.run(() => done.push(2))
    gate.run(() => done.push(3))
    expect(done).toEqual([1])
    gate.resume()
    expect(done).toEqual([1, 2, 3])
  })

  it('never acts again once killed, not even with what waited', () => {
    const gate = new ProcessGate()
    const done: number[] = []
    gate.stall()
    gate.run(() => done.push(1))
    gate.kill()
    gate.resume()
    gate.stall()
    gate.run(() => done.push(2))
    expect(done).toEqual([])
    expect(gate.running).toBe(false)
  })

  it('may stall again while it catches up, and keeps the rest waiting', () => {
    const gate = new ProcessGate()
    const done: number[] = []
    gate.stall()
    gate.run(() => {
      done.push(1)
      gate.stall()
    })
    gate.run(() => done.push(2))
    gate.resume()
    expect(done).toEqual([1])
    gate.resume()
    expect(done).toEqual([1, 2])
  })
})
