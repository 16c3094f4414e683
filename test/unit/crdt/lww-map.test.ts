import { describe, expect, it } from 'vitest'
import { actorId } from '../../../src/base/names.ts'
import { CausalContext } from '../../../src/crdt/context.ts'
import { compareEntries, type LwwEntry, putWins } from '../../../src/crdt/lww-map.ts'

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

describe('the husk of an expired value', () => {
  const husk = entry(1, 5, undefined, { expiresAtMs: 9 })

  it('wins against older writes and loses to newer ones, like its value', () => {
    expect(compareEntries(husk, entry(2, 4, 'z'))).toBeGreaterThan(0)
    expect(compareEntries(husk, entry(2, 6, undefined))).toBeLessThan(0)
  })

  it('gives way to its value, and to a tombstone of the same stamp', () => {
    expect(compareEntries(husk, entry(1, 5, '', { expiresAtMs: 9 }))).toBeLessThan(0)
    expect(compareEntries(husk, entry(2, 5, undefined))).toBeLessThan(0)
  })
})

describe('a put that arrives as a delta', () => {
  it('is ignored when its dot was seen, however new its stamp', () => {
    expect(putWins(seen(1), entry(1, 99, 'ghost'), undefined)).toBe(false)
    expect(putWins(seen(1, 2), entry(1, 99, 'ghost'), entry(2, 5, 'held'))).toBe(false)
  })

  it('is seen even when it loses', () => {
    const context = seen(2)
    expect(putWins(context, entry(1, 4, 'old'), entry(2, 5, 'new'))).toBe(false)
    expect(context.has({ actor: A, n: 1 })).toBe(true)
  })

  it('replaces what is held under its key when it is newer', () => {
    expect(putWins(seen(1), entry(2, 6, 'new'), entry(1, 5, 'old'))).toBe(true)
    expect(putWins(seen(1), entry(2, 6, 'new'), undefined)).toBe(true)
  })

  it('with the very dot of what is held counts by the order of entries: two clones used it', () => {
    expect(putWins(seen(1), entry(1, 5, 'b'), entry(1, 5, 'a'))).toBe(true)
    expect(putWins(seen(1), entry(1, 5, 'a'), entry(1, 5, 'b'))).toBe(false)
    expect(putWins(seen(1), entry(1, 5, 'a'), entry(1, 5, 'a'))).toBe(false)
  })
})
