import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../../src/base/random.ts'
import { ProcessGate } from '../../../src/testing/process-gate.ts'
import { SimClock } from '../../../src/testing/sim-clock.ts'
import { SimReceiver } from '../../../src/testing/sim-receiver.ts'

/** A send of 100 ms: it leaves at 10, arrives at 60, is answered at 100. */
function send() {
  const clock = new SimClock()
  const gate = new ProcessGate()
  const receiver = new SimReceiver(clock, seededRandom(1), { sendMinMs: 100, sendMaxMs: 100 })
  const steps: string[] = []
  const abort = receiver.send(gate, {
    left: () => steps.push(`left ${clock.nowMs}`),
    arrived: (ok) => steps.push(`${ok ? 'delivered' : 'refused'} ${clock.nowMs}`),
    answered: (outcome) => steps.push(`${outcome.ok ? 'ok' : outcome.detail} ${clock.nowMs}`),
  })
  return { clock, gate, receiver, steps, abort }
}

describe('a simulated receiver', () => {
  it('is told, and answers', () => {
    const { clock, steps } = send()
    clock.runUntil(200)
    expect(steps).toEqual(['left 10', 'delivered 60', 'ok 100'])
  })

  it('hears nothing of a process that died before its message left', () => {
    const { clock, gate, steps } = send()
    clock.runUntil(9)
    gate.kill()
    clock.runUntil(200)
    expect(steps).toEqual([])
  })

  it('gets the message of a process that died after it left', () => {
    const { clock, gate, steps } = send()
    clock.runUntil(11)
    gate.kill()
    clock.runUntil(200)
    expect(steps).toEqual(['left 10', 'delivered 60'])
  })

  it('gets the message of a process that was stopped when that goes on', () => {
    const { clock, gate, steps } = send()
    gate.stall()
    clock.runUntil(500)
    gate.resume()
    clock.runUntil(700)
    expect(steps).toEqual(['left 500', 'delivered 550', 'ok 590'])
  })

  it('answers 500 while it is out of order', () => {
    const { clock, receiver, steps } = send()
    receiver.breakDown(60, 61)
    clock.runUntil(200)
    expect(steps).toEqual(['left 10', 'refused 60', 'HTTP 500 100'])
    expect(receiver.wasBroken(0, 59)).toBe(false)
    expect(receiver.wasBroken(0, 60)).toBe(true)
  })

  it('may get what was given up after it had left, and not before', () => {
    const early = send()
    early.abort()
    early.clock.runUntil(200)
    expect(early.steps).toEqual(['aborted 0'])
    const late = send()
    late.clock.runUntil(20)
    late.abort()
    late.clock.runUntil(200)
    expect(late.steps).toEqual(['left 10', 'aborted 20', 'delivered 60'])
  })
})
