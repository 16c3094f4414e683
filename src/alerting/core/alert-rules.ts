/**
 * What a posted alert becomes: the defaults of its times, and how it joins the one with the same labels that is known.
 *
 * Alertmanager's rules. A post that overlaps the known alert goes on with it: the earlier start stands, and of the ends
 * the later, unless that one was only assumed or the post says that the alert is over. Say an alert is known from 10:00 to
 * 10:05: a post of 10:02 to 10:06 makes it 10:00 to 10:06; one that ends at 10:03, read at 10:04, ends it at 10:03. A post
 * that touches it nowhere, or covers all of it, takes its place.
 */
import { compareUtf8 } from '../../base/utf8-order.ts'
import { type Alert, isResolved, type LabelSet } from './alert.ts'
import { ZERO_TIME_NS } from './nanos.ts'

/** As posted; a time that is not set is `ZERO_TIME_NS`. */
export interface AlertRequest {
  readonly labels: LabelSet
  readonly annotations: LabelSet
  readonly startsAtNs: bigint
  readonly endsAtNs: bigint
  readonly generatorUrl: string
}

/** Neither time set: it starts now; only the end set: it starts there. No end: `resolveTimeoutNs` from now. */
export function plannedAlert(request: AlertRequest, nowNs: bigint, resolveTimeoutNs: bigint): Alert {
  const { labels, annotations, startsAtNs, endsAtNs, generatorUrl } = request
  const hasEnd = endsAtNs !== ZERO_TIME_NS
  const assumedStartNs = hasEnd ? endsAtNs : nowNs
  return {
    labels: sortedByName(labels, ([, value]) => value !== ''),
    annotations: sortedByName(annotations, () => true),
    startsAtNs: startsAtNs === ZERO_TIME_NS ? assumedStartNs : startsAtNs,
    endsAtNs: hasEnd ? endsAtNs : nowNs + resolveTimeoutNs,
    updatedAtNs: nowNs,
    endIsAssumed: !hasEnd,
    generatorUrl,
  }
}

/** The order in which they are shown. */
function sortedByName(labels: LabelSet, isKept: (label: readonly [string, string]) => boolean): LabelSet {
  const kept = Object.entries(labels).filter(isKept)
  return Object.fromEntries(kept.sort(([a], [b]) => compareUtf8(a, b)))
}

function isWithin(ns: bigint, { startsAtNs, endsAtNs }: Alert): boolean {
  return startsAtNs < ns && ns < endsAtNs
}

/** @returns what is known from now on; both have the same labels */
export function joinedAlert(known: Alert, posted: Alert, nowNs: bigint): Alert {
  if (!isWithin(posted.endsAtNs, known) && !isWithin(posted.startsAtNs, known)) return posted
  // The clock may have stepped back between the two.
  const [older, younger] = posted.updatedAtNs < known.updatedAtNs ? [posted, known] : [known, posted]
  const mayOutlast = isResolved(younger, nowNs) ? isResolved(older, nowNs) : !older.endIsAssumed
  return {
    ...younger,
    startsAtNs: older.startsAtNs < younger.startsAtNs ? older.startsAtNs : younger.startsAtNs,
    endsAtNs: mayOutlast && older.endsAtNs > younger.endsAtNs ? older.endsAtNs : younger.endsAtNs,
  }
}
