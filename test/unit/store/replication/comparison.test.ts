import { describe, expect, it } from 'vitest'
import { Comparison } from '../../../../src/store/replication/comparison.ts'

const theirs = { hi: 7, lo: 70 }

describe('a comparison by sketch', () => {
  it('does not ask for what has become ours since the sketch was taken: it would be taken for removed here', () => {
    const comparison = Comparison.bySketch({ onlyMine: [{ hi: 7, lo: 71 }], onlyTheirs: [theirs] })
    expect(comparison.place(theirs)).toBe('common')
    expect([...comparison.wanted()]).toEqual([])
  })

  it('contests what has other contents under the same name, also when ours are newer than the sketch', () => {
    const comparison = Comparison.bySketch({ onlyMine: [], onlyTheirs: [theirs] })
    expect(comparison.place({ hi: 7, lo: 72 })).toBe('contested')
    expect([...comparison.contested()]).toEqual([theirs])
    expect([...comparison.wanted()]).toEqual([])
  })

  it('leaves alone what is in neither difference', () => {
    const comparison = Comparison.bySketch({ onlyMine: [], onlyTheirs: [theirs] })
    expect(comparison.place({ hi: 8, lo: 70 })).toBe('common')
    expect([...comparison.wanted()]).toEqual([theirs])
  })
})
