import { describe, expect, it } from 'vitest'
import { actorId } from '../../../../src/base/names.ts'
import { seededRandom } from '../../../../src/base/random.ts'
import { CausalContext } from '../../../../src/crdt/context.ts'
import { Sketch } from '../../../../src/crdt/sketch.ts'
import type { Delta } from '../../../../src/store/core/delta.ts'
import { ItemDigest } from '../../../../src/store/core/item-digest.ts'
import { ReplicaState } from '../../../../src/store/core/replica-state.ts'
import type { StateItem } from '../../../../src/store/core/state-item.ts'
import { canonicalState } from '../../../../src/testing/canonical-state.ts'
import { itemsMissingFrom, joinFull, sideOf } from '../../../../src/testing/full-join.ts'
import { A, add, B, covered, dot, entry, NOTHING, NOW_MS, put, record } from './fixtures.ts'

function textOf(state: ReplicaState, key: string): string {
  return new TextDecoder().decode(state.entry('m', key)?.value?.bytes)
}

function itemsOf(state: ReplicaState): StateItem[] {
  const items: StateItem[] = []
  const scan = state.scan()
  for (let next = scan.next(); next.done !== true; next = scan.next()) items.push(next.value)
  return items
}

function digestOf({ puts, adds, records }: Delta): ItemDigest {
  const digest = new ItemDigest()
  for (const { map, key, entry: held } of puts) digest.entry(map, key, held, 1)
  for (const { set, member, dot: live } of adds) digest.onDot(set, member, live, 1)
  for (const { table, key, record: held } of records) digest.record(table, key, held, 1)
  return digest
}

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
    expect(state.join(delta, NOW_MS)).toMatchObject({ effective: NOTHING, changed: [] })
  })

  it('passes on a put that loses here, for it may win elsewhere', () => {
    const state = stateOf(put('k', entry(2, 9, 'new')))
    const loser = put('k', entry(1, 5, 'old'))
    expect(state.join(loser, NOW_MS)).toMatchObject({ effective: loser, changed: [] })
  })

  it('passes on a removal that overtook its add, and ignores the late add', () => {
    const state = new ReplicaState()
    expect(state.join(covered(dot(1)), NOW_MS).effective).toEqual(covered(dot(1)))
    expect(state.join(add('ana', 1), NOW_MS)).toMatchObject({ effective: NOTHING, changed: [] })
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

describe('the full join, out of its moves', () => {
  it('drops what the other side saw and no longer holds', () => {
    const state = stateOf(add('ana', 1), put('k', entry(2, 5, 'v')))
    const other = stateOf(add('ana', 1), covered(dot(1), dot(2)))
    const missing = itemsMissingFrom(other.fullState(), sideOf(state, NOW_MS))
    expect(state.retire(missing, other.context)).toEqual([
      { kind: 'entry', map: 'm', key: 'k' },
      { kind: 'member', set: 's', member: 'ana' },
    ])
    expect([state.members('s'), state.entry('m', 'k'), state.digest.count]).toEqual([[], undefined, 0])
  })

  it('leaves what the other side has not seen', () => {
    const state = stateOf(add('ana', 1), put('k', entry(2, 5, 'v')))
    const other = stateOf(covered(dot(3)))
    expect(state.retire(itemsMissingFrom(other.fullState(), sideOf(state, NOW_MS)), other.context)).toEqual(
      [],
    )
  })

  it('leaves what was written over an item since it was listed', () => {
    const state = stateOf(put('k', entry(1, 5, 'old')), add('ana', 2))
    const items = itemsOf(state)
    state.join(put('k', entry(3, 6, 'new')), NOW_MS)
    const seen = new CausalContext()
    seen.addInterval(A, { first: 1, last: 9 })
    expect(state.retire(items, seen)).toEqual([{ kind: 'member', set: 's', member: 'ana' }])
    expect(state.entry('m', 'k')?.dot.n).toBe(3)
  })

  it('learns removals of what it never saw, and says whose context has grown', () => {
    const state = stateOf(add('bob', 1, B))
    const other = stateOf(add('ana', 1), covered(dot(1)), add('bob', 1, B))
    expect(state.unite(other.context)).toEqual([A])
    expect(state.unite(other.context)).toEqual([])
    expect(state.join(add('ana', 1), NOW_MS).changed).toEqual([])
  })

  it('does not let a forgotten tombstone bring its value back', () => {
    const value = put('k', entry(1, 5, 'v'))
    const absentee = stateOf(value)
    const collected = stateOf(value, put('k', entry(2, 6)))
    collected.sweep(1e9)
    expect(collected.entry('m', 'k')).toBeUndefined()
    joinFull(sideOf(collected, NOW_MS), absentee.fullState())
    joinFull(sideOf(absentee, NOW_MS), collected.fullState())
    expect([absentee.entry('m', 'k'), collected.entry('m', 'k')]).toEqual([undefined, undefined])
    expect(absentee.digest.root()).toEqual(collected.digest.root())
  })

  it('gives away a copy of its context', () => {
    const state = stateOf(add('ana', 1))
    state.fullState().context.add(dot(7))
    expect(state.context.maxOf(A)).toBe(1)
  })
})

describe('one dot with two contents', () => {
  it('leaves the larger on both sides when the clones meet', () => {
    for (const [first, second] of [
      ['x', 'y'],
      ['y', 'x'],
    ] as const) {
      const [a, b] = [stateOf(put('k', entry(1, 5, first))), stateOf(put('k', entry(1, 5, second)))]
      expect(a.digest.root()).not.toEqual(b.digest.root())
      joinFull(sideOf(a, NOW_MS), b.fullState())
      joinFull(sideOf(b, NOW_MS), a.fullState())
      for (const state of [a, b]) expect(textOf(state, 'k')).toBe('y')
      expect(a.digest.root()).toEqual(b.digest.root())
    }
  })

  it('of set elements leaves the one that sorts first on both sides', () => {
    const [a, b] = [stateOf(add('x', 1)), stateOf(add('y', 1))]
    joinFull(sideOf(a, NOW_MS), b.fullState())
    joinFull(sideOf(b, NOW_MS), a.fullState())
    expect([a.members('s'), b.members('s')]).toEqual([['x'], ['x']])
    expect(a.digest.root()).toEqual(b.digest.root())
  })

  it('under two keys leaves both sides the same', () => {
    const [a, b] = [stateOf(put('x', entry(1, 5, 'v'))), stateOf(put('y', entry(1, 5, 'v')))]
    for (let round = 0; round < 2; round++) {
      joinFull(sideOf(a, NOW_MS), b.fullState())
      joinFull(sideOf(b, NOW_MS), a.fullState())
    }
    expect(canonicalState(a.fullState())).toBe(canonicalState(b.fullState()))
  })
})

describe('the digest', () => {
  it('is that of the items held, whatever the way there', () => {
    const random = seededRandom(5)
    const state = new ReplicaState({ tombstoneGraceMs: 50, tombstonesMax: 5, maxClockSkewMs: 100 })
    for (let n = 1; n <= 2000; n++) {
      const key = `k${random.below(40)}`
      const value = random.below(3) > 0 ? `${n}` : undefined
      const expiresAtMs = random.below(3) === 0 ? NOW_MS + n : undefined
      const ms = n + random.below(300)
      state.join(put(key, entry(n, ms, value, value === undefined ? {} : { expiresAtMs })), n)
      if (random.below(2) === 0) state.join(add(key, n, B), n)
      if (random.below(4) === 0) state.join(covered(dot(n - random.below(30), B)), n)
      const records = [{ table: 't', key, record: record(BigInt(random.below(9)), key, n + 20) }]
      state.join({ ...NOTHING, records }, n)
      if (random.below(50) === 0) state.sweep(n)
      if (random.below(50) === 0) state.releaseParked(n)
      if (random.below(20) === 0) state.retire(itemsOf(state).slice(0, 3), state.context)
      if (n % 100 > 0) continue
      const items = itemsOf(state)
      expect(state.digest.count).toBe(items.length)
      const [sketch, buckets] = [new Sketch(64), new Uint32Array(2048)]
      for (const { hi, lo } of items) {
        sketch.toggle(hi, lo, 1)
        const at = 2 * (hi % 1024)
        buckets[at] = (buckets[at] ?? 0) ^ hi
        buckets[at + 1] = (buckets[at + 1] ?? 0) ^ lo
      }
      expect(sketch.equals(state.digest.sketch)).toBe(true)
      expect(buckets).toEqual(state.digest.buckets)
      expect(digestOf(state.read(items)).root()).toEqual(state.digest.root())
    }
    expect(state.counts(2000)).toMatchObject({ refusedDeltas: 0 })
    expect(state.counts(2000).parked).toBeGreaterThan(0)
    expect(state.counts(2000).earlyCollected).toBeGreaterThan(0)
  })

  it('is all zero for an empty state, also after everything went', () => {
    const state = stateOf(add('ana', 1), put('k', entry(2, 5, 'v')))
    const seen = new CausalContext()
    seen.addInterval(A, { first: 1, last: 2 })
    state.retire(itemsOf(state), seen)
    expect(state.digest.root()).toEqual(new Uint8Array(16))
    expect(state.digest.root()).toEqual(new ReplicaState().digest.root())
  })

  it('tells apart whatever a reader can', () => {
    const base = entry(1, 5, 'v')
    const variants: Delta[] = [
      put('k', base),
      put('K', base),
      put('k', base, 'n'),
      put('k', entry(2, 5, 'v')),
      put('k', entry(1, 6, 'v')),
      put('k', entry(1, 5, 'w')),
      put('k', entry(1, 5)),
      put('k', entry(1, 5, 'v', { expiresAtMs: 7000 })),
      put('k', { ...base, dot: dot(1, B) }),
      put('k', { ...base, stamp: { ...base.stamp, actor: B } }),
      put('k', { ...base, stamp: { ...base.stamp, epoch: 1 } }),
      put('k', { ...base, stamp: { ...base.stamp, logical: 1 } }),
      put('k', { ...base, value: { contentType: 'a', bytes: new Uint8Array([118]) } }),
      add('k', 1),
      add('k', 2),
      add('k', 1, A, 'r'),
      { ...NOTHING, records: [{ table: 't', key: 'k', record: record(1n, 'r') }] },
      { ...NOTHING, records: [{ table: 't', key: 'k', record: record(2n, 'r') }] },
      { ...NOTHING, records: [{ table: 't', key: 'k', record: record(1n, 'r', 5001) }] },
    ]
    const roots = variants.map((delta) => stateOf(delta).digest.root().join('.'))
    expect(new Set(roots).size).toBe(variants.length)
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

  it('is no such thing from a peer that has seen the dots and told so', () => {
    const state = new ReplicaState({ dotWindow: 100, contextHolesMax: 0 })
    const far = new ReplicaState()
    far.join(add('ana', 5000), NOW_MS)
    joinFull(sideOf(state, NOW_MS), far.fullState())
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

  it('does not believe a stamp beyond the allowed skew, not even an own one', () => {
    const state = new ReplicaState({ maxClockSkewMs: 100 })
    state.join(put('k', entry(1, NOW_MS + 101, 'v')), NOW_MS)
    state.apply(put('own', entry(1, NOW_MS + 101, 'v', { dot: dot(1, B) })), NOW_MS)
    expect(state.tick(NOW_MS)).toEqual({ ms: NOW_MS, logical: 0 })
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
    expect(state.sweep(NOW_MS + 1)).toEqual({
      changed: [{ kind: 'record', table: 't', key: 'a' }],
      unsaved: [],
      done: true,
    })
    expect(state.heldRecord('t', 'a')).toBeUndefined()
    expect(state.counts(NOW_MS).records).toBe(1)
  })
})
