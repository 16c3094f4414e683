import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { actorId } from '../../../../src/base/names.ts'
import type { MapEntry } from '../../../../src/store/core/delta.ts'
import { type Change, isWanted, type WatchFilter, WatchLog } from '../../../../src/store/core/watch-log.ts'

const BOOT = '0123456789abcdef'
const ACTOR = actorId('a'.repeat(32))
const ALL: WatchFilter = {}

function entry(n: number, bytes: Uint8Array = new Uint8Array(1)): MapEntry {
  const value = { contentType: '', bytes }
  return {
    dot: { actor: ACTOR, n },
    stamp: { epoch: 0, ms: n, logical: 0, actor: ACTOR },
    value,
    expiresAtMs: undefined,
  }
}

function put(n: number, map = 'm', bytes?: Uint8Array): Change {
  return { type: 'put', map, key: `k${n}`, entry: entry(n, bytes) }
}

function filled(count: number, options: { changesMax?: number; bytesMax?: number } = {}): WatchLog {
  const log = new WatchLog({ boot: BOOT, ...options })
  for (let n = 1; n <= count; n++) log.append(put(n))
  return log
}

function keysAfter(log: WatchLog, after: number, filter = ALL, max = 100): readonly string[] | 'gap' {
  const page = log.read(after, filter, max)
  if (page.type === 'gap') return 'gap'
  return page.changes.map(({ change }) => ('key' in change ? change.key : change.member))
}

describe('the watch log', () => {
  it('gives what came after a position, in order, and where to go on', () => {
    const log = filled(5)
    expect(keysAfter(log, 2)).toEqual(['k3', 'k4', 'k5'])
    expect(keysAfter(log, 5)).toEqual([])
    expect(log.read(0, ALL, 2)).toMatchObject({ position: 2, changes: [{ position: 1 }, { position: 2 }] })
    expect(keysAfter(log, 2, ALL, 2)).toEqual(['k3', 'k4'])
  })

  it('holds the entry as it was at the change, by reference', () => {
    const log = new WatchLog({ boot: BOOT })
    const [first, second] = [entry(1), entry(2)]
    log.append({ type: 'put', map: 'm', key: 'k', entry: first })
    log.append({ type: 'put', map: 'm', key: 'k', entry: second })
    const page = log.read(0, ALL, 9)
    const entries =
      page.type === 'changes' ? page.changes.map(({ change }) => 'entry' in change && change.entry) : []
    expect([entries[0] === first, entries[1] === second]).toEqual([true, true])
  })

  it('moves a reader past what it does not want, so that others fill the log without harm to it', () => {
    const log = new WatchLog({ boot: BOOT, changesMax: 10 })
    let position = log.end
    for (let n = 0; n < 100; n++) {
      log.append(put(n, 'other'))
      const page = log.read(position, { map: 'mine' }, 5)
      expect(page).toEqual({ type: 'changes', changes: [], position: n + 1 })
      position = page.position
    }
    log.append(put(7, 'mine'))
    expect(keysAfter(log, position, { map: 'mine' })).toEqual(['k7'])
  })

  it('tells a gap to who is behind the oldest change held, and to nobody else', () => {
    const log = filled(13, { changesMax: 10 })
    expect(keysAfter(log, 2)).toBe('gap')
    expect(keysAfter(log, 3)).toHaveLength(10)
    expect(log.read(0, ALL, 5)).toEqual({ type: 'gap', position: 13 })
    expect(keysAfter(log, 14)).toBe('gap')
  })

  it('holds 10,000 changes, and a reader that was not there for a million gets one gap', () => {
    const log = filled(1_000_000)
    expect(log.stats).toEqual({ appended: 1_000_000, compacted: 990_000, bytes: 10_000 * 8 + 1 })
    const page = log.read(1, ALL, 1)
    expect(page).toEqual({ type: 'gap', position: 1_000_000 })
    expect(keysAfter(log, page.position)).toEqual([])
  })

  it('holds 16 MiB of keys and values; the oldest go', () => {
    const log = new WatchLog({ boot: BOOT })
    const mebibyte = new Uint8Array(1024 * 1024 - 2)
    for (let n = 1; n <= 9; n++) log.append(put(n, 'm', mebibyte))
    for (let n = 1; n <= 9; n++) log.append(put(n, 'm', mebibyte))
    expect(log.stats).toEqual({ appended: 18, compacted: 2, bytes: 16 * 1024 * 1024 })
    expect(keysAfter(log, 1)).toBe('gap')
    expect(keysAfter(log, 2)).toHaveLength(16)
  })

  it('does not hold one change that is larger than all it may hold', () => {
    const log = filled(2, { bytesMax: 100 })
    log.append(put(3, 'm', new Uint8Array(101)))
    expect([log.stats.bytes, keysAfter(log, 2), keysAfter(log, 3)]).toEqual([0, 'gap', []])
    log.append(put(4))
    expect(keysAfter(log, 3)).toEqual(['k4'])
  })

  it('reads from random positions what a plain list would give', () => {
    const options = { changesMax: fc.integer({ min: 1, max: 8 }), bytesMax: fc.integer({ min: 1, max: 60 }) }
    const sizes = fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 40 })
    fc.assert(
      fc.property(
        fc.record(options),
        sizes,
        fc.nat(45),
        fc.integer({ min: 1, max: 9 }),
        (bounds, all, after, max) => {
          const log = new WatchLog({ boot: BOOT, ...bounds })
          const changes = all.map((size, index) =>
            put(index, index % 2 === 0 ? 'm' : 'o', new Uint8Array(size)),
          )
          for (const change of changes) log.append(change)
          let held: Change[] = []
          for (const change of changes) {
            held = [...held, change].slice(-bounds.changesMax)
            while (bytes(held) > bounds.bytesMax) held = held.slice(1)
          }
          const start = changes.length - held.length
          const page = log.read(after, { map: 'm' }, max)
          if (after < start || after > changes.length)
            return page.type === 'gap' && page.position === changes.length
          const wanted = changes
            .slice(after)
            .filter((change) => 'map' in change && change.map === 'm')
            .slice(0, max)
          return (
            page.type === 'changes' &&
            page.changes.every(({ change }, i) => change === wanted[i]) &&
            page.changes.length === wanted.length
          )
        },
      ),
    )
  })
})

