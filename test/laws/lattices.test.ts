/** Every lattice of the store under the laws of crdt-laws.ts. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type ActorId, actorId } from '../../src/base/names.ts'
import { CausalContext } from '../../src/crdt/context.ts'
import type { Dot } from '../../src/crdt/dot.ts'
import { type ClockState, compareStamps, observe } from '../../src/crdt/hlc.ts'
import type { Delta, ForeignRecord, FullState } from '../../src/store/core/delta.ts'
import { decodeDelta, encodeDelta } from '../../src/store/core/delta-codec.ts'
import { RecordTables } from '../../src/store/core/record-tables.ts'
import { ReplicaState } from '../../src/store/core/replica-state.ts'
import { canonicalState } from '../../src/testing/canonical-state.ts'
import { joinFull, sideOf } from '../../src/testing/full-join.ts'
import { decodeFullState, encodeFullState } from '../../src/testing/full-state-codec.ts'
import { runCrdtLaws } from './crdt-laws.ts'
import { FAR_MS, RealReplica } from './replica.ts'
import { type Step, World } from './schedule.ts'

const ACTORS: readonly ActorId[] = ['a', 'b', 'c'].map((digit) => actorId(digit.repeat(32)))
const actors = fc.constantFrom(...ACTORS)
const dots: fc.Arbitrary<Dot> = fc.record({ actor: actors, n: fc.integer({ min: 1, max: 12 }) })

function thrice<S>(one: fc.Arbitrary<S>): fc.Arbitrary<readonly [S, S, S]> {
  return fc.tuple(one, one, one)
}

function contextText(context: CausalContext): string {
  return JSON.stringify(context.actors().map((actor) => [actor, context.intervals(actor)]))
}

runCrdtLaws<CausalContext>({
  name: 'causal context',
  states: thrice(
    fc.array(dots, { maxLength: 25 }).map((list) => {
      const context = new CausalContext()
      context.addAll(list)
      return context
    }),
  ),
  join: (a, b) => {
    const both = a.clone()
    both.union(b)
    return both
  },
  text: contextText,
  includes: (a, b) => a.includes(b),
  roundTrip: (a) => decodeFullState(encodeFullState({ context: a, puts: [], adds: [], records: [] })).context,
})

runCrdtLaws<ClockState>({
  name: 'clock',
  states: thrice(fc.record({ ms: fc.integer({ min: 0, max: 3 }), logical: fc.integer({ min: 0, max: 3 }) })),
  join: observe,
  text: (clock) => `${clock.ms}.${clock.logical}`,
})

describe('stamps', () => {
  it('are in a total order', () => {
    const small = fc.integer({ min: 0, max: 2 })
    const stamps = fc.record({ epoch: small, ms: small, logical: small, actor: actors })
    fc.assert(
      fc.property(stamps, stamps, stamps, (a, b, c) => {
        expect(Math.sign(compareStamps(a, b))).toBe(-Math.sign(compareStamps(b, a)) + 0)
        expect(compareStamps(a, b) === 0).toBe(JSON.stringify(a) === JSON.stringify(b))
        if (compareStamps(a, b) <= 0 && compareStamps(b, c) <= 0)
          expect(compareStamps(a, c)).toBeLessThanOrEqual(0)
      }),
    )
  })
})

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    kind: fc.constantFrom<Step['kind'][]>(
      ...(['put', 'put', 'delete', 'add', 'add', 'remove', 'record', 'deliver', 'deliver', 'sync'] as const),
    ),
    at: fc.nat({ max: 2 }),
    pick: fc.nat({ max: 30 }),
    pauseMs: fc.nat({ max: 9 }),
  }),
  { maxLength: 40 },
)

/** Three replicas after one history. */
const worlds: fc.Arbitrary<World> = steps.map((list) => {
  const world = new World(3, {
    create: (actor) => new RealReplica(actor),
    maxClockSkewMs: 10_000,
    skewMs: (index) => index * 7,
    forgetful: false,
    hard: false,
  })
  for (const step of list) world.step(step)
  return world
})

const fullStates = worlds.map(({ states }) => states as unknown as readonly [FullState, FullState, FullState])

const records: fc.Arbitrary<ForeignRecord> = fc.record({
  versionNs: fc.bigInt({ min: -2n, max: 2n }),
  bytes: fc.uint8Array({ maxLength: 2 }),
  expiresAtMs: fc.integer({ min: FAR_MS, max: FAR_MS + 2 }),
})

runCrdtLaws<RecordTables>({
  name: 'record tables',
  states: thrice(
    fc
      .array(fc.record({ table: fc.constant('t'), key: fc.constantFrom('a', 'b'), record: records }))
      .map((puts) => {
        const tables = new RecordTables()
        for (const put of puts) tables.join(put)
        return tables
      }),
  ),
  join: (a, b) => {
    const both = new RecordTables()
    for (const put of [...a.puts(), ...b.puts()]) both.join(put)
    return both
  },
  text: (tables) =>
    canonicalState({ context: new CausalContext(), puts: [], adds: [], records: [...tables.puts()] }),
})

function joined(...states: readonly FullState[]): FullState {
  const state = new ReplicaState()
  for (const full of states) joinFull(sideOf(state, FAR_MS), full)
  return state.fullState()
}

runCrdtLaws<FullState>({
  name: 'replica state',
  states: fullStates,
  join: joined,
  text: canonicalState,
  includes: (a, b) => a.context.includes(b.context),
  roundTrip: (a) => decodeFullState(encodeFullState(a)),
})

/** A delta read as the complete state of a replica that has seen nothing else. */
function asState(delta: Delta): FullState {
  const context = new CausalContext()
  context.addAll(delta.covered)
  context.addAll([...delta.puts.map(({ entry }) => entry.dot), ...delta.adds.map(({ dot }) => dot)])
  return { context, puts: delta.puts, adds: delta.adds, records: delta.records }
}

describe('deltas', () => {
  it('join as the full state that says the same', () => {
    fc.assert(
      fc.property(worlds, fc.nat(), (world, pick) => {
        const delta = world.deltas[pick % Math.max(1, world.deltas.length)]
        for (const full of delta === undefined ? [] : world.states) {
          const state = new ReplicaState()
          joinFull(sideOf(state, FAR_MS), full)
          state.join(delta as Delta, FAR_MS)
          expect(canonicalState(state.fullState())).toBe(
            canonicalState(joined(full, asState(delta as Delta))),
          )
        }
      }),
      { numRuns: 300 },
    )
  })

  it('in any order and number make the same state', () => {
    fc.assert(
      fc.property(worlds, fc.array(fc.nat(), { maxLength: 60 }), (world, picks) => {
        const { deltas } = world
        const forwards = new ReplicaState()
        for (const delta of deltas) forwards.join(delta, FAR_MS)
        const shuffled = new ReplicaState()
        for (const pick of picks) {
          const delta = deltas[pick % Math.max(1, deltas.length)]
          if (delta !== undefined) shuffled.join(delta, FAR_MS)
        }
        for (const delta of [...deltas].reverse()) shuffled.join(delta, FAR_MS)
        expect(canonicalState(shuffled.fullState())).toBe(canonicalState(forwards.fullState()))
      }),
      { numRuns: 300 },
    )
  })

  it('survive their encoding', () => {
    fc.assert(
      fc.property(worlds, (world) => {
        for (const delta of world.deltas) expect(decodeDelta(encodeDelta(delta))).toEqual(delta)
      }),
      { numRuns: 100 },
    )
  })
})
