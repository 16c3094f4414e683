import { describe, expect, it } from 'vitest'
import type { SketchDifference } from '../../../../src/crdt/sketch.ts'
import { Comparison } from '../../../../src/store/replication/comparison.ts'

const theirs = { hi: 7, lo: 70 }

function compared(difference: SketchDifference): Comparison {
  const comparison = Comparison.bySketch(difference)
  if (comparison === undefined) throw new Error('no comparison')
  return comparison
}

describe('a comparison by sketch', () => {
  it('does not ask for what has become ours since the sketch was taken: it would be taken for removed here', () => {
    const comparison = compared({ onlyMine: [{ hi: 7, lo: 71 }], onlyTheirs: [theirs] })
    expect(comparison.place(theirs)).toBe('common')
    expect([...comparison.wanted()]).toEqual([])
  })

  it('contests what has other contents under the same name, also when ours are newer than the sketch', () => {
    const comparison = compared({ onlyMine: [], onlyTheirs: [theirs] })
    expect(comparison.place({ hi: 7, lo: 72 })).toBe('contested')
    expect([...comparison.contested()]).toEqual([theirs])
    expect([...comparison.wanted()]).toEqual([])
  })

  it('leaves alone what is in neither difference', () => {
    const comparison = compared({ onlyMine: [], onlyTheirs: [theirs] })
    expect(comparison.place({ hi: 8, lo: 70 })).toBe('common')
    expect([...comparison.wanted()]).toEqual([theirs])
  })

  it('is none when hashes were chosen to want one place: none may be left out unnoticed', () => {
    const chosen = Array.from({ length: 1500 }, (_, lo) => ({ hi: 7, lo }))
    expect(Comparison.bySketch({ onlyMine: [], onlyTheirs: chosen })).toBeUndefined()
    expect(Comparison.bySketch({ onlyMine: chosen, onlyTheirs: [] })).toBeUndefined()
  })
})
