import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { seededRandom, shuffle } from '../../../../src/base/random.ts'
import { CausalContext } from '../../../../src/crdt/context.ts'
import { CommitQueue } from '../../../../src/store/core/commit-queue.ts'
import {
  clockOp,
  contextOp,
  decodePiece,
  entryOp,
  memberOp,
  PieceReader,
  recordOp,
} from '../../../../src/store/core/disk-layout.ts'
import { loadState, StateLoader } from '../../../../src/store/core/state-loader.ts'
import type { StorageOp } from '../../../../src/store/core/storage-op.ts'
import { canonicalState } from '../../../../src/testing/canonical-state.ts'
import { joinFull, sideOf } from '../../../../src/testing/full-join.ts'
import { TestDisk } from './disk.ts'
import { A, B, dot, entry, NOW_MS, record } from './fixtures.ts'

function seen(...numbers: readonly number[]): CausalContext {
  const context = new CausalContext()
  context.addAll(numbers.map((n) => dot(n)))
  return context
}

function pairs(...ops: readonly StorageOp[]): (readonly [Uint8Array, Uint8Array])[] {
  return ops.flatMap((op) => (op.type === 'put' ? [[op.key, op.value] as const] : []))
}

const DISK = pairs(
  contextOp(seen(1, 2, 3, 4), A),
  clockOp({ ms: 77, logical: 3 }),
  entryOp('m', 'k', entry(2, 5, 'v')),
  memberOp('s', 'x', [dot(3), dot(9, B)]),
  recordOp('t', 'r', record(4n, 'bytes')),
)

describe('the records of a state', () => {
  it('read back one by one', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.uint8Array({ maxLength: 9 }),
        fc.option(fc.nat(), { nil: undefined }),
        (n, bytes, expiresAtMs) => {
          const held = { ...entry(n + 1, n, ''), value: { contentType: 'a/b', bytes }, expiresAtMs }
          const [pair] = pairs(entryOp('m', 'k', held))
          expect(decodePiece(...(pair as [Uint8Array, Uint8Array]))).toEqual({
            kind: 'entry',
            map: 'm',
            key: 'k',
            entry: held,
          })
        },
      ),
    )
  })

  it('go when nothing is held any more', () => {
    const gone = [
      entryOp('m', 'k', undefined),
      memberOp('s', 'x', []),
      recordOp('t', 'r', undefined),
      contextOp(seen(), A),
    ]
    expect(gone.map(({ type }) => type)).toEqual(['delete', 'delete', 'delete', 'delete'])
  })

  it('are damaged when anything follows them', () => {
    for (const [key, value] of DISK) {
      expect(() => decodePiece(key, Uint8Array.of(...value, 0))).toThrow(
        expect.objectContaining({ code: 'BYTES_MALFORMED' }),
      )
    }
  })
})

describe('a reader of many records', () => {
  it('reads each as if it were the only one, large and small', () => {
    const held = [
      entry(1, 5, 'x'.repeat(100_000)),
      entry(2, 6, 'y'),
      entry(3, 7),
      entry(4, 8, 'z'.repeat(3000)),
    ]
    const written = pairs(
      ...held.map((each, i) => entryOp('m', `${i}`, each)),
      ...DISK.map(([key]) => memberOp('s', `${key}`, [dot(1, B)])),
    )
    const reader = new PieceReader()
    for (const [key, value] of [...written, ...DISK, ...written]) {
      if (key[0] !== 0x02) expect(reader.read(key, value)).toEqual(decodePiece(key, value))
    }
    expect(written.slice(0, 4).map(([key, value]) => decodePiece(key, value))).toMatchObject(
      held.map((each) => ({ entry: each })),
    )
  })

  it('lets no record refer to what another has named', () => {
    const [good] = pairs(memberOp('s', 'x', [dot(3), dot(9, B)]))
    const reader = new PieceReader()
    for (const number of [1, 2]) {
      if (good !== undefined) reader.read(...good)
      expect(() => reader.read(good?.[0] ?? new Uint8Array(), Uint8Array.of(1, number, 5))).toThrow(
        expect.objectContaining({ code: 'BYTES_MALFORMED' }),
      )
    }
  })
})

describe('loading', () => {
  it('rebuilds entries, sets, records, clock and context', () => {
    const { state, damagedRecords } = loadState(DISK)
    expect(damagedRecords).toBe(0)
    expect(state.get('m', 'k', NOW_MS)).toEqual(entry(2, 5, 'v'))
    expect(state.dotsOf('s', 'x')).toEqual([dot(3), dot(9, B)])
    expect(state.record('t', 'r', NOW_MS)).toEqual(record(4n, 'bytes'))
    expect(state.clock).toEqual({ ms: 77, logical: 3 })
    expect(state.context.intervals(A)).toEqual([{ first: 1, last: 4 }])
    expect(state.counts(NOW_MS)).toMatchObject({ values: 1, setMembers: 1, records: 1 })
  })

  it('sees the dots of what is held although no context names them', () => {
    const { state } = loadState(DISK)
    expect(state.context.has(dot(9, B))).toBe(true)
  })

  it('does not depend on the order of the records', () => {
    const random = seededRandom(5)
    const expected = canonicalState(loadState(DISK).state.fullState())
    for (let round = 0; round < 50; round++) {
      expect(canonicalState(loadState(shuffle([...DISK], random)).state.fullState())).toBe(expected)
    }
  })

  it('keeps the dot index: a removal finds the element', () => {
    const { state } = loadState(DISK)
    state.join({ puts: [], adds: [], covered: [dot(3), dot(9, B)], records: [] }, NOW_MS)
    expect(state.hasMember('s', 'x')).toBe(false)
  })

  it('counts what it cannot read and goes on', () => {
    const broken = DISK.map(([key, value], index) => [key, index === 2 ? value.subarray(1) : value] as const)
    const { state, damagedRecords } = loadState([...broken, [Uint8Array.of(0x55), Uint8Array.of(1)]])
    expect(damagedRecords).toBe(2)
    expect(state.hasMember('s', 'x')).toBe(true)
  })
})

describe('after damage', () => {
  function damagedLoad(): StateLoader {
    const loader = new StateLoader()
    for (const [key, value] of DISK.filter((_, index) => index !== 2)) loader.record(key, value)
    loader.damaged()
    return loader
  }

  it('nothing is claimed that is not held, so that peers do not take a lost entry for a removed one', () => {
    const { state } = damagedLoad().finish()
    expect(state.context.intervals(A)).toEqual([{ first: 3, last: 3 }])
    const peer = loadState(DISK).state
    joinFull(sideOf(peer, NOW_MS), state.fullState())
    expect(peer.get('m', 'k', NOW_MS)).toBeDefined()
    joinFull(sideOf(state, NOW_MS), peer.fullState())
    expect(state.get('m', 'k', NOW_MS)).toBeDefined()
  })

  it('the first batch puts the contexts on disk right', () => {
    const disk = new TestDisk()
    disk.write(DISK.filter((_, index) => index !== 2).map(([key, value]) => ({ type: 'put', key, value })))
    const { state } = damagedLoad().finish()
    const queue = new CommitQueue(state, { nextDot: () => dot(1, B) })
    expect(queue.hasWork).toBe(true)
    disk.write(queue.begin(NOW_MS)?.ops ?? [])
    queue.finish({ ok: true }, NOW_MS)
    expect(loadState(disk.pairs).state.context.intervals(A)).toEqual([{ first: 3, last: 3 }])
  })
})
