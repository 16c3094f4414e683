import { describe, expect, it } from 'vitest'
import { actorId } from '../../../../src/base/names.ts'
import { CausalContext } from '../../../../src/crdt/context.ts'
import type { Delta } from '../../../../src/store/core/delta.ts'
import { ReplicaState } from '../../../../src/store/core/replica-state.ts'
import { splitDelta } from '../../../../src/store/core/split-delta.ts'
import { A, add, B, covered, dot, entry, NOTHING, NOW_MS, put, record } from './fixtures.ts'

function stateOf(...deltas: readonly Delta[]): ReplicaState {
  const state = new ReplicaState()
  for (const delta of deltas) state.join(delta, NOW_MS)
  return state
}

describe('joining a delta', () => {
  it('reports what was new and what changed for readers', () => {
    const state = new ReplicaState()
    const delta = { ...put('k', entry(1, 5, 'v')), covered: [dot(9, B)] }
    const outcome = state.join(delta, NOW_MS)
    expect(outcome.effective).toEqual(delta)
    expect(outcome.changed).toEqual([{ kind: 'entry', map: 'm', key: 'k' }])
    expect(state.join(delta, NOW_MS)).toEqual({ effective: NOTHING, changed: [] })
  })

  it('passes on a put that loses here, for it may win elsewhere', () => {
    const state = stateOf(put('k', entry(2, 9, 'new')))
    const loser = put('k', entry(1, 5, 'old'))
    expect(state.join(loser, NOW_MS)).toEqual({ effective: loser, changed: [] })
  })

  it('passes on a removal that overtook its add, and ignores the late add', () => {
    const state = new ReplicaState()
    expect(state.join(covered(dot(1)), NOW_MS).effective).toEqual(covered(dot(1)))
    expect(state.join(add('ana', 1), NOW_MS)).toEqual({ effective: NOTHING, changed: [] })
    expect(state.hasMember('s', 'ana')).toBe(false)
  })

  it('keeps a mutation whole: a put is passed on with the dots it covers although it was seen', () => {
    const state = stateOf(put('k', entry(2, 9, 'new')))
    const whole = { ...put('k', entry(2, 9, 'new')), covered: [dot(1)] }
    expect(state.join(whole, NOW_MS).effective).toEqual(whole)
  })

  it('treats a dot that is both added and covered as added', () => {
    const state = stateOf({ ...add('ana', 1), covered: [dot(1)] })
    expect(state.members('s')).toEqual(['ana'])
  })

  it('gives a removed element back to nobody who still sends it', () => {
    const state = stateOf(add('ana', 1), covered(dot(1)), add('ana', 1))
    expect(state.members('s')).toEqual([])
    expect(state.context.has(dot(1))).toBe(true)
  })
})

