/**
 * A silence: matchers that mute alerts from one instant to another, with who asked for it and why.
 *
 * Its identity is `id`, its version `updatedAtNs`; of two versions the newer one holds everywhere. It is never deleted,
 * only ended: an ended silence stays as its own tombstone until `expiresAtNs`.
 */
import type { MeshSilence } from './alertmanager_pb.ts'
import { type Matcher, sameMatcher } from './matcher.ts'

export type MatcherSet = readonly Matcher[]

export interface Silence {
  readonly id: string
  /** Any one set must match, all matchers of it. We create one set only; newer peers may send more. */
  readonly matcherSets: readonly MatcherSet[]
  readonly startsAtNs: bigint
  readonly endsAtNs: bigint
  readonly updatedAtNs: bigint
  /** When replicas forget it. */
  readonly expiresAtNs: bigint
  readonly createdBy: string
  readonly comment: string
  readonly annotations: ReadonlyMap<string, string>
  /** The record it was read from, so that fields we do not know survive an edit. */
  readonly carried?: MeshSilence | undefined
}

export type SilenceState = 'active' | 'pending' | 'expired'

/** The state that rules and counts go by: at exactly its end a silence is still active. */
export function silenceState(of: Silence, nowNs: bigint): SilenceState {
  if (nowNs < of.startsAtNs) return 'pending'
  return nowNs > of.endsAtNs ? 'expired' : 'active'
}

/** The state that the HTTP interface shows: at exactly its end it is expired. */
export function shownSilenceState(of: Silence, nowNs: bigint): SilenceState {
  return nowNs === of.endsAtNs && nowNs >= of.startsAtNs ? 'expired' : silenceState(of, nowNs)
}

/** Element by element, order included. */
export function sameMatcherSets(a: readonly MatcherSet[], b: readonly MatcherSet[]): boolean {
  return a.length === b.length && a.every((set, i) => sameMatchers(set, b[i] ?? []))
}

function sameMatchers(a: MatcherSet, b: MatcherSet): boolean {
  return a.length === b.length && a.every((matcher, i) => b[i] !== undefined && sameMatcher(matcher, b[i]))
}