describe('a cursor', () => {
  it('stands for a position of this boot, and is a gap for any other', () => {
    const log = filled(3)
    expect(log.positionOf(log.cursorOf(2))).toBe(2)
    const other = new WatchLog({ boot: 'f'.repeat(16) })
    expect(keysAfter(log, log.positionOf(other.cursorOf(2)))).toBe('gap')
    expect(keysAfter(log, log.positionOf(log.cursorOf(9)))).toBe('gap')
  })

  it.each([
    '',
    '3',
    `${BOOT}-`,
    `${BOOT}-03`,
    `${BOOT}--1`,
    `${BOOT}-1.5`,
    `${BOOT.toUpperCase()}-1`,
    `${BOOT}-1 `,
    `${BOOT}-${'9'.repeat(17)}`,
  ])('is refused as malformed: %j', (cursor) => {
    expect(() => filled(3).positionOf(cursor)).toThrow(
      expect.objectContaining({ code: 'WATCH_CURSOR_MALFORMED' }),
    )
  })
})

describe('a filter', () => {
  const add: Change = { type: 'add', set: 's', member: 'ana' }
  it.each<[WatchFilter, boolean, boolean]>([
    [{}, true, true],
    [{ map: 'm' }, true, false],
    [{ set: 's' }, false, true],
    [{ map: 'm', set: 's' }, true, true],
    [{ map: 's', set: 'm' }, false, false],
    [{ prefix: 'k' }, true, false],
    [{ map: 'm', prefix: 'k1' }, true, false],
    [{ map: 'm', prefix: 'k12' }, false, false],
    [{ set: 's', prefix: 'an' }, false, true],
    [{ map: '' }, false, false],
  ])('%j wants the put: %j, the add: %j', (filter, wantsPut, wantsAdd) => {
    expect([isWanted(filter, put(1)), isWanted(filter, add)]).toEqual([wantsPut, wantsAdd])
  })
})

function bytes(changes: readonly Change[]): number {
  return changes.reduce(
    (sum, change) =>
      sum + ('entry' in change ? change.key.length + (change.entry.value?.bytes.length ?? 0) : 0),
    0,
  )
}
