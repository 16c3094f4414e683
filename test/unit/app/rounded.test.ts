import { expect, it } from 'vitest'
import { roundedDeep } from '../../../src/app/rounded.ts'

it('figures keep three decimals, and seconds the microseconds', () => {
  expect(
    roundedDeep({
      rttMs: 1.5309019999986049,
      list: [0.12345, 'x', null, true, undefined],
      batchSeconds: { buckets: [1], toJSON: () => ({ count: 2, sum: 0.00123456789 }) },
    }),
  ).toEqual({
    rttMs: 1.531,
    list: [0.123, 'x', null, true, undefined],
    batchSeconds: { count: 2, sum: 0.001235 },
  })
})
