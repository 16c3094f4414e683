/**
 * A silence that was ended stays ended, however long somebody was away who did not hear of it. Real Alertmanagers are played
 * by their rules (alertmanager-state.md 3.5, 3.6, 3.10); the clock is fake and goes by hours.
 */
import { describe, expect, it } from 'vitest'
import { AdmittingStore } from '../../../src/alerting/admitting-store.ts'
import { SILENCE_TABLE } from '../../../src/alerting/core/admission.ts'
import { nanosFromMs } from '../../../src/alerting/core/nanos.ts'
import { type Silence, silenceState } from '../../../src/alerting/core/silence.ts'
import { encodeSilence, silenceFromRecord } from '../../../src/alerting/core/silence-codec.ts'
import { planExpiry } from '../../../src/alerting/core/silence-rules.ts'
import { seededRandom } from '../../../src/base/random.ts'
import type { RecordPut } from '../../../src/store/core/delta.ts'
import { ReplicaState } from '../../../src/store/core/replica-state.ts'
import { memorySyncStore } from '../../support/memory-sync-store.ts'
import { aSilence, HOUR_NS, NOW_MS, NOW_NS, SILENCE_ID } from '../../support/silences.ts'

const HOUR_MS = 3_600_000
const RETENTION_NS = 120n * HOUR_NS

interface Node {
  records(): readonly RecordPut[]
  hear(puts: readonly RecordPut[]): void
  collect(): void
  /** Undefined: forgotten, or never heard of. */
  silence(): Silence | undefined
  expire(): void
}

interface FakeClock {
  nowMs: number
}

function put(silence: Silence): RecordPut {
  return { table: SILENCE_TABLE, key: silence.id, record: encodeSilence(silence) }
}

function hearsay(clock: FakeClock): Node {
  const state = new ReplicaState()
  const held = (table: string, key: string) => state.record(table, key, clock.nowMs)
  const join: AdmittingStore['join'] = (delta) => state.join(delta, clock.nowMs).effective
  const store = new AdmittingStore(memorySyncStore(state, clock.nowMs, { join }), held, () => undefined)
  const silence = (): Silence | undefined => {
    const record = held(SILENCE_TABLE, SILENCE_ID)
    return record === undefined ? undefined : silenceFromRecord(record)
  }
  return {
    silence,
    records: () =>
      [...state.records(SILENCE_TABLE, clock.nowMs)].map(([key, record]) => ({
        table: SILENCE_TABLE,
        key,
        record,
      })),
    hear: (puts) => void store.join({ puts: [], adds: [], covered: [], records: puts }),
    collect: () => void state.sweep(clock.nowMs),
    expire: () => {
      const existing = silence()
      if (existing === undefined) return
      const ended = planExpiry({ existing, nowNs: nanosFromMs(clock.nowMs), retentionNs: RETENTION_NS })
      if (ended !== undefined)
        state.apply({ puts: [], adds: [], covered: [], records: [put(ended)] }, clock.nowMs)
    },
  }
}

function alertmanager(clock: FakeClock): Node {
  let held: Silence | undefined
  return {
    silence: () => held,
    records: () => (held === undefined ? [] : [put(held)]),
    hear: (puts) => {
      for (const { record } of puts) {
        const heard = silenceFromRecord(record)
        if (heard === undefined || heard.expiresAtNs < nanosFromMs(clock.nowMs)) continue
        if (held === undefined || held.updatedAtNs < heard.updatedAtNs) held = heard
      }
    },
    collect: () => {
      if (held !== undefined && held.expiresAtNs <= nanosFromMs(clock.nowMs)) held = undefined
    },
    expire: () => {
      const nowNs = nanosFromMs(clock.nowMs)
      if (held === undefined || silenceState(held, nowNs) === 'expired') return
      held = { ...held, endsAtNs: nowNs, updatedAtNs: nowNs, expiresAtNs: nowNs + RETENTION_NS }
    },
  }
}

