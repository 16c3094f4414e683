/**
 * What makes an alert valid, in Alertmanager 0.34's order and words. Label names may be any UTF-8, as in its default mode.
 * Of several faulty labels the first in the alert's order is told.
 */
import type { Alert, LabelSet } from './alert.ts'
import { goQuote } from './go-quote.ts'
import { INSTANT_END_NS, ZERO_TIME_NS } from './nanos.ts'

/** Lone surrogates cannot be written as UTF-8. */
const LONE_SURROGATE = /\p{Surrogate}/u

function labelsFault(labels: LabelSet): string | undefined {
  for (const [name, value] of Object.entries(labels)) {
    if (name === '' || LONE_SURROGATE.test(name)) return `invalid name ${goQuote(name)}`
    if (LONE_SURROGATE.test(value)) return `invalid value ${goQuote(value)}`
  }
  return undefined
}

function isShown(ns: bigint): boolean {
  return ns > ZERO_TIME_NS && ns < INSTANT_END_NS
}

/** @returns what is wrong first, or undefined when the alert is valid */
export function alertFault(alert: Alert): string | undefined {
  if (alert.endsAtNs < alert.startsAtNs) return 'start time must be before end time'
  if (!isShown(alert.startsAtNs) || !isShown(alert.endsAtNs)) return 'times must be in the years 1 to 9999'
  if (Object.keys(alert.labels).length === 0) return 'at least one label pair required'
  const ofLabels = labelsFault(alert.labels)
  if (ofLabels !== undefined) return `invalid label set: ${ofLabels}`
  const ofAnnotations = labelsFault(alert.annotations)
  return ofAnnotations === undefined ? undefined : `invalid annotations: ${ofAnnotations}`
}
