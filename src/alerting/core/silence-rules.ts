/**
 * What an edit of silences writes: create, edit in place, replace, end. Pure: the caller holds the stored version and
 * writes all that is returned as one unit, so that a refused edit leaves everything as it was.
 *
 * An identity keeps its matchers for life, because Alertmanagers index them once. So an edit that changes matchers, or
 * moves the start of an active silence to another second, ends the old silence and makes a new one.
 *
 * Each version is stamped above the one before (now, or one nanosecond more when the clock has not moved or a peer's
 * clock runs ahead), or it would lose against it. And a silence that ends early is remembered as long as any version of
 * it asked for: were its tombstone to go first, a peer that slept would bring the silence back.
 */
import { HearsayError } from '../../base/errors.ts'
import type { Matcher } from './matcher.ts'
import { maxNanos, NANOS_PER_SECOND, VERSION_END_NS, ZERO_TIME_NS } from './nanos.ts'
import { type MatcherSet, type Silence, sameMatcherSets, silenceState } from './silence.ts'
import { checkSilenceCount, checkSilenceSize, type SilenceLimits } from './silence-limits.ts'
import { silenceFault } from './silence-validation.ts'

export interface SilenceRequest {
  /** Of the silence to edit; empty to create one. */
  readonly id: string
  readonly matchers: readonly Matcher[]
  /** Further sets that an edit leaves as they are; we make none ourselves. */
  readonly otherMatcherSets?: readonly MatcherSet[]
  /** `ZERO_TIME_NS` for now. */
  readonly startsAtNs: bigint
  readonly endsAtNs: bigint
  readonly createdBy: string
  readonly comment: string
  readonly annotations: ReadonlyMap<string, string>
}

export interface EditContext {
  /** The stored silence of the requested id. */
  readonly existing: Silence | undefined
  readonly nowNs: bigint
  /** How long an ended silence is remembered. */
  readonly retentionNs: bigint
}

/** What bounds a request for a silence. */
export interface RequestContext extends EditContext {
  /** Silences stored, in whatever state. */
  readonly stored: number
  readonly limits: SilenceLimits
}

export interface SilencePlan {
  /** Of the silence that holds the request now. */
  readonly id: string
  readonly puts: readonly Silence[]
}

function nextVersion({ existing, nowNs }: EditContext): bigint {
  return existing === undefined ? nowNs : maxNanos(nowNs, existing.updatedAtNs + 1n)
}

function canEditInPlace(existing: Silence, request: Silence, nowNs: bigint): boolean {
  if (!sameMatcherSets(existing.matcherSets, request.matcherSets)) return false
  if (existing.updatedAtNs + 1n >= VERSION_END_NS) return false
  const state = silenceState(existing, nowNs)
  if (state === 'expired') return false
  if (state === 'pending') return request.startsAtNs >= nowNs
  const sameSecond = existing.startsAtNs / NANOS_PER_SECOND === request.startsAtNs / NANOS_PER_SECOND
  return sameSecond && request.endsAtNs >= nowNs
}

function checkValid(silence: Silence): void {
  const fault = silenceFault(silence)
  if (fault !== undefined) throw new HearsayError('SILENCE_INVALID', `invalid silence: ${fault}`)
}

/** Half of a surrogate pair cannot be written as UTF-8. */
function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\ufffd')
}

function silenceOf(request: SilenceRequest, { nowNs, retentionNs }: EditContext): Silence {
  const annotations = [...request.annotations].map(
    ([key, value]) => [wellFormed(key), wellFormed(value)] as const,
  )
  return {
    id: request.id,
    matcherSets: [request.matchers, ...(request.otherMatcherSets ?? [])],
    startsAtNs: request.startsAtNs === ZERO_TIME_NS ? nowNs : request.startsAtNs,
    endsAtNs: request.endsAtNs,
    updatedAtNs: nowNs,
    expiresAtNs: request.endsAtNs + retentionNs,
    createdBy: wellFormed(request.createdBy),
    comment: wellFormed(request.comment),
    annotations: new Map(annotations),
  }
}

/**
 * An edit in place is no further silence, so only its size is bounded.
 *
 * @param newId used when the request becomes a silence of its own
 * @throws HearsayError `SILENCE_INVALID`, `SILENCE_NOT_FOUND` (an id was given that is not stored), `SILENCES_MAX`,
 *   `SILENCE_TOO_LARGE`
 */
export function planSilence(request: SilenceRequest, context: RequestContext, newId: string): SilencePlan {
  const { existing, nowNs, stored, limits } = context
  const wanted = silenceOf(request, context)
  checkValid(wanted)
  if (request.id !== '' && existing === undefined)
    throw new HearsayError('SILENCE_NOT_FOUND', 'silence not found')
  if (existing !== undefined && canEditInPlace(existing, wanted, nowNs)) {
    const expiresAtNs = maxNanos(existing.expiresAtNs, wanted.expiresAtNs)
    const edited = { ...wanted, updatedAtNs: nextVersion(context), expiresAtNs, carried: existing.carried }
    checkSilenceSize(edited, limits)
    return { id: existing.id, puts: [edited] }
  }
  checkSilenceCount(stored, limits)
  const created = { ...wanted, id: newId, startsAtNs: maxNanos(wanted.startsAtNs, nowNs) }
  // The start may have passed the end.
  if (created.startsAtNs !== wanted.startsAtNs) checkValid(created)
  checkSilenceSize(created, limits)
  const ended = existing === undefined ? undefined : planExpiry({ ...context, existing })
  return { id: newId, puts: ended === undefined ? [created] : [ended, created] }
}

/** @returns the version that ends `existing` now, or undefined when it has ended already */
export function planExpiry(context: EditContext & { readonly existing: Silence }): Silence | undefined {
  const { existing, nowNs, retentionNs } = context
  const state = silenceState(existing, nowNs)
  if (state === 'expired') return undefined
  const updatedAtNs = nextVersion(context)
  return {
    ...existing,
    // So high a version is taken by peers only for a silence without duration.
    startsAtNs: state === 'pending' || updatedAtNs >= VERSION_END_NS ? nowNs : existing.startsAtNs,
    endsAtNs: nowNs,
    updatedAtNs,
    expiresAtNs: maxNanos(existing.expiresAtNs, nowNs + retentionNs),
  }
}
