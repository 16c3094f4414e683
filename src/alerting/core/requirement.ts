/** A matcher made ready for many alerts: compiled once, and with what an index can find it by. */
import { isRegexMatcher, type Matcher, operatorOf } from './matcher.ts'
import { compileRegex } from './regex.ts'

export interface Requirement {
  readonly name: string
  /** The only values that will do, none of them empty; undefined when they cannot be listed. */
  readonly values: readonly string[] | undefined
  /** Whether an alert without the label is out. */
  readonly needsLabel: boolean
  /** How every value that will do begins. */
  readonly prefix: string
  /** Whether `test` runs a regular expression. */
  readonly isCostly: boolean
  /** @param value empty when the label is absent */
  readonly test: (value: string) => boolean
}

function listed(name: string, values: readonly string[], isEqual: boolean): Requirement {
  const set = new Set(values)
  const acceptsEmpty = set.has('') === isEqual
  return {
    name,
    values: isEqual && !acceptsEmpty ? [...set] : undefined,
    needsLabel: !acceptsEmpty,
    prefix: '',
    isCostly: false,
    test: (value) => set.has(value) === isEqual,
  }
}

/** @returns undefined for a matcher that nothing meets: of a type we do not know, or with a pattern that RE2 refuses */
export function requirementOf(matcher: Matcher): Requirement | undefined {
  const { type, name, pattern } = matcher
  if (operatorOf(type) === undefined) return undefined
  if (!isRegexMatcher(matcher)) return listed(name, [pattern], type === 0)
  const regex = compileRegex(pattern)
  if ('error' in regex) return undefined
  const isEqual = type === 1
  const { literals, prefix } = regex.shape()
  if (literals !== undefined) return listed(name, literals, isEqual)
  return {
    name,
    values: undefined,
    // Of the empty text there is nothing but the whole to find.
    needsLabel: regex.matchesEmpty !== isEqual,
    prefix: isEqual ? prefix : '',
    isCostly: true,
    test: (value) => regex.test(value) === isEqual,
  }
}
