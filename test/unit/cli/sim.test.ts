import { describe, expect, it } from 'vitest'
import { runSim } from '../../../src/cli/sim.ts'
import { deriveOptions } from '../../../src/testing/sim-options.ts'

function run(args: Parameters<typeof runSim>[0]): {
  readonly code: number
  readonly lines: readonly string[]
} {
  const lines: string[] = []
  const code = runSim(args, (text) => lines.push(...text.split('\n')))
  return { code, lines }
}

describe('hearsay sim', () => {
  it('says how a run went, and says the same again', () => {
    const first = run({ seed: 6, overrides: { nodes: 3 } })
    expect(first.code).toBe(0)
    expect(first.lines[0]).toMatch(/^seed 6: 3 nodes, /)
    expect(first.lines.at(-1)).toMatch(/^trace [0-9a-f]{16}$/)
    expect(run({ seed: 6, overrides: { nodes: 3 } })).toEqual(first)
  })

  it('prints every event when asked to', () => {
    const quiet = run({ seed: 6, overrides: { nodes: 1 } })
    const traced = run({ seed: 6, overrides: { nodes: 1 }, trace: true })
    const events = Number(/(\d+) events/.exec(quiet.lines[0] ?? '')?.[1])
    expect(events).toBeGreaterThan(10)
    expect(traced.lines.length).toBe(quiet.lines.length + events)
    expect(traced.lines.slice(events)).toEqual(quiet.lines)
  })
  it('says how many were notified, where there were groups of alerts', () => {
    const { notifications } = deriveOptions(6)
    const groups = (count: number) => ({
      seed: 6,
      overrides: { notifications: { ...notifications, groups: count } },
    })
    expect(run(groups(2)).lines.join('\n')).toMatch(
      /^notifications: \d+ messages for \d+ flushes, \d+ of them/m,
    )
    expect(run(groups(0)).lines.join('\n')).not.toContain('notifications')
  })
})
