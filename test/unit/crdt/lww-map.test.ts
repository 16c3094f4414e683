import { describe, expect, it } from 'vitest'
import { actorId } from '../../../src/base/names.ts'
import { CausalContext } from '../../../src/crdt/context.ts'
import { compareEntries, type LwwEntry, LwwMap } from '../../../src/crdt/lww-map.ts'

const A = actorId('a'.repeat(32))
const B = actorId('b'.repeat(32))

function entry(n: number, ms: number, text: string | undefined, changes: Partial<LwwEntry> = {}): LwwEntry {
  const value =
    text === undefined ? undefined : { contentType: 'text/plain', bytes: new TextEncoder().encode(text) }
  return {
    dot: { actor: A, n },
    stamp: { epoch: 0, ms, logical: 0, actor: A },
    value,
    expiresAtMs: undefined,
    ...changes,
  }
}

function seen(...numbers: readonly number[]): CausalContext {
  const context = new CausalContext()
  context.addAll(numbers.map((n) => ({ actor: A, n })))
  return context
}

describe('the order of entries', () => {
  it('asks the stamp first', () => {
    expect(compareEntries(entry(1, 2, 'a'), entry(2, 1, undefined))).toBeGreaterThan(0)
  })

  it('lets a tombstone win over a value of the same stamp', () => {
    expect(compareEntries(entry(1, 1, undefined), entry(2, 1, 'z'))).toBeGreaterThan(0)
    expect(compareEntries(entry(2, 1, 'z'), entry(1, 1, undefined))).toBeLessThan(0)
  })

  it('then compares everything a reader can see, and the dot', () => {
    const typed = (contentType: string): LwwEntry =>
      entry(1, 1, undefined, { value: { contentType, bytes: new Uint8Array(1) } })
    expect(compareEntries(entry(1, 1, 'b'), entry(2, 1, 'ab'))).toBeGreaterThan(0)
    expect(compareEntries(typed('b'), typed('a'))).toBeGreaterThan(0)
    expect(compareEntries(entry(1, 1, 'a'), entry(1, 1, 'a', { expiresAtMs: 5 }))).toBeGreaterThan(0)
    expect(
      compareEntries(entry(1, 1, 'a', { expiresAtMs: 6 }), entry(1, 1, 'a', { expiresAtMs: 5 })),
    ).toBeGreaterThan(0)
    expect(compareEntries(entry(2, 1, 'a'), entry(1, 1, 'a'))).toBeGreaterThan(0)
    expect(compareEntries(entry(1, 1, 'a', { dot: { actor: B, n: 1 } }), entry(1, 1, 'a'))).toBeGreaterThan(0)
    expect(compareEntries(entry(1, 1, 'a'), entry(1, 1, 'a'))).toBe(0)
  })
})

describe('a put that arrives as a delta', () => {
  it('is ignored when its dot was seen, however new its stamp', () => {
    const map = new LwwMap()
    expect(map.joinPut(seen(1), 'k', entry(1, 99, 'ghost'))).toBe(false)
    expect(map.get('k')).toBeUndefined()
  })

  it('is seen even when it loses', () => {
    const map = new LwwMap()
    const context = new CausalContext()
    map.joinPut(context, 'k', entry(2, 5, 'new'))
    expect(map.joinPut(context, 'k', entry(1, 4, 'old'))).toBe(false)
    expect(context.has({ actor: A, n: 1 })).toBe(true)
    expect(map.get('k')?.dot.n).toBe(2)
  })
})

describe('a full join of one key', () => {
  const held = entry(1, 5, 'mine')

  function winner(
    theirs: LwwEntry | undefined,
    mine: CausalContext,
    their: CausalContext,
  ): number | undefined {
    const map = new LwwMap()
    map.restore('k', held)
    map.joinFullKey(mine, 'k', theirs, their)
    return map.get('k')?.dot.n
  }

  it('keeps what the other side has not seen', () => expect(winner(undefined, seen(1), seen(2))).toBe(1))
  it('drops what the other side has seen and no longer holds', () => {
    expect(winner(undefined, seen(1), seen(1))).toBeUndefined()
  })
  it('takes what is new', () => expect(winner(entry(2, 6, 'b'), seen(1), seen(2))).toBe(2))
  it('keeps the newer of two that are new to each other', () => {
    expect(winner(entry(2, 4, 'b'), seen(1), seen(2))).toBe(1)
  })
  it('drops an old entry by its dot although its stamp would win', () => {
    expect(winner(entry(2, 4, 'b'), seen(1), seen(1, 2))).toBe(2)
    expect(winner(entry(2, 9, 'ghost'), seen(1, 2), seen(2))).toBe(1)
  })
})
