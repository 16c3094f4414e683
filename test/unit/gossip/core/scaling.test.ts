import { describe, expect, it } from 'vitest'
import { pushPullScaleMs, retransmitLimit } from '../../../../src/gossip/core/scaling.ts'

describe('scaling', () => {
  it('grows the retransmissions with the digits of the member count', () => {
    expect([0, 1, 9, 10, 99, 100].map((count) => retransmitLimit(3, count))).toEqual([0, 3, 3, 6, 6, 9])
  })

  it('stretches the full-state interval only above 32 members, by one at each doubling', () => {
    const scaled = [0, 32, 33, 64, 65, 128, 129].map((count) => pushPullScaleMs(1000, count))
    expect(scaled).toEqual([1000, 1000, 2000, 2000, 3000, 3000, 4000])
  })
})
