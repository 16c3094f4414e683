import { describe, expect, it } from 'vitest'
import { describeFault, planFaults } from '../../../src/testing/fault-plan.ts'
import { deriveOptions, FAULT_KINDS, RARE_KINDS } from '../../../src/testing/sim-options.ts'

const seeds = Array.from({ length: 300 }, (_, seed) => seed)

describe('derived options', () => {
  it('are the same for the same seed, and nearly always others for another', () => {
    expect(deriveOptions(7)).toEqual(deriveOptions(7))
    expect(new Set(seeds.map((seed) => JSON.stringify({ ...deriveOptions(seed), seed: 0 }))).size).toBe(300)
  })

  it('leave about half of the fault kinds out, three quarters of the rare ones, other ones each time', () => {
    for (const kind of FAULT_KINDS) {
      const share = seeds.filter((seed) => deriveOptions(seed).faults.includes(kind)).length / seeds.length
      const meant = RARE_KINDS.has(kind) ? 0.25 : 0.5
      expect(share, kind).toBeGreaterThan(meant - 0.12)
      expect(share, kind).toBeLessThan(meant + 0.12)
    }
  })

  it('have no faults at all where the kind is left out', () => {
    const options = deriveOptions(3, { faults: [] })
    expect(options.link).toMatchObject({ lossRate: 0, duplicateRate: 0, reorderRate: 0 })
    expect(options.disk).toMatchObject({ errorRate: 0, stallRate: 0 })
    expect(options.clockOffsetMaxMs).toBe(0)
    expect(planFaults(options)).toEqual([])
  })

  it('keep what is not overridden', () => {
    const { nodes, ...rest } = deriveOptions(11)
    const { nodes: _nodes, ...others } = deriveOptions(11, { nodes: nodes + 1 })
    expect(others).toEqual(rest)
  })
})

describe('the fault plan', () => {
  it('is in order and over by the end of the first phase', () => {
    for (const seed of seeds) {
      const options = deriveOptions(seed)
      const plan = planFaults(options)
      expect(plan.map((fault) => fault.atMs)).toEqual(plan.map((fault) => fault.atMs).sort((a, b) => a - b))
      for (const fault of plan) {
        expect(fault.untilMs).toBeLessThanOrEqual(options.safetyMs)
        expect(fault.untilMs).toBeGreaterThanOrEqual(fault.atMs)
        expect(describeFault(fault)).toContain(fault.kind)
        if (fault.kind === 'partition') {
          expect(fault.side.length).toBeGreaterThan(0)
          expect(fault.side.length).toBeLessThan(options.nodes)
        }
      }
    }
  })

  it('does not move other faults when one kind is switched off', () => {
    const all = deriveOptions(5, { faults: [...FAULT_KINDS] })
    const fewer = { ...all, faults: all.faults.filter((kind) => kind !== 'partition') }
    expect(planFaults(fewer)).toEqual(planFaults(all).filter((fault) => fault.kind !== 'partition'))
  })

  it('harms the disks of a minority only', () => {
    for (const seed of seeds) {
      const options = deriveOptions(seed)
      const harmed = planFaults(options).flatMap((fault) => ('share' in fault ? [fault.node] : []))
      expect(new Set(harmed).size).toBeLessThan(options.nodes / 2)
    }
  })

  it('keeps nodes away for a tenth to ten times the grace of tombstones', () => {
    const shares = seeds.flatMap((seed) => {
      const options = deriveOptions(seed)
      const away = planFaults(options).filter((fault) => fault.kind === 'absence')
      return away.map((fault) => (fault.untilMs - fault.atMs) / options.tombstoneGraceMs)
    })
    expect(shares.filter((share) => share < 1).length).toBeGreaterThan(20)
    expect(shares.filter((share) => share > 3).length).toBeGreaterThan(10)
    expect(Math.max(...shares)).toBeLessThanOrEqual(10)
  })

  it('cannot cut a lone node off', () => {
    const plan = planFaults(deriveOptions(5, { nodes: 1, faults: [...FAULT_KINDS] }))
    for (const { kind } of plan) expect(['partition', 'one-way', 'clone', 'wipe']).not.toContain(kind)
  })
})
