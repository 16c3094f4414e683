import { describe, expect, it } from 'vitest'
import { actorId } from '../../../src/base/names.ts'
import type { Delta, MapPut } from '../../../src/store/core/delta.ts'
import { StampOracle } from '../../../src/testing/stamp-oracle.ts'

function put(who: string, n: number, ms: number): MapPut {
  const actor = actorId(who.repeat(32))
  const stamp = { epoch: 0, ms, logical: 0, actor }
  return {
    map: 'm',
    key: `${n}`,
    entry: { dot: { actor, n }, stamp, value: undefined, expiresAtMs: undefined },
  }
}

const effect = (...puts: MapPut[]): Delta => ({ puts, adds: [], covered: [], records: [] })

describe('the stamp oracle', () => {
  it('wants a stamp after all the replica holds, whoever wrote it', () => {
    const oracle = new StampOracle()
    expect(oracle.check(effect(put('a', 1, 10)), [put('b', 1, 9)])).toEqual([])
    expect(oracle.check(effect(put('a', 1, 10)), [put('b', 1, 11)])).toHaveLength(1)
  })

  it('wants a stamp after all that the actor acknowledged, and forgives what it never did', () => {
    const oracle = new StampOracle()
    oracle.acknowledged(effect(put('a', 1, 10)))
    expect(oracle.check(effect(put('a', 2, 20)), [])).toEqual([])
    expect(oracle.check(effect(put('a', 3, 15)), [])).toEqual([])
    expect(oracle.check(effect(put('a', 4, 10)), [])).toHaveLength(1)
  })
})
