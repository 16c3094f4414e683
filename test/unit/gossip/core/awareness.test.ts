import { describe, expect, it } from 'vitest'
import { Awareness } from '../../../../src/gossip/core/awareness.ts'

describe('awareness', () => {
  it('clamps the score to 0 and one below the multiplier', () => {
    const awareness = new Awareness(8)
    const steps: [number, number, number][] = [
      [0, 0, 1000],
      [-1, 0, 1000],
      [-10, 0, 1000],
      [1, 1, 2000],
      [-1, 0, 1000],
      [10, 7, 8000],
      [-1, 6, 7000],
      [-1, 5, 6000],
      [-10, 0, 1000],
    ]
    for (const [delta, score, scaledMs] of steps) {
      awareness.apply(delta)
      expect([awareness.score, awareness.scaleMs(1000)]).toEqual([score, scaledMs])
    }
  })
})
