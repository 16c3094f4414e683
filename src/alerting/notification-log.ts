/**
 * The notification log of this replica: what was last notified for each group of alerts through each integration, here
 * or by any other replica or Alertmanager.
 *
 * Reads are from memory. A write is decided on the entry as it is inside the store's atomic write, so two at the same
 * moment cannot overwrite each other, and resolves once durable here; its deltas let the caller wait until other replicas
 * have it as well. An entry past its expiry is not read, even while it waits to be swept. What cannot be written is known
 * all the same, for as long as the process lives (kept-entries.ts): it was sent.
 */
import type { Clock } from '../base/clock.ts'
import { errorCode, HearsayError } from '../base/errors.ts'
import type { ForeignRecord } from '../store/core/delta.ts'
import type { Committed } from '../store/key-value.ts'
import type { Records } from '../store/records.ts'
import { NOTIFICATION_TABLE } from './core/admission.ts'
import type { Decision } from './core/flush.ts'
import { nanosFromMs } from './core/nanos.ts'
import type { Notification } from './core/notification.ts'
import { notificationFromRecord } from './core/notification-codec.ts'
import { type DecidedFlush, decide } from './core/notification-decision.ts'
import { type NotificationRequest, planNotification } from './core/notification-rules.ts'
import { notificationKey, type Receiver } from './core/receiver.ts'
import { KeptEntries } from './kept-entries.ts'

export interface NotificationLogOptions {
  /** How long an entry is kept at most. */
  readonly retentionMs: number
}

export interface NotificationRecorded extends Committed {
  /** The entry that is held now. */
  readonly notification: Notification
}

export interface NotificationLogStats {
  /** Decisions and queries, and how many of them found no entry or named none. */
  readonly queries: number
  readonly queryErrors: number
  /** Entries written by this replica. */
  readonly recorded: number
}

export class NotificationLog {
  readonly #records: Records
  readonly #clock: Clock
  readonly #options: NotificationLogOptions
  readonly #kept: KeptEntries
  #queries = 0
  #queryErrors = 0
  #recorded = 0

  constructor(records: Records, clock: Clock, options: NotificationLogOptions) {
    this.#records = records
    this.#clock = clock
    this.#options = options
    this.#kept = new KeptEntries((key) => records.get(NOTIFICATION_TABLE, key), clock)
    // Reading it forgets what the table has by now.
    records.watch(NOTIFICATION_TABLE, (key) => void this.#kept.get(key))
  }

  get stats(): NotificationLogStats {
    return { queries: this.#queries, queryErrors: this.#queryErrors, recorded: this.#recorded }
  }

  /** @throws HearsayError `NOTIFICATION_QUERY_EMPTY` without group key or receiver, `NOTIFICATION_NOT_FOUND` */
  query(groupKey: string, receiver: Receiver | undefined): Notification {
    if (groupKey === '' || receiver === undefined) {
      this.#queries++
      this.#queryErrors++
      throw new HearsayError('NOTIFICATION_QUERY_EMPTY', 'no query parameters specified')
    }
    const found = this.#query(groupKey, receiver)
    if (found === undefined) throw new HearsayError('NOTIFICATION_NOT_FOUND', 'not found')
    return found
  }

  /**
   * Whether a flush is worth a notification, by the entry of now. One without any alert is not: who has just started, and
   * has heard of none yet, does not know that all have resolved.
   */
  decide(flush: DecidedFlush & { readonly groupKey: string; readonly receiver: Receiver }): Decision {
    const entry = this.#query(flush.groupKey, flush.receiver)
    if (flush.firing.length + flush.resolved.length === 0)
      return { notify: false, reason: 'nothing-to-notify' }
    return decide(entry, flush, this.#now().nowNs)
  }

  /** @param key as `notificationKey` makes it */
  get(key: string): Notification | undefined {
    const record = this.#kept.get(key)
    return record === undefined ? undefined : notificationFromRecord(record)
  }

  /** The entry as it goes to peers. Not to be changed. */
  recordBytes(key: string): Uint8Array | undefined {
    return this.#kept.get(key)?.bytes
  }

  /** As `notificationKey` makes them; in no particular order. Decodes nothing. Do not write while iterating. */
  *keys(): Generator<string> {
    for (const [key] of this.#records.entries(NOTIFICATION_TABLE)) yield key
  }

  /** In no particular order; do not write while iterating. */
  *entries(): Generator<Notification> {
    for (const [, record] of this.#records.entries(NOTIFICATION_TABLE)) {
      const notification = notificationFromRecord(record)
      if (notification !== undefined) yield notification
    }
  }

  /**
   * Logs a notification that was sent (core/notification-rules.ts). Resolves once durable here.
   *
   * @throws HearsayError `NOTIFICATION_INVALID`, `NOTIFICATION_TOO_LARGE`; and what the store throws: the entry is known
   *   here then and not durable
   */
  async record(request: NotificationRequest): Promise<NotificationRecorded> {
    const key = notificationKey(request.groupKey, request.receiver)
    let recorded: NotificationRecorded
    try {
      recorded = await this.#write(key, request)
    } catch (error) {
      if (errorCode(error)?.startsWith('NOTIFICATION_') !== true) this.#keep(key, request)
      throw error
    }
    this.#recorded++
    return recorded
  }

  /**
   * A record of a peer, admitted and on its way into the table, which may take a while or not take it at all: it is known
   * from now on.
   *
   * @returns whether it is news
   */
  heard(key: string, record: ForeignRecord): boolean {
    return this.#kept.keep(key, record)
  }

  /** Hears the key of each entry that changed here, by own write (once durable) or by merge. Returns how to stop. */
  watch(listener: (key: string) => void): () => void {
    return this.#records.watch(NOTIFICATION_TABLE, listener)
  }

  async #write(key: string, request: NotificationRequest): Promise<NotificationRecorded> {
    const { result, deltas } = await this.#records.write(NOTIFICATION_TABLE, (stage) => {
      const held = this.#kept.newer(key, stage.get(key))
      const existing = held === undefined ? undefined : notificationFromRecord(held)
      const plan = planNotification(request, { existing, ...this.#now() })
      if (plan !== undefined) stage.put(key, plan.record)
      return plan?.notification ?? existing
    })
    if (result !== undefined) return { notification: result, deltas }
    throw new HearsayError('NOTIFICATION_INVALID', 'the clock is beyond what can be logged')
  }

  /** @throws as `planNotification` */
  #keep(key: string, request: NotificationRequest): void {
    const plan = planNotification(request, { existing: this.get(key), ...this.#now() })
    if (plan !== undefined) this.#kept.keep(key, plan.record)
  }

  #now(): { readonly nowNs: bigint; readonly retentionNs: bigint } {
    return {
      nowNs: nanosFromMs(this.#clock.wallMs()),
      retentionNs: nanosFromMs(this.#options.retentionMs),
    }
  }

  #query(groupKey: string, receiver: Receiver): Notification | undefined {
    this.#queries++
    const found = this.get(notificationKey(groupKey, receiver))
    if (found === undefined) this.#queryErrors++
    return found
  }
}
