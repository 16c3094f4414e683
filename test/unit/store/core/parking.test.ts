/** Writes from the future, as a replica's state treats them. */
import { describe, expect, it } from 'vitest'
import { CausalContext } from '../../../../src/crdt/context.ts'
import type { Delta } from '../../../../src/store/core/delta.ts'
import { ReplicaState, type ReplicaStateOptions } from '../../../../src/store/core/replica-state.ts'
import type { StateItem } from '../../../../src/store/core/state-item.ts'
import { canonicalState } from '../../../../src/testing/canonical-state.ts'
import { joinFull, sideOf } from '../../../../src/testing/full-join.ts'
import { A, add, B, covered, dot, entry, NOTHING, NOW_MS, put, record } from './fixtures.ts'

const SKEW_MS = 100
const FUTURE_MS = NOW_MS + SKEW_MS + 1

function replica(...deltas: readonly Delta[]): ReplicaState {
  return withOptions({}, ...deltas)
}

function withOptions(options: ReplicaStateOptions, ...deltas: readonly Delta[]): ReplicaState {
  const state = new ReplicaState({ maxClockSkewMs: SKEW_MS, ...options })
  for (const delta of deltas) state.join(delta, NOW_MS)
  return state
}

/** A put of a clock that is ahead, over what it saw. */
function ahead(n: number, ms: number, text = 'future', over: readonly number[] = [], key = 'k'): Delta {
  return { ...put(key, entry(n, ms, text, { dot: dot(n, B) })), covered: over.map((seen) => dot(seen)) }
}

function textOf(state: ReplicaState, key = 'k'): string | undefined {
  const value = state.get('m', key, NOW_MS)?.value
  return value && new TextDecoder().decode(value.bytes)
}

function itemsOf(state: ReplicaState): StateItem[] {
  const items: StateItem[] = []
  const scan = state.scan()
  for (let next = scan.next(); next.done !== true; next = scan.next()) items.push(next.value)
  return items
}

describe('a put from the future', () => {
  it('is not merged, not relayed, not claimed, and counted with its actor', () => {
    const state = replica(put('k', entry(1, 5, 'old')))
    expect(state.join(ahead(1, FUTURE_MS, 'future', [1, 7]), NOW_MS)).toMatchObject({
      effective: NOTHING,
      changed: [],
    })
    expect(textOf(state)).toBe('old')
    expect([state.context.has(dot(1, B)), state.context.has(dot(7))]).toEqual([false, false])
    expect(state.counts(NOW_MS).parked).toBe(1)
    expect(state.parkedActors(NOW_MS)).toEqual([{ actor: A, count: 1, aheadMs: SKEW_MS + 1 }])
  })

  it('is merged when it is due, and not before', () => {
    const state = replica(put('k', entry(1, 5, 'old')), ahead(1, FUTURE_MS))
    expect(state.releaseParked(NOW_MS).changed).toEqual([])
    expect(state.releaseParked(NOW_MS + 1).changed).toEqual([{ kind: 'entry', map: 'm', key: 'k' }])
    expect(textOf(state)).toBe('future')
    expect([state.context.has(dot(1, B)), state.counts(NOW_MS).parked]).toEqual([true, 0])
  })

  it('is merged as it is when it comes at the very edge of the skew', () => {
    expect(textOf(replica(ahead(1, NOW_MS + SKEW_MS)))).toBe('future')
  })

  it('waits once a key, the newest; and is waited for when it comes again in time', () => {
    const state = replica(ahead(1, FUTURE_MS), ahead(2, FUTURE_MS + 5, 'newest'), ahead(3, FUTURE_MS + 2))
    expect(state.counts(NOW_MS).parked).toBe(1)
    state.join(ahead(2, FUTURE_MS + 5, 'newest'), NOW_MS + 6)
    expect(textOf(state)).toBe('newest')
    expect([state.counts(NOW_MS).parked, state.digest.count]).toEqual([0, 1])
  })

  it('is dropped when something claims its dot as covered', () => {
    const state = replica(ahead(1, FUTURE_MS), covered(dot(1, B)))
    expect([state.counts(NOW_MS).parked, state.digest.count]).toEqual([0, 0])
    expect(state.releaseParked(FUTURE_MS).changed).toEqual([])
    expect(textOf(state)).toBeUndefined()
  })

  it('does not keep the rest of its delta back, nor records', () => {
    const mixed: Delta = {
      puts: [...ahead(1, FUTURE_MS).puts, ...put('now', entry(1, 5, 'v')).puts],
      adds: add('ana', 2).adds,
      covered: [dot(9)],
      records: [{ table: 't', key: 'r', record: record(1n, 'r') }],
    }
    const { effective } = replica().join(mixed, NOW_MS)
    expect(effective).toEqual({ ...mixed, puts: put('now', entry(1, 5, 'v')).puts, covered: [] })
  })

  it('does not stop local writes to its key, and wins over them when due', () => {
    const state = replica(put('k', entry(1, 5, 'old')), ahead(1, FUTURE_MS))
    state.apply({ ...put('k', entry(2, NOW_MS, 'own')), covered: [dot(1)] }, NOW_MS)
    expect(textOf(state)).toBe('own')
    state.releaseParked(FUTURE_MS)
    expect(textOf(state)).toBe('future')
  })

  it('of our own is merged as it is', () => {
    const state = replica()
    state.apply(put('k', entry(1, FUTURE_MS, 'own')), NOW_MS)
    expect(textOf(state)).toBe('own')
  })
})

