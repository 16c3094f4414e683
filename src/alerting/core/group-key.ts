/**
 * The name of a group of alerts, as Alertmanager builds it: the matchers of the route that grouped them, from the root
 * down, then the labels that they were grouped by. The notification log is keyed by it, so a notifier that wants to share
 * groups with Alertmanagers has to spell it as they do: `{}/{team="x"}:{alertname="foo"}`.
 *
 * Releases disagree on two rare points. Labels were sorted as printed up to about 0.27, where `a0="x"` comes before
 * `a="x"`, and by name since. And a matcher's name with space or punctuation is quoted only since names may have them.
 * With names of letters and underscores all of them agree.
 */
import { compareUtf8 } from '../../base/utf8-order.ts'
import { goQuote } from './go-quote.ts'
import { formatMatcher, type Matcher } from './matcher.ts'

/** `name`: Alertmanager 0.28 and later; `printed`: before. */
export type GroupLabelOrder = 'name' | 'printed'

/** Wire types in the order of Go's: equal, not equal, regular expression, not that. */
const TYPE_RANK: readonly number[] = [0, 2, 1, 3]

function compareMatchers(a: Matcher, b: Matcher): number {
  return (
    compareUtf8(a.name, b.name) ||
    compareUtf8(a.pattern, b.pattern) ||
    (TYPE_RANK[a.type] ?? a.type) - (TYPE_RANK[b.type] ?? b.type)
  )
}

function printMatchers(matchers: readonly Matcher[]): string {
  return `{${[...matchers].sort(compareMatchers).map(formatMatcher).join(',')}}`
}

/**
 * @param path the matchers of each route from the root, which has none, to the one that the group belongs to. What a
 *   configuration says as `match_re: {a: x}` is the matcher `a=~"^(?:x)$"`.
 */
export function routeKey(path: readonly (readonly Matcher[])[]): string {
  return path.map(printMatchers).join('/')
}

function printLabels(labels: Readonly<Record<string, string>>, order: GroupLabelOrder): string {
  const print = (name: string): string => `${name}=${goQuote(labels[name] ?? '')}`
  const names = Object.keys(labels)
  const printed = order === 'name' ? names.sort(compareUtf8).map(print) : names.map(print).sort(compareUtf8)
  return `{${printed.join(', ')}}`
}

/**
 * @param path as for `routeKey`
 * @param labels those of the alerts that the route groups by; one that the alerts lack is not among them
 */
export function groupKey(
  path: readonly (readonly Matcher[])[],
  labels: Readonly<Record<string, string>>,
  order: GroupLabelOrder = 'name',
): string {
  return `${routeKey(path)}:${printLabels(labels, order)}`
}
