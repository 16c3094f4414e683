import { describe, expect, it } from 'vitest'
import { actorId } from '../../../src/base/names.ts'
import type { Member } from '../../../src/gossip/core/delegate.ts'
import type { MapPut } from '../../../src/store/core/delta.ts'
import { MonotoneOracle } from '../../../src/testing/monotone-oracle.ts'
import { cellName, type StateView } from '../../../src/testing/write-model.ts'

const actor = actorId('11'.repeat(16))

function view(stampMs: number | undefined, seen: readonly (readonly [number, number])[] = []): StateView {
  const puts = new Map<string, MapPut>()
  if (stampMs !== undefined) {
    const stamp = { epoch: 0, ms: stampMs, logical: 0, actor }
    const entry = { dot: { actor, n: 1 }, stamp, value: undefined, expiresAtMs: undefined }
    puts.set(cellName('m', 'k'), { map: 'm', key: 'k', entry })
  }
  const ranges = seen.map(([first, last]) => ({ actor, first, last }))
  const has = (n: number) => ranges.some(({ first, last }) => first <= n && n <= last)
  return { puts, live: new Map(), records: new Map(), ranges, seen: ({ n }) => has(n) }
}

function member(incarnation: number): Member {
  return {
    name: 'b',
    endpoint: { addr: Uint8Array.of(10, 0, 0, 1), port: 1 },
    meta: new Uint8Array(0),
    incarnation,
    liveness: 'alive',
    peerClass: 'native',
    rttMs: undefined,
    isSelf: false,
  }
}

describe('the monotone oracle', () => {
  it('accepts a stamp that stays or rises, and objects when it falls or vanishes', () => {
    const oracle = new MonotoneOracle()
    expect(oracle.checkState(view(5))).toEqual([])
    expect(oracle.checkState(view(6))).toEqual([])
    expect(oracle.checkState(view(5))).toHaveLength(1)
    expect(oracle.checkState(view(undefined))).toHaveLength(1)
  })

  it('objects when a dot is forgotten', () => {
    const oracle = new MonotoneOracle()
    expect(oracle.checkState(view(undefined, [[1, 1]]))).toEqual([])
    expect(
      oracle.checkState(
        view(undefined, [
          [1, 2],
          [5, 5],
        ]),
      ),
    ).toEqual([])
    expect(oracle.checkState(view(undefined, [[1, 7]]))).toEqual([])
    expect(oracle.checkState(view(undefined, [[2, 7]]))).toHaveLength(1)
    expect(oracle.checkState(view(undefined, []))).toHaveLength(1)
  })

  it('objects when an incarnation falls, but not when a forgotten member comes back', () => {
    const oracle = new MonotoneOracle()
    expect(oracle.checkMembers(1, [member(5)])).toEqual([])
    expect(oracle.checkMembers(1, [member(4)])).toHaveLength(1)
    expect(oracle.checkMembers(1, [member(3)], ['b'])).toEqual([])
    expect(oracle.checkMembers(1, [])).toEqual([])
    expect(oracle.checkMembers(0, [member(1)])).toHaveLength(1)
  })
})
