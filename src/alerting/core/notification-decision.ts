/**
 * Whether a flush is worth a notification, by what the log says was notified last (alertmanager-state.md 6.2).
 *
 * Alerts count as sets of hashes. An alert that left the group without having resolved makes the set smaller, and a
 * smaller set tells the receiver nothing new. Repeats are measured from the wall clock at which the flush began, not from
 * when its turn came, or each replica in the queue would judge by another time.
 *
 * A time that is more than a day ahead of our clock comes from a broken one, and stays: whoever notifies next has to stamp
 * above it. By such a time nothing would be repeated until then, in 2096 say. The entry is taken to be as old as its expiry
 * tells, which is made by the clock of who sent: twice the repeat interval earlier; if that is no less ahead, a repeat is
 * due, once, because the entry of it expires in time. Alertmanager does not repeat.
 *
 * When everything has resolved the receiver hears of it once, or, without `sendResolved`, is told nothing while the log
 * is brought up to date all the same: which of the two is the sender's matter.
 */
import type { Decision, Flush } from './flush.ts'
import { NANOS_PER_SECOND, nanosFromMs } from './nanos.ts'
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

/** Clocks that are off by less make a repeat late by as much. */
const AHEAD_NS = 86_400n * NANOS_PER_SECOND

/** @returns when an entry was made, as far as can be told; undefined when it cannot */
function madeAtNs(
  { timestampNs, expiresAtNs }: Notification,
  { repeatIntervalMs }: DecidedFlush,
  nowNs: bigint,
): bigint | undefined {
  const fromExpiryNs = expiresAtNs - 2n * nanosFromMs(repeatIntervalMs)
  return [timestampNs, fromExpiryNs].find((ns) => ns <= nowNs + AHEAD_NS)
}

/**
 * @param entry what the log holds for the group and receiver of the flush
 * @param flush its `repeatIntervalMs` is finite
 * @param nowNs wall clock
 */
export function decide(entry: Notification | undefined, flush: DecidedFlush, nowNs: bigint): Decision {
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
  const madeNs = madeAtNs(entry, flush, nowNs)
  if (madeNs === undefined || madeNs < flush.flushedAtNs - nanosFromMs(flush.repeatIntervalMs)) {
    return { notify: true, reason: 'repeat' }
  }
  return { notify: false, reason: 'already-notified' }
}