function exchange(a: Node, b: Node): void {
  const [ofA, ofB] = [a.records(), b.records()]
  a.hear(ofB)
  b.hear(ofA)
}

/** Everybody with everybody, twice: what is lifted in the first round is told in the second. */
function meet(nodes: readonly Node[]): void {
  for (let round = 0; round < 2; round++) {
    for (const [i, a] of nodes.entries()) for (const b of nodes.slice(i + 1)) exchange(a, b)
  }
}

function run(seed: number): { readonly states: readonly (string | undefined)[]; readonly awayHours: number } {
  const random = seededRandom(seed)
  const clock = { nowMs: NOW_MS }
  const nodes = [hearsay(clock), hearsay(clock), alertmanager(clock), alertmanager(clock)]
  const hours = 200 + random.below(800)
  nodes[random.below(4)]?.hear([
    put(
      aSilence({
        endsAtNs: NOW_NS + BigInt(hours) * HOUR_NS,
        expiresAtNs: NOW_NS + BigInt(hours) * HOUR_NS + RETENTION_NS,
      }),
    ),
  ])
  meet(nodes)
  // One goes away, hearsay or Alertmanager; at least one hearsay replica stays.
  const away = nodes[random.below(4)]
  const present = nodes.filter((node) => node !== away)
  const expiresAfter = 1 + random.below(20)
  const awayHours = 125 + random.below(hours + 200)
  for (let hour = 1; hour <= awayHours; hour++) {
    clock.nowMs += HOUR_MS
    for (const node of nodes) node.collect()
    if (hour === expiresAfter) present[random.below(3)]?.expire()
    const [a, b] = [present[random.below(3)], present[random.below(3)]]
    if (a !== undefined && b !== undefined && a !== b) exchange(a, b)
  }
  meet(nodes)
  const nowNs = nanosFromMs(clock.nowMs)
  const stateOf = (silence: Silence | undefined) =>
    silence === undefined ? undefined : silenceState(silence, nowNs)
  return { states: nodes.map((node) => stateOf(node.silence())), awayHours }
}

describe('a silence that was ended', () => {
  it('stays ended when somebody comes back with the active version, after any absence', () => {
    let remembered = 0
    for (let seed = 1; seed <= 200; seed++) {
      const { states } = run(seed)
      expect([seed, states.filter((state) => state === 'active' || state === 'pending')]).toEqual([seed, []])
      if (states.includes('expired')) remembered++
    }
    // Both ends were reached: still remembered as ended, and forgotten by all.
    expect(remembered).toBeGreaterThan(50)
    expect(remembered).toBeLessThan(200)
  })

  it('would come back among Alertmanagers alone, which is what this is about', () => {
    const clock = { nowMs: NOW_MS }
    const [stays, away] = [alertmanager(clock), alertmanager(clock)]
    stays.hear([put(aSilence({ endsAtNs: NOW_NS + 720n * HOUR_NS, expiresAtNs: NOW_NS + 840n * HOUR_NS }))])
    exchange(stays, away)
    stays.expire()
    clock.nowMs += 121 * HOUR_MS
    stays.collect()
    exchange(stays, away)
    expect(stays.silence()?.endsAtNs).toBe(NOW_NS + 720n * HOUR_NS)
  })

  it('is told to Alertmanagers once, and they answer with nothing new', () => {
    const clock = { nowMs: NOW_MS }
    const [ours, theirs] = [hearsay(clock), alertmanager(clock)]
    ours.hear([put(aSilence())])
    exchange(ours, theirs)
    clock.nowMs += 1
    theirs.expire()
    exchange(ours, theirs)
    exchange(ours, theirs)
    const lifted = ours.silence()
    expect(lifted?.updatedAtNs).toBe(NOW_NS + 1_000_001n)
    for (let i = 0; i < 5; i++) exchange(ours, theirs)
    expect([ours.silence(), theirs.silence()].map((of) => of?.updatedAtNs)).toEqual([
      lifted?.updatedAtNs,
      lifted?.updatedAtNs,
    ])
  })
})
