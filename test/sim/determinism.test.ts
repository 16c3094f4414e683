import { describe, expect, it } from 'vitest'
import { describeFault, planFaults } from '../../src/testing/fault-plan.ts'
import { deriveOptions, FAULT_KINDS, type SimOverrides } from '../../src/testing/sim-options.ts'
import { SimFailure, simulate } from '../../src/testing/simulation.ts'
import { SEEDED_BUGS } from './seeded-bugs.ts'

/** @returns every kind of fault, and notifications under way when they strike */
function everything(seed: number): SimOverrides {
  const notifications = { ...deriveOptions(seed).notifications, groups: 3, outageGapMs: 4000 }
  return { faults: [...FAULT_KINDS], safetyMs: 12_000, notifications }
}

describe('a seed', () => {
  it('replays event for event', () => {
    for (const seed of [1, 2, 3]) {
      const lines: [string[], string[]] = [[], []]
      const overrides = everything(seed)
      const first = simulate(seed, { overrides, onEvent: (line) => lines[0].push(line) })
      const second = simulate(seed, { overrides, onEvent: (line) => lines[1].push(line) })
      expect(lines[1].find((line, index) => line !== lines[0][index])).toBeUndefined()
      expect(second).toEqual(first)
      expect(first.notifications?.deliveries).toBeGreaterThan(0)
    }
  })

  it('is a run of its own', () => {
    const hashes = [1, 2, 3, 4, 5, 6].map(
      (seed) => simulate(seed, { overrides: { safetyMs: 3000 } }).traceHash,
    )
    expect(new Set(hashes).size).toBe(hashes.length)
  })
})

describe('a failure', () => {
  const breakIt = (): SimFailure => {
    const bug = SEEDED_BUGS.find(({ name }) => name.startsWith('the context is over-claimed'))
    try {
      simulate(4, bug === undefined ? {} : { collaborators: bug.collaborators() })
    } catch (error) {
      if (error instanceof SimFailure) return error
    }
    throw new Error('the seeded bug was not caught')
  }

  it('says all that is needed to replay it', () => {
    const text = breakIt().message
    expect(text).toContain('hearsay sim --seed 4')
    expect(text).toContain(`options: ${JSON.stringify(deriveOptions(4))}`)
    for (const fault of planFaults(deriveOptions(4))) expect(text).toContain(describeFault(fault))
    expect(text.split('last events:\n')[1]?.split('\n').length).toBeGreaterThan(50)
  })

  it('is the same failure again', () => {
    expect(breakIt().message).toBe(breakIt().message)
  })
})