describe('joining a full state', () => {
  it('drops what the other side saw and no longer holds, and says so to others', () => {
    const state = stateOf(add('ana', 1))
    const outcome = state.joinFull(stateOf(add('ana', 1), covered(dot(1))).fullState(), NOW_MS)
    expect(outcome.effective.covered).toEqual([dot(1)])
    expect(outcome.changed).toEqual([{ kind: 'member', set: 's', member: 'ana' }])
  })

  it('cuts into pieces of which none, come alone, takes an element away that nobody removed', () => {
    const first = add('ana', 1)
    const again = { ...add('ana', 2), covered: [dot(1)] }
    const state = stateOf(first)
    const { effective } = state.joinFull(stateOf(first, again).fullState(), NOW_MS)
    for (const piece of splitDelta(effective)) expect(stateOf(first, piece).members('s')).toEqual(['ana'])
    expect(stateOf(first, ...splitDelta(effective)).members('s')).toEqual(['ana'])
  })

  it('does not list the dot of a replaced entry: its successor is listed', () => {
    const state = stateOf(put('k', entry(1, 5, 'old')))
    const newer = stateOf(put('k', entry(1, 5, 'old')), put('k', entry(2, 6, 'new')))
    const { effective } = state.joinFull(newer.fullState(), NOW_MS)
    expect(effective.covered).toEqual([])
    expect(effective.puts.map((put) => put.entry.dot)).toEqual([dot(2)])
  })

  it('learns removals of what it never saw', () => {
    const state = new ReplicaState()
    state.joinFull(stateOf(add('ana', 1), covered(dot(1))).fullState(), NOW_MS)
    expect(state.join(add('ana', 1), NOW_MS).changed).toEqual([])
  })

  it('does not let a forgotten tombstone bring its value back', () => {
    const value = put('k', entry(1, 5, 'v'))
    const absentee = stateOf(value)
    const full = stateOf(value, put('k', entry(2, 6))).fullState()
    const collected = new ReplicaState()
    collected.joinFull({ ...full, puts: [] }, NOW_MS)
    collected.joinFull(absentee.fullState(), NOW_MS)
    absentee.joinFull(collected.fullState(), NOW_MS)
    expect([absentee.entry('m', 'k'), collected.entry('m', 'k')]).toEqual([undefined, undefined])
  })

  it('sees the dots of entries even when the sender forgot to claim them', () => {
    const state = new ReplicaState()
    state.joinFull(
      { ...stateOf(put('k', entry(1, 5, 'v'))).fullState(), context: new CausalContext() },
      NOW_MS,
    )
    expect(state.context.has(dot(1))).toBe(true)
  })

  it('gives away a copy of its context', () => {
    const state = stateOf(add('ana', 1))
    state.fullState().context.add(dot(7))
    expect(state.context.maxOf(A)).toBe(1)
  })
})

describe('a suspicious delta', () => {
  it('with a dot far above all seen of its actor is refused whole, and counted', () => {
    const state = new ReplicaState({ dotWindow: 100 })
    state.join(add('ana', 50), NOW_MS)
    const delta = { ...put('k', entry(1, 5, 'v')), covered: [dot(151)], records: [] }
    expect(state.join(delta, NOW_MS).effective).toEqual(NOTHING)
    expect(state.get('m', 'k', NOW_MS)).toBeUndefined()
    expect(state.counts(NOW_MS).refusedDeltas).toBe(1)
    expect(state.join(covered(dot(150)), NOW_MS).effective.covered).toHaveLength(1)
  })

  it('may bring the same dot in a complete state', () => {
    const state = new ReplicaState({ dotWindow: 100 })
    const far = new ReplicaState()
    far.join(add('ana', 5000), NOW_MS)
    state.joinFull(far.fullState(), NOW_MS)
    expect(state.members('s')).toEqual(['ana'])
  })

  it('may not open more gaps than the bound, but still close them', () => {
    const state = new ReplicaState({ contextHolesMax: 2 })
    for (const n of [3, 6, 9]) state.join(add(`m${n}`, n), NOW_MS)
    expect(state.members('s')).toEqual(['m3', 'm6'])
    expect(state.counts(NOW_MS)).toMatchObject({ contextHoles: 2, refusedDeltas: 1 })
    for (const n of [1, 2, 4, 7]) state.join(add(`m${n}`, n), NOW_MS)
    expect(state.counts(NOW_MS)).toMatchObject({ contextHoles: 1, refusedDeltas: 1, setMembers: 6 })
  })

  it('may not open them all at once either, nor name more actors than the bound', () => {
    const state = new ReplicaState({ contextHolesMax: 100, contextActorsMax: 2 })
    state.join(covered(...Array.from({ length: 1000 }, (_, i) => dot(2 * i + 2))), NOW_MS)
    expect(state.counts(NOW_MS)).toMatchObject({ contextHoles: 0, refusedDeltas: 1 })
    for (let i = 0; i < 10; i++) state.join(covered(dot(1, actorId(`${i}`.repeat(32)))), NOW_MS)
    expect(state.counts(NOW_MS)).toMatchObject({ contextActors: 2, refusedDeltas: 9 })
    state.join(covered(dot(2, actorId('0'.repeat(32)))), NOW_MS)
    expect(state.counts(NOW_MS)).toMatchObject({ contextActors: 2, refusedDeltas: 9 })
  })

  it('still delivers its records', () => {
    const state = new ReplicaState({ dotWindow: 1 })
    const records = [{ table: 't', key: 'k', record: record(1n, 'r') }]
    expect(state.join({ ...add('x', 99), records }, NOW_MS).effective).toEqual({ ...NOTHING, records })
  })

  it('that claims one dot for two elements is settled and counted', () => {
    const state = stateOf(add('b', 1), add('a', 1))
    expect(state.members('s')).toEqual(['a'])
    expect(state.counts(NOW_MS).dotCollisions).toBe(1)
  })
})

