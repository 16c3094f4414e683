/**
 * Which silences a list shows, and in which order: active ones by their end, then pending ones by their start, then
 * expired ones with the latest end first.
 */
import { type Matcher, sameMatcher } from './matcher.ts'
import { type Silence, type SilenceState, shownSilenceState } from './silence.ts'

export interface SilenceQuery {
  /** Each must equal a matcher of the silence, in name, operator and literal value; of one set all of them. */
  readonly filters: readonly Matcher[]
  readonly states: ReadonlySet<SilenceState>
}

const STATE_RANK: Readonly<Record<SilenceState, number>> = { active: 0, pending: 1, expired: 2 }

function matchesFilters(silence: Silence, filters: readonly Matcher[]): boolean {
  return silence.matcherSets.some((set) =>
    filters.every((filter) => set.some((matcher) => sameMatcher(matcher, filter))),
  )
}

function compareNanos(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function compareWithin(state: SilenceState, a: Silence, b: Silence): number {
  const byTime =
    state === 'pending'
      ? compareNanos(a.startsAtNs, b.startsAtNs)
      : compareNanos(a.endsAtNs, b.endsAtNs) * (state === 'active' ? 1 : -1)
  if (byTime !== 0) return byTime
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0
}

/** @returns what the query selects at `nowNs`, in list order; silences of equal times by id */
export function querySilences(silences: Iterable<Silence>, query: SilenceQuery, nowNs: bigint): Silence[] {
  const selected: { readonly state: SilenceState; readonly silence: Silence }[] = []
  for (const silence of silences) {
    const state = shownSilenceState(silence, nowNs)
    if (query.states.has(state) && matchesFilters(silence, query.filters)) selected.push({ state, silence })
  }
  selected.sort(
    (a, b) => STATE_RANK[a.state] - STATE_RANK[b.state] || compareWithin(a.state, a.silence, b.silence),
  )
  return selected.map(({ silence }) => silence)
}
