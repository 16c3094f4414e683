import { describe, expect, it } from 'vitest'
import { CausalContext } from '../../../../src/crdt/context.ts'
import { REPLACED_MAX } from '../../../../src/store/core/parking.ts'
import { ReplicaState } from '../../../../src/store/core/replica-state.ts'
import { A, B, covered, dot, entry, put } from './fixtures.ts'

const NOW_MS = 1_000_000

describe('the context of a peer that holds the same', () => {
  it('is taken over only when nothing is parked: what a parked write covers has nothing in its place here', () => {
    const ahead = NOW_MS + 60_000
    const [peer, state] = [new ReplicaState(), new ReplicaState()]
    // Both were written by a replica with a clock ahead; this one hears of the second alone, and parks it.
    peer.join(put('k', entry(1, ahead, 'old')), ahead)
    const newer = { ...put('k', entry(2, ahead + 1, 'new')), covered: [dot(1)] }
    peer.join(newer, ahead)
    state.join(newer, NOW_MS)
    expect(state.digest.root()).toEqual(peer.digest.root())
    expect(state.unite(peer.context)).toEqual([])
    expect(state.context.has(dot(1))).toBe(false)
    state.releaseParked(ahead + 1)
    expect(state.unite(peer.context)).toHaveLength(1)
    expect(state.context.equals(peer.context)).toBe(true)
  })

  it('is taken over beside what both have parked: a write from the year 2200 keeps no gap open till then', () => {
    const [peer, state] = [new ReplicaState(), new ReplicaState()]
    const farAhead = put('k', entry(1, 7_258_118_400_000, 'far', { dot: dot(1, B) }))
    for (const replica of [peer, state]) {
      replica.join(put('held', entry(3, NOW_MS, 'v')), NOW_MS)
      replica.join(farAhead, NOW_MS)
      expect(replica.counts(NOW_MS).parked).toBe(1)
    }
    peer.join(covered(dot(1), dot(2)), NOW_MS)
    expect(state.digest.root()).toEqual(peer.digest.root())
    expect(state.context.holes).toBe(1)
    expect(state.unite(peer.context)).toEqual([A])
    expect(state.context.equals(peer.context)).toBe(true)
    expect(state.counts(NOW_MS).parked).toBe(1)
  })

  it('is not taken over where it claims a write that a parked one has replaced here', () => {
    const ahead = NOW_MS + 60_000
    const first = put('k', entry(1, ahead, 'first'))
    const second = put('k', entry(2, ahead + 1, 'second'))
    const peer = new ReplicaState()
    peer.join(first, ahead)
    const orders = [
      [first, second],
      [second, first],
    ]
    for (const order of orders) {
      const state = new ReplicaState()
      for (const delta of order) state.join(delta, NOW_MS)
      expect(state.unite(peer.context)).toEqual([])
      expect(state.context.has(dot(1))).toBe(false)
      state.releaseParked(ahead + 1)
      expect(state.unite(peer.context)).toEqual([A])
    }
  })

  it('is not taken over any more once more writes of one key were replaced than are remembered', () => {
    const ahead = NOW_MS + 60_000
    const state = new ReplicaState()
    for (let n = 1; n <= REPLACED_MAX + 2; n++) state.join(put('k', entry(n, ahead + n, 'v')), NOW_MS)
    const theirs = new CausalContext()
    theirs.add(dot(1, B))
    expect(state.unite(theirs)).toEqual([])
    state.releaseParked(2 * ahead)
    expect(state.unite(theirs)).toEqual([B])
  })
})
