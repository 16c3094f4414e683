import { describe, expect, it } from 'vitest'
import { deriveOptions } from '../../src/testing/sim-options.ts'
import { SimFailure, simulate } from '../../src/testing/simulation.ts'
import { SEEDED_BUGS, type SeededBug } from './seeded-bugs.ts'
import { CLAIM_BUGS } from './seeded-claim-bugs.ts'

const SEEDS_MAX = 500

/** The first seed whose run an oracle objects to. @param notifies looks at runs with notifications only */
function caughtBy(
  bug: SeededBug,
  notifies: boolean,
): { readonly seed: number; readonly violation: string } | undefined {
  const { firstSeed = 0 } = bug
  for (let seed = firstSeed; seed < firstSeed + SEEDS_MAX; seed++) {
    if (notifies && deriveOptions(seed).notifications.groups === 0) continue
    try {
      simulate(seed, { collaborators: bug.collaborators() })
    } catch (error) {
      if (!(error instanceof SimFailure)) throw error
      return { seed, violation: error.violations[0] ?? '' }
    }
  }
  return undefined
}

describe('the oracles notice when', () => {
  for (const bug of [...SEEDED_BUGS, ...CLAIM_BUGS]) {
    it(bug.name, { timeout: 120_000 }, () => {
      const caught = caughtBy(bug, CLAIM_BUGS.includes(bug))
      console.log(`seeded bug "${bug.name}": caught at seed ${caught?.seed}: ${caught?.violation}`)
      expect(caught).toBeDefined()
      // It is the bug that is caught: the same seed passes without it.
      expect(simulate(caught?.seed ?? 0).acked).toBeGreaterThan(0)
    })
  }
})
