import { describe, expect, it } from 'vitest'
import { actorId } from '../../../src/base/names.ts'
import type { Dot } from '../../../src/crdt/dot.ts'
import type { Delta, MapPut, RecordPut } from '../../../src/store/core/delta.ts'
import { GhostOracle } from '../../../src/testing/ghost-oracle.ts'
import { type ClientOp, Ledger, type LedgerEntry } from '../../../src/testing/ledger.ts'
import { cellName, dotName, type StateView, WriteModel } from '../../../src/testing/write-model.ts'
import { inventions, lostWrites, mapsDiffer, overclaims } from '../../../src/testing/write-oracles.ts'

const NOTHING: Delta = { puts: [], adds: [], covered: [], records: [] }
const actor = actorId('00'.repeat(16))
const dot = (n: number): Dot => ({ actor, n })

function mapPut(n: number, ms: number, text: string | undefined): MapPut {
  const value =
    text === undefined ? undefined : { contentType: 'text/plain', bytes: new TextEncoder().encode(text) }
  const stamp = { epoch: 0, ms, logical: 0, actor }
  return { map: 'm', key: 'k', entry: { dot: dot(n), stamp, value, expiresAtMs: undefined } }
}

function recordPut(version: bigint, byte: number): RecordPut {
  const record = { versionNs: version, bytes: Uint8Array.of(byte), expiresAtMs: 1e15 }
  return { table: 't', key: 'k', record }
}

interface Held {
  puts?: MapPut[]
  adds?: { n: number; member: string }[]
  records?: RecordPut[]
  seen?: number[]
}

function view(held: Held): StateView {
  const puts = held.puts ?? []
  const adds = held.adds ?? []
  return {
    puts: new Map(puts.map((put) => [cellName(put.map, put.key), put])),
    live: new Map(adds.map(({ n, member }) => [dotName(dot(n)), cellName('s', member)])),
    records: new Map((held.records ?? []).map((put) => [cellName(put.table, put.key), put])),
    ranges: [],
    seen: ({ n }) =>
      [...(held.seen ?? []), ...puts.map((put) => put.entry.dot.n), ...adds.map((add) => add.n)].includes(n),
  }
}

/** A ledger of acknowledged operations with these effects. */
function history(...effects: Partial<Delta>[]): { model: WriteModel; entries: readonly LedgerEntry[] } {
  const ledger = new Ledger()
  const op: ClientOp = { kind: 'delete', map: 'm', key: 'k' }
  for (const effect of effects) {
    const entry = ledger.invoke(0, op, 0)
    entry.effect = { ...NOTHING, ...effect }
    ledger.end(entry, 'acked', 1)
  }
  return { model: new WriteModel(ledger), entries: ledger.entries }
}

describe('lost writes', () => {
  it('are puts that nothing newer replaced', () => {
    const { model, entries } = history({ puts: [mapPut(1, 10, 'a')] })
    expect(lostWrites(view({ puts: [mapPut(1, 10, 'a')] }), model, entries)).toEqual([])
    expect(lostWrites(view({ puts: [mapPut(2, 11, 'b')], seen: [1] }), model, entries)).toEqual([])
    expect(lostWrites(view({ puts: [mapPut(2, 9, 'b')], seen: [1] }), model, entries)).toHaveLength(1)
    expect(lostWrites(view({}), model, entries)).toHaveLength(1)
  })

  it('are adds whose very dot nobody removed, whatever else was removed', () => {
    const add = (n: number) => ({ adds: [{ set: 's', member: 'x', dot: dot(n) }] })
    const { model, entries } = history(add(1), add(2), { covered: [dot(1)] })
    expect(lostWrites(view({ adds: [{ n: 2, member: 'x' }], seen: [1] }), model, entries)).toEqual([])
    expect(lostWrites(view({ seen: [1, 2] }), model, entries)[0]).toContain('nobody removed that dot')
  })

  it('are removals whose dot is still held', () => {
    const { model, entries } = history(
      { adds: [{ set: 's', member: 'x', dot: dot(1) }] },
      { covered: [dot(1)] },
    )
    expect(lostWrites(view({ adds: [{ n: 1, member: 'x' }] }), model, entries)[0]).toContain('still held')
    expect(lostWrites(view({ seen: [1] }), model, entries)).toEqual([])
  })

  it('are records older than what was acknowledged, ties by bytes', () => {
    const { model, entries } = history({ records: [recordPut(5n, 7)] })
    expect(lostWrites(view({ records: [recordPut(5n, 7)] }), model, entries)).toEqual([])
    expect(lostWrites(view({ records: [recordPut(5n, 6)] }), model, entries)).toHaveLength(1)
    expect(lostWrites(view({ records: [recordPut(4n, 9)] }), model, entries)).toHaveLength(1)
  })
})

