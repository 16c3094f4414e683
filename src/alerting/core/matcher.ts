/**
 * One condition on one label: `severity="critical"`, `instance=~"db-.*"`. A label that is absent counts as empty, so
 * `a=""` and `a!="x"` hold where there is no `a`. Regular expressions must match the whole value.
 */
import { goQuote } from './go-quote.ts'
import { compileRegex } from './regex.ts'

/** In the order of the wire's numbers. */
const OPERATORS = ['=', '=~', '!=', '!~'] as const
export type MatchOperator = (typeof OPERATORS)[number]

export interface Matcher {
  /** The wire's number: 0 `=`, 1 `=~`, 2 `!=`, 3 `!~`. Others come from peers we do not understand. */
  readonly type: number
  readonly name: string
  readonly pattern: string
}

/** Undefined for a type we do not know. */
export function operatorOf(type: number): MatchOperator | undefined {
  return OPERATORS[type]
}

export function matcher(name: string, operator: MatchOperator, pattern: string): Matcher {
  return { type: OPERATORS.indexOf(operator), name, pattern }
}

export function isRegexMatcher(of: Matcher): boolean {
  return of.type === 1 || of.type === 3
}

export function isEqualMatcher(of: Matcher): boolean {
  return of.type === 0 || of.type === 1
}

/** Equality of text, which is what filters on silences and edits in place compare. */
export function sameMatcher(a: Matcher, b: Matcher): boolean {
  return a.type === b.type && a.name === b.name && a.pattern === b.pattern
}

/**
 * @param value the label's value, empty when the label is absent
 * @returns never true for a pattern that does not compile, or a type we do not know
 */
export function matchesValue(of: Matcher, value: string): boolean {
  if (operatorOf(of.type) === undefined) return false
  if (!isRegexMatcher(of)) return (of.pattern === value) === (of.type === 0)
  const regex = compileRegex(of.pattern)
  return 'test' in regex && regex.test(value) === (of.type === 1)
}

/**
 * Whether a matcher says nothing about a present label, by Alertmanager's rule: `=` with an empty value, or `=~` with
 * a pattern that finds the empty text. Negative matchers never count.
 */
export function acceptsEmpty(of: Matcher): boolean {
  if (of.type === 0) return of.pattern === ''
  if (of.type !== 1) return false
  const regex = compileRegex(of.pattern)
  return 'test' in regex && regex.matchesEmpty
}

const RESERVED = /[\s{}!=~,\\"'`]/u

/** As Alertmanager prints it: `name="value"`, with a quoted name where it needs one. */
export function formatMatcher(of: Matcher): string {
  const operator = operatorOf(of.type) ?? '?'
  if (RESERVED.test(of.name)) return `${goQuote(of.name)}${operator}${goQuote(of.pattern)}`
  const value = of.pattern.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"')
  return `${of.name}${operator}"${value}"`
}
