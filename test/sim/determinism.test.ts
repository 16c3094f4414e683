import { describe, expect, it } from 'vitest'
import { FAULT_KINDS } from '../../src/testing/sim-options.ts'
import { simulate } from '../../src/testing/simulation.ts'

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
