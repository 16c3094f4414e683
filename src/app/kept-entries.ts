/**
 * Log entries that cannot be written: of notifications that were sent from here, or that others have told of.
 *
 * While the disk is full, or the clock is off, the log stands still, and by it alone each flush would find the same
 * notification due: a page every five minutes until somebody makes room. So what could not be written is remembered here,
 * for as long as the log would have, and goes to who asks for the claim, as any entry does: there it is written, and
 * spreads. It ends with the process, and as soon as the log has it or a newer one. At most 10,000; the oldest go first.
 */
import type { Notification } from '../alerting/core/notification.ts'
import { notificationFromRecord } from '../alerting/core/notification-codec.ts'
import type { NotificationRequest } from '../alerting/core/notification-rules.ts'
import { notificationKey } from '../alerting/core/receiver.ts'
import type { NotificationLog } from '../alerting/notification-log.ts'
import type { Clock } from '../base/clock.ts'
import type { ForeignRecord } from '../store/core/delta.ts'

const KEPT_MAX = 10_000

interface Kept {
  readonly notification: Notification
  readonly record: ForeignRecord
}

export class KeptEntries {
  readonly #log: NotificationLog
  readonly #clock: Clock
  readonly #keptMax: number
  readonly #kept = new Map<string, Kept>()

  constructor(log: NotificationLog, clock: Clock, keptMax: number = KEPT_MAX) {
    this.#log = log
    this.#clock = clock
    this.#keptMax = keptMax
  }

  get size(): number {
    return this.#kept.size
  }

  /** The newer of what is logged and what is kept. */
  get(key: string): Notification | undefined {
    return this.#keptOf(key)?.notification ?? this.#log.get(key)
  }

  recordBytes(key: string): Uint8Array | undefined {
    return this.#keptOf(key)?.record.bytes ?? this.#log.recordBytes(key)
  }

  /** A notification was sent, and the log did not take it. */
  sent(request: NotificationRequest): void {
    const key = notificationKey(request.groupKey, request.receiver)
    const plan = this.#log.plan(request, this.get(key))
    if (plan !== undefined) this.#keep(key, plan)
  }

  /** @returns whether it is news */
  heard(key: string, record: ForeignRecord): boolean {
    const held = this.get(key)
    if (held !== undefined && held.timestampNs >= record.versionNs) return false
    const notification = notificationFromRecord(record)
    if (notification === undefined) return false
    this.#keep(key, { notification, record })
    return true
  }

  #keep(key: string, kept: Kept): void {
    this.#kept.delete(key)
    this.#kept.set(key, kept)
    if (this.#kept.size <= this.#keptMax) return
    const [oldest] = this.#kept.keys()
    if (oldest !== undefined) this.#kept.delete(oldest)
  }

  /** What is kept beyond the log; forgets it when there is no more use for it. */
  #keptOf(key: string): Kept | undefined {
    const kept = this.#kept.get(key)
    if (kept === undefined) return undefined
    const logged = this.#log.get(key)
    const isOver =
      kept.record.expiresAtMs <= this.#clock.wallMs() ||
      (logged !== undefined && logged.timestampNs >= kept.notification.timestampNs)
    if (!isOver) return kept
    this.#kept.delete(key)
    return undefined
  }
}
