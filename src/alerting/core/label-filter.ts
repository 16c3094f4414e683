/**
 * Filters on label sets, as the HTTP interface applies them to alerts and receivers. All must hold. They are matchers,
 * where a label that is absent counts as empty, but for an empty value: `a=""` and `a=~""` then ask for absence, `a!=""` and
 * `a!~""` for presence (alertmanager-state.md section 4.1).
 */
import type { LabelSet } from './alert.ts'
import { isEqualMatcher, type Matcher, matchesValue } from './matcher.ts'

export function passesFilters(labels: LabelSet, filters: readonly Matcher[]): boolean {
  return filters.every((filter) => {
    const isPresent = Object.hasOwn(labels, filter.name)
    if (filter.pattern === '' && isPresent !== isEqualMatcher(filter)) return true
    return matchesValue(filter, isPresent ? (labels[filter.name] ?? '') : '')
  })
}
