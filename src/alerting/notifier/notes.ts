/** What the notifier counts, and tells its host of where a person may want to know. */
import { Tally } from '../../base/tally.ts'
import type { NotifierHost } from './notifier-host.ts'

/** Counted and noted: none of them happens while all is well. */
export type NotifierEvent =
  /** A member did not answer in time (own-claims.ts): its grant is taken for given. */
  | 'failed_open'
  /** A claim was asked for because that of another ended in failure, death or silence. */
  | 'takeovers'
  /** A notification could not be delivered from here for half of the time, and is left to the others. */
  | 'hand_overs'
  /** A claim of ours that was held is another's now. */
  | 'claims_lost'
  /** We were stopped for so long that ours may have been given away: asked for again. */
  | 'claims_lapsed'
  /** A claim of another was neither renewed nor released. */
  | 'leases_expired'
  /** Denied with a log entry that we lack. */
  | 'newer_entries'
  /** There was not time enough to wait for foreign members as they do. */
  | 'foreign_waits_cut'
  /** Sent, but its entry is not on disk. */
  | 'log_failures'
  | 'frames_malformed'
  /** From a name that is no live native member. */
  | 'frames_from_strangers'
  /** A claim that was granted and could not be kept in mind, or a receiver that could not be announced. */
  | 'overflows'

/** Counted only. */
export type NotifierCount =
  | 'announcements'
  | 'asks'
  | 'grants'
  | 'denials'
  | 'yielded'
  | 'releases'
  | 'grants_unasked'
  | 'denials_stale'
  | 'asks_stale'
  | 'restarts_seen'
  | 'orders'
  | 'retries'
  /** Readings of the log on behalf of a flush. */
  | 'decisions_by_entry'
  | 'decisions_without_entry'
  | `flushes_${'sent' | 'skipped' | 'failed'}_${string}`
  | `claims_${'held' | 'denied' | 'newer-entry' | 'timeout' | 'closed' | 'left' | 'overloaded'}`

export class Notes {
  readonly #host: NotifierHost
  readonly #tally = new Tally()

  constructor(host: NotifierHost) {
    this.#host = host
  }

  count(name: NotifierCount, by = 1): void {
    this.#tally.add(name, by)
  }

  note(event: NotifierEvent, fields: Readonly<Record<string, string | number>>): void {
    this.#tally.add(event)
    this.#host.note(event, fields)
  }

  toRecord(): Readonly<Record<string, number>> {
    return this.#tally.toRecord()
  }
}
