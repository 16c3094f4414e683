/** For tests that compare two servers: every difference must be a known one, and every known one must still be one. */
import { expect } from 'vitest'

/**
 * @param found what was put to both and came out differently, by name
 * @param known why it may, by the same names
 * @param names of all that was put to both; known differences of others are left alone
 */
export function expectKnownDifferences(
  found: Readonly<Record<string, unknown>>,
  known: Readonly<Record<string, string>>,
  names: readonly string[],
): void {
  const unexpected = Object.entries(found).filter(([name]) => known[name] === undefined)
  expect(Object.fromEntries(unexpected)).toEqual({})
  expect(names.filter((name) => known[name] !== undefined && found[name] === undefined)).toEqual([])
}