describe('the bounds of what is parked', () => {
  it('are a number of keys; what is beyond is refused, and counted', () => {
    const state = withOptions({ parkedMax: 2 })
    for (const n of [1, 2, 3]) state.join(ahead(n, FUTURE_MS, 'v', [], `k${n}`), NOW_MS)
    state.join(ahead(4, FUTURE_MS + 1, 'newer', [], 'k1'), NOW_MS)
    expect(state.counts(NOW_MS)).toMatchObject({ parked: 2, parkedRefused: 1 })
    expect(state.context.has(dot(3, B))).toBe(false)
    state.releaseParked(FUTURE_MS)
    expect([1, 2, 3].map((n) => textOf(state, `k${n}`))).toEqual(['newer', 'v', undefined])
    state.join(ahead(3, FUTURE_MS, 'v', [], 'k3'), FUTURE_MS)
    expect(textOf(state, 'k3')).toBe('v')
  })

  it('are a number of bytes, given back when entries go', () => {
    const state = withOptions({ parkedBytesMax: 100 })
    const large = 'x'.repeat(60)
    state.join(ahead(1, FUTURE_MS, large, [], 'a'), NOW_MS)
    state.join(ahead(2, FUTURE_MS, large, [], 'b'), NOW_MS)
    expect(state.counts(NOW_MS)).toMatchObject({ parked: 1, parkedRefused: 1 })
    state.join(ahead(3, FUTURE_MS + 1, `${large}y`, [], 'a'), NOW_MS)
    state.releaseParked(FUTURE_MS + 1)
    state.join(ahead(4, FUTURE_MS + 900, large, [], 'b'), NOW_MS)
    expect(state.counts(NOW_MS)).toMatchObject({ parked: 1, parkedRefused: 1 })
  })
})

describe('anti-entropy over a parked entry', () => {
  it('lists and reads it as an item beside what is held, so that those who parked it agree', () => {
    const old = put('k', entry(1, 5, 'old'))
    const [here, there] = [replica(old, ahead(1, FUTURE_MS)), replica(old)]
    expect(itemsOf(here).map((item) => item.dot)).toEqual([dot(1), dot(1, B)])
    there.join(here.read(itemsOf(here)), NOW_MS)
    expect(there.digest.root()).toEqual(here.digest.root())
    expect([textOf(there), there.counts(NOW_MS).parked]).toEqual(['old', 1])
  })

  it('takes nothing from readers for a peer that has merged it', () => {
    const here = replica(put('k', entry(1, 5, 'old')), ahead(1, FUTURE_MS))
    const writer = replica(put('k', entry(1, 5, 'old')))
    writer.join(ahead(1, FUTURE_MS, 'future', [1]), FUTURE_MS)
    joinFull(sideOf(here, NOW_MS), writer.fullState())
    expect([textOf(here), here.counts(NOW_MS).parked]).toEqual(['old', 1])
    expect(here.context.has(dot(1, B))).toBe(false)
    here.releaseParked(FUTURE_MS)
    joinFull(sideOf(here, FUTURE_MS), writer.fullState())
    expect(canonicalState(here.fullState())).toBe(canonicalState(writer.fullState()))
    expect(here.digest.root()).toEqual(writer.digest.root())
  })

  it('drops it when the peer has seen it and lost it', () => {
    const here = replica(ahead(1, FUTURE_MS))
    const seen = new CausalContext()
    seen.add(dot(1, B))
    expect(here.retire(itemsOf(here), seen)).toEqual([])
    expect([here.counts(NOW_MS).parked, here.digest.count]).toEqual([0, 0])
  })

  it('drops what it keeps back together with it, when both are dead', () => {
    const here = replica(put('k', entry(1, 5, 'old')), ahead(1, FUTURE_MS))
    const seen = new CausalContext()
    for (const gone of [dot(1), dot(1, B)]) seen.add(gone)
    expect(here.retire(itemsOf(here), seen)).toHaveLength(1)
    expect([itemsOf(here), textOf(here)]).toEqual([[], undefined])
  })
})
