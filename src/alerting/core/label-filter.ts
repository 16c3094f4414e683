/**
 * Filters on label sets, as the HTTP interface applies them to alerts and receivers: matchers, all of which must hold, where
 * a label that is absent counts as empty. (Alertmanager lets an empty value ask for absence or presence; as no label here has an
 * empty value, that is the same: alertmanager-state.md section 4.1.)
 */
import type { LabelSet } from './alert.ts'
import { type Matcher, matchesValue } from './matcher.ts'

export function passesFilters(labels: LabelSet, filters: readonly Matcher[]): boolean {
  return filters.every((filter) =>
    matchesValue(filter, Object.hasOwn(labels, filter.name) ? (labels[filter.name] ?? '') : ''),
  )
}