describe('inventions', () => {
  it('are values, dots, elements and records nobody wrote so', () => {
    const add = { set: 's', member: 'x', dot: dot(2) }
    const { model } = history(
      { puts: [mapPut(1, 10, 'a')] },
      { adds: [add] },
      { records: [recordPut(1n, 1)] },
    )
    const sound = { puts: [mapPut(1, 10, 'a')], adds: [{ n: 2, member: 'x' }], records: [recordPut(1n, 1)] }
    expect(inventions(view(sound), model)).toEqual([])
    expect(inventions(view({ ...sound, puts: [mapPut(1, 10, 'b')] }), model)).toHaveLength(1)
    expect(inventions(view({ ...sound, puts: [mapPut(1, 11, 'a')] }), model)).toHaveLength(1)
    expect(inventions(view({ ...sound, puts: [mapPut(3, 10, 'a')] }), model)).toHaveLength(1)
    expect(inventions(view({ ...sound, adds: [{ n: 2, member: 'y' }] }), model)).toHaveLength(1)
    expect(inventions(view({ ...sound, records: [recordPut(1n, 2)] }), model)).toHaveLength(1)
  })
})

describe('overclaims', () => {
  it('are dots said to be seen whose writes are not there', () => {
    const { model } = history(
      { puts: [mapPut(1, 10, 'a')] },
      { adds: [{ set: 's', member: 'x', dot: dot(2) }] },
    )
    expect(overclaims(view({}), model)).toEqual([])
    expect(overclaims(view({ seen: [1] }), model)).toHaveLength(1)
    expect(overclaims(view({ seen: [2] }), model)).toHaveLength(1)
    expect(overclaims(view({ puts: [mapPut(3, 10.5, undefined)], seen: [1] }), model)).toEqual([])
  })
})

describe('maps of equally informed replicas', () => {
  it('must be equal', () => {
    const { model } = history({ puts: [mapPut(1, 10, 'a')] }, { puts: [mapPut(2, 10, 'b')] })
    const one = view({ puts: [mapPut(1, 10, 'a')], seen: [2] })
    expect(mapsDiffer(one, view({ puts: [mapPut(1, 10, 'a')], seen: [2] }), model)).toEqual([])
    expect(mapsDiffer(one, view({ puts: [mapPut(2, 10, 'b')], seen: [1] }), model)).toHaveLength(1)
    expect(mapsDiffer(one, view({ seen: [1, 2] }), model)).toHaveLength(1)
  })
})

describe('a tombstone', () => {
  it('may be gone after its grace, but not before, and then nothing it replaced may come back', () => {
    const old = mapPut(1, 10, 'a')
    const { model, entries } = history(
      { puts: [old] },
      { puts: [mapPut(2, 20, undefined)], covered: [dot(1)] },
    )
    const collected = view({ seen: [1, 2] })
    const early = { latestWallMs: 24, graceMs: 5 }
    const late = { latestWallMs: 25, graceMs: 5 }
    expect(overclaims(collected, model, early)).toHaveLength(1)
    expect(lostWrites(collected, model, entries, early)).not.toEqual([])
    expect(overclaims(collected, model, late)).toEqual([])
    expect(lostWrites(collected, model, entries, late)).toEqual([])
    const ghosts = new GhostOracle(model, 2)
    ghosts.letGo(0, collected)
    ghosts.letGo(1, view({ puts: [old] }))
    expect(ghosts.deadCount).toBe(0)
    expect(ghosts.check(0, view({ puts: [old] }))).toEqual([])
    ghosts.letGo(1, collected)
    expect(ghosts.deadCount).toBe(1)
    expect(ghosts.check(0, view({ puts: [old] }))).toHaveLength(1)
    ghosts.harmed(0)
    expect(ghosts.check(0, view({ puts: [old] }))).toEqual([])
    ghosts.atRest()
    expect(ghosts.check(0, view({ puts: [old] }))).toHaveLength(1)
  })
})

describe('the write model', () => {
  it('excuses two writes under one dot where an actor was doubled on purpose', () => {
    const { model, entries } = history({ puts: [mapPut(1, 10, 'a')] })
    model.doubled(actor)
    const [first] = entries
    const second = { ...history({ puts: [mapPut(1, 11, 'b')] }).entries[0] } as LedgerEntry
    model.learn(second, second.effect ?? NOTHING)
    expect(model.reusedDots).toEqual([])
    expect([first?.excuse, second.excuse]).toEqual(['doubled', 'doubled'])
    expect(lostWrites(view({}), model, [...entries, second])).toEqual([])
  })

  it('notices a dot that two writes were given', () => {
    expect(
      history({ puts: [mapPut(1, 10, 'a')] }, { puts: [mapPut(1, 11, 'b')] }).model.reusedDots,
    ).toHaveLength(1)
  })
})
