/**
 * Whether a flush is worth a notification, by what the log says was notified last (alertmanager-state.md 6.2).
 *
 * Alerts count as sets of hashes. An alert that left the group without having resolved makes the set smaller, and a
 * smaller set tells the receiver nothing new. Repeats are measured from the wall clock at which the flush began, not from
 * when its turn came, or each replica in the queue would judge by another time.
 *
 * When everything has resolved the receiver hears of it once, or, without `sendResolved`, is told nothing while the log
 * is brought up to date all the same: which of the two is the sender's matter.
 */
import type { Decision, Flush } from './flush.ts'
import { nanosFromMs } from './nanos.ts'
import type { Notification } from './notification.ts'

export type DecidedFlush = Pick<
  Flush,
  'firing' | 'resolved' | 'repeatIntervalMs' | 'sendResolved' | 'flushedAtNs'
>

/** Whether every hash of `a` is one of `b`; the empty list is part of any. */
export function isSubset(a: readonly bigint[], b: readonly bigint[]): boolean {
  if (a.length === 0) return true
  const all = new Set(b)
  return a.every((hash) => all.has(hash))
}

/**
 * @param entry what the log holds for the group and receiver of the flush
 * @param flush its `repeatIntervalMs` is finite
 */
export function decide(entry: Notification | undefined, flush: DecidedFlush): Decision {
  const fires = flush.firing.length > 0
  if (entry === undefined) {
    return fires ? { notify: true, reason: 'first' } : { notify: false, reason: 'nothing-to-notify' }
  }
  const hasFired = entry.firing.length > 0
  if (!isSubset(flush.firing, entry.firing))
    return { notify: true, reason: hasFired ? 'new-alerts' : 'first' }
  if (!fires) {
    return hasFired
      ? { notify: true, reason: 'all-resolved' }
      : { notify: false, reason: 'nothing-to-notify' }
  }
  if (flush.sendResolved && !isSubset(flush.resolved, entry.resolved)) {
    return { notify: true, reason: 'resolved' }
  }
  if (entry.timestampNs < flush.flushedAtNs - nanosFromMs(flush.repeatIntervalMs)) {
    return { notify: true, reason: 'repeat' }
  }
  return { notify: false, reason: 'already-notified' }
}