describe('the clock', () => {
  it('goes above what it has seen', () => {
    const state = stateOf(put('k', entry(1, 5000, 'v')))
    expect(state.tick(NOW_MS)).toEqual({ ms: 5000, logical: 1 })
  })

  it('does not believe a stamp beyond the allowed skew, but the entry is merged', () => {
    const state = new ReplicaState({ maxClockSkewMs: 100 })
    state.join(put('k', entry(1, NOW_MS + 101, 'v')), NOW_MS)
    expect(state.tick(NOW_MS)).toEqual({ ms: NOW_MS, logical: 0 })
    expect(state.get('m', 'k', NOW_MS)).toBeDefined()
    expect(state.counts(NOW_MS).skewedStamps).toBe(1)
    state.join(put('k', entry(2, NOW_MS + 100, 'v')), NOW_MS)
    expect(state.clock.ms).toBe(NOW_MS + 100)
  })
})

describe('readers', () => {
  it('see neither tombstones nor what has expired', () => {
    const state = stateOf(
      put('gone', entry(1, 5)),
      put('brief', entry(2, 5, 'v', { expiresAtMs: NOW_MS + 10 })),
      put('kept', entry(3, 5, 'v')),
    )
    expect(state.get('m', 'gone', NOW_MS)).toBeUndefined()
    expect(state.get('m', 'brief', NOW_MS + 9)).toBeDefined()
    expect(state.get('m', 'brief', NOW_MS + 10)).toBeUndefined()
    expect(state.entry('m', 'brief')).toBeDefined()
    expect(state.list('m', { limit: 9 }, NOW_MS + 10).items.map(([key]) => key)).toEqual(['kept'])
  })

  it('get sets and members by name', () => {
    const state = stateOf(add('y', 1), add('x', 2), add('z', 3, A, 'r'))
    expect(state.sets()).toEqual([
      { name: 'r', count: 1 },
      { name: 's', count: 2 },
    ])
    expect(state.members('s')).toEqual(['x', 'y'])
    expect(state.members('none')).toEqual([])
  })

  it('see records until their expiry, and sweeping drops those past it', () => {
    const state = stateOf({
      ...NOTHING,
      records: [
        { table: 't', key: 'a', record: record(1n, 'a', NOW_MS) },
        { table: 't', key: 'b', record: record(1n, 'b') },
      ],
    })
    expect(state.record('t', 'a', NOW_MS)).toBeDefined()
    expect(state.record('t', 'a', NOW_MS + 1)).toBeUndefined()
    expect([...state.records('t', NOW_MS + 1)].map(([key]) => key)).toEqual(['b'])
    expect(state.counts(NOW_MS).records).toBe(2)
    expect(state.sweepRecords(NOW_MS + 1)).toEqual([{ kind: 'record', table: 't', key: 'a' }])
    expect(state.heldRecord('t', 'a')).toBeUndefined()
    expect(state.counts(NOW_MS).records).toBe(1)
  })
})
