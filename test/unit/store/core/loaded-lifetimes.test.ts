import { describe, expect, it } from 'vitest'
import { loadState } from '../../../../src/store/core/state-loader.ts'
import { entry, NOW_MS, put } from './fixtures.ts'

describe('a state that was loaded', () => {
  it('keeps tombstones for the grace it was given, not for the default', () => {
    const { state } = loadState([], { tombstoneGraceMs: 5000, tombstonesMax: 2 })
    state.join(put('k', entry(1, NOW_MS)), NOW_MS)
    expect(state.sweep(NOW_MS + 4999).unsaved).toEqual([])
    expect(state.entry('m', 'k')).toBeDefined()
    expect(state.sweep(NOW_MS + 5000).unsaved).toHaveLength(1)
    expect(state.entry('m', 'k')).toBeUndefined()
    const later = NOW_MS + 6000
    for (const n of [2, 3, 4]) state.join(put(`k${n}`, entry(n, later + n)), later)
    state.sweep(later)
    expect(state.counts(later).earlyCollected).toBe(1)
  })
})
