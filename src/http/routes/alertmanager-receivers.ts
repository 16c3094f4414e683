/**
 * Receivers as Alertmanager's HTTP interface shows them. hearsay routes nothing: its receivers are those for which a notifier
 * of this replica has said that it notifies, and every alert goes to all of them.
 *
 * A receiver's only label is `name`, which Alertmanager gives to each of its own as well.
 */
import { passesFilters } from '../../alerting/core/label-filter.ts'
import type { Matcher } from '../../alerting/core/matcher.ts'
import { parseFilter } from '../../alerting/core/matcher-parser.ts'
import { HearsayError } from '../../base/errors.ts'
import { listParam } from './alertmanager-params.ts'

/** Names of the receivers, each once, in the order they are shown. */
export type Receivers = () => readonly string[]

export function passesReceiverFilters(name: string, filters: readonly Matcher[]): boolean {
  return passesFilters({ name }, filters)
}

/** @throws HearsayError `MATCHER_MALFORMED`, in Alertmanager's words */
export function receiverFilters(query: unknown): readonly Matcher[] {
  try {
    return listParam(query, 'receiver_matchers').map(parseFilter)
  } catch (cause) {
    if (!(cause instanceof HearsayError)) throw cause
    throw new HearsayError(cause.code, `failed to parse receiver_matchers param: ${cause.message}`, { cause })
  }
}
