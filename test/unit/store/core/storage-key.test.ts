import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareBytes } from '../../../../src/base/bytes.ts'
import type { StateKey } from '../../../../src/store/core/state-key.ts'
import { stateKeyName } from '../../../../src/store/core/state-key.ts'
import {
  decodeStorageKey,
  encodeStorageKey,
  prefixOf,
  type StorageKey,
  StorageKeyReader,
} from '../../../../src/store/core/storage-key.ts'
import { A } from './fixtures.ts'

const names = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 4 }),
  fc.string({ unit: fc.constantFrom('\0', '\u0001', '\u00ff', 'a', '\0\u0001'), maxLength: 5 }),
)

function pair(kind: StateKey['kind'], name: string, key: string): StateKey {
  if (kind === 'entry') return { kind, map: name, key }
  return kind === 'member' ? { kind, set: name, member: key } : { kind, table: name, key }
}

const keys = fc.tuple(fc.constantFrom<StateKey['kind'][]>('entry', 'member', 'record'), names, names)

function startsWith(bytes: Uint8Array, prefix: Uint8Array): boolean {
  return compareBytes(bytes.subarray(0, prefix.length), prefix) === 0
}

describe('a storage key', () => {
  it('reads back, whatever is in its strings', () => {
    fc.assert(
      fc.property(keys, ([kind, name, key]) => {
        expect(decodeStorageKey(encodeStorageKey(pair(kind, name, key)))).toEqual(pair(kind, name, key))
      }),
      { numRuns: 2000 },
    )
    for (const key of [{ kind: 'clock' }, { kind: 'context', actor: A }] satisfies StorageKey[]) {
      expect(decodeStorageKey(encodeStorageKey(key))).toEqual(key)
    }
  })

  it('begins with the prefix of its own map, set or table and of no other', () => {
    fc.assert(
      fc.property(keys, keys, ([kind, name, key], [otherKind, otherName]) => {
        const bytes = encodeStorageKey(pair(kind, name, key))
        expect(startsWith(bytes, prefixOf(kind, name))).toBe(true)
        if (kind !== otherKind || name !== otherName)
          expect(startsWith(bytes, prefixOf(otherKind, otherName))).toBe(false)
      }),
      { numRuns: 2000 },
    )
  })

  it('stays below 0xff, which belongs to the storage layer', () => {
    expect(encodeStorageKey(pair('record', '\u00ff', '\u00ff'))[0]).toBe(0x12)
    expect(encodeStorageKey({ kind: 'context', actor: A })[0]).toBe(0x02)
  })

  it.each([
    [],
    [0],
    [0x01, 0],
    [0x02, 1, 2],
    [0x10],
    [0x10, 0x61],
    [0x10, 0, 2],
    [0x10, 0x61, 0],
    [0x13, 0, 1],
    [0x10, 0xc3, 0, 1],
  ])('is not read from bytes that are none: %#', (...bytes) => {
    expect(() => decodeStorageKey(Uint8Array.from(bytes))).toThrow(
      expect.objectContaining({ code: 'BYTES_MALFORMED' }),
    )
  })

  it('reads the same after any other, though names are decoded once a run', () => {
    const kinds = fc.constantFrom('entry' as const, 'member' as const, 'record' as const)
    const one = fc.tuple(
      kinds,
      fc.constantFrom('', 'a', 'ab', 'a\0', '\0\u0001', 'é'),
      fc.constantFrom('', 'a', '\0\u0001b'),
    )
    fc.assert(
      fc.property(fc.array(one, { maxLength: 12 }), (run) => {
        const reader = new StorageKeyReader()
        for (const key of run) {
          expect(reader.read(encodeStorageKey({ kind: 'context', actor: A }))).toEqual({
            kind: 'context',
            actor: A,
          })
          expect(reader.read(encodeStorageKey(pair(...key)))).toEqual(pair(...key))
          expect(() => reader.read(Uint8Array.of(0x55))).toThrow(
            expect.objectContaining({ code: 'BYTES_MALFORMED' }),
          )
        }
      }),
    )
  })

  it('has a name in memory that is as unambiguous', () => {
    fc.assert(
      fc.property(keys, keys, (a, b) => {
        const same = stateKeyName(pair(...a)) === stateKeyName(pair(...b))
        expect(same).toBe(JSON.stringify(a) === JSON.stringify(b))
      }),
      { numRuns: 2000 },
    )
  })
})
