import { describe, expect, it } from 'vitest'
import { planFaults } from '../../src/testing/fault-plan.ts'
import { shrink } from '../../src/testing/shrink.ts'
import { deriveOptions } from '../../src/testing/sim-options.ts'
import { parseOverrides } from '../../src/testing/sim-overrides.ts'
import { SimFailure, simulate } from '../../src/testing/simulation.ts'
import { SEEDED_BUGS } from './seeded-bugs.ts'
import { CLAIM_BUGS } from './seeded-claim-bugs.ts'

/** A clock that counts how often it is asked: once a run. */
function runs(budgetMs: number) {
  let nowMs = 0
  return { budgetMs, monotonicMs: () => nowMs++ }
}

const bug = SEEDED_BUGS.find(({ name }) => name.startsWith('the context is over-claimed'))
const broken = () => (bug === undefined ? {} : { collaborators: bug.collaborators() })

describe('a failing run', () => {
  it('is shrunk to one that needs fewer nodes, faults and operations, and fails alike', () => {
    const seed = 4
    const shrunk = shrink(seed, broken(), runs(80))
    const before = deriveOptions(seed)
    const after = deriveOptions(seed, shrunk?.overrides)
    expect(after.nodes).toBe(2)
    expect(after.faults.length).toBeLessThan(before.faults.length / 2)
    expect(planFaults(after).length).toBeLessThan(planFaults(before).length)
    expect(after.safetyMs).toBeLessThan(before.safetyMs)
    expect(shrunk?.failure.violations[0]).toContain('is claimed as seen')
    const replay = (): unknown => simulate(seed, { ...broken(), overrides: shrunk?.overrides ?? {} })
    expect(replay).toThrow(SimFailure)
  })

  it('is shrunk to one group of alerts when it is about notifications', () => {
    const claimBug = CLAIM_BUGS.find(({ name }) => name.startsWith('claims fail open at once'))
    const how = claimBug === undefined ? {} : { collaborators: claimBug.collaborators() }
    const shrunk = shrink(2, how, runs(80))
    const after = deriveOptions(2, shrunk?.overrides)
    expect(after.notifications.groups).toBe(1)
    expect(after.nodes).toBe(2)
    expect(shrunk?.failure.violations[0]).toContain('was delivered 2 times')
    expect(parseOverrides(JSON.stringify(shrunk?.overrides))).toEqual(shrunk?.overrides)
  })

  it('is given back as it was when there is no time', () => {
    const shrunk = shrink(4, broken(), runs(0))
    expect(shrunk?.runs).toBe(1)
    expect(shrunk?.overrides).toEqual({})
  })

  it('is not made up where the seed keeps its promises', () => {
    expect(shrink(1, { overrides: { safetyMs: 1000 } }, runs(10))).toBeUndefined()
  })
})
