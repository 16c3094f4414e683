import { describe, expect, it } from 'vitest'
import { describeFault, planFaults } from '../../src/testing/fault-plan.ts'
import { deriveOptions, FAULT_KINDS } from '../../src/testing/sim-options.ts'
import { SimFailure, simulate } from '../../src/testing/simulation.ts'
import { SEEDED_BUGS } from './seeded-bugs.ts'

const everything = { faults: [...FAULT_KINDS], safetyMs: 8000 }

describe('a seed', () => {
  it('replays event for event', () => {
    for (const seed of [1, 2, 3]) {
      const lines: [string[], string[]] = [[], []]
      const first = simulate(seed, { overrides: everything, onEvent: (line) => lines[0].push(line) })
      const second = simulate(seed, { overrides: everything, onEvent: (line) => lines[1].push(line) })
      expect(lines[1].find((line, index) => line !== lines[0][index])).toBeUndefined()
      expect(second).toEqual(first)
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
