/**
 * Notifications as a library object: one of the replicas that are about to send the same thing sends it, and the log of
 * it is that of the cluster, shared with Alertmanagers.
 *
 * The order of one flush: the replica has settled; the log says that a notification is due; its turn comes; the others
 * grant the claim; the caller's send runs, again after a failure, while the claim is renewed; the log entry is on disk
 * here and on the others; the claim is released. See docs/adr/0007 for what that gives and what not.
 */
import type { FlushResult, NotifyReason, SendOrder, SendOutcome, SkipReason } from '../alerting/core/flush.ts'
import type { GroupLabelOrder } from '../alerting/core/group-key.ts'
import { groupKey } from '../alerting/core/group-key.ts'
import { labelHash } from '../alerting/core/label-hash.ts'
import { parseMatcher } from '../alerting/core/matcher-parser.ts'
import type { Notification, ReceiverDatum } from '../alerting/core/notification.ts'
import { sentFlush } from '../alerting/core/notification-rules.ts'
import { notificationKey } from '../alerting/core/receiver.ts'
import { type EntrySpreadDeps, spreadEntry } from '../alerting/entry-spread.ts'
import type { NotificationLog } from '../alerting/notification-log.ts'
import type { Clock } from '../base/clock.ts'
import type { HashFunction64 } from '../base/hash-function.ts'
import { abortable } from './abortable.ts'
import { errorText } from './error-text.ts'
import {
  checkedFlush,
  checkedReceiver,
  checkLabels,
  DECIDE,
  type DecideOptions,
  LOG,
  type LogOptions,
  type NotificationAlert,
  type NotificationReceiver,
  ONCE,
  type OnceOptions,
} from './notification-options.ts'
import type { NotifierDriver } from './notifier-driver.ts'
import { checkOptionNames, optionInvalid } from './option-names.ts'
import { checkedReceiverData } from './receiver-data.ts'
import { type Acknowledged, checkedWriteOptions, type WriteOptions } from './write-options.ts'

export type { GroupLabelOrder, NotifyReason, ReceiverDatum, SkipReason }

/** What the log holds of the last notification of a group to a receiver. */
export interface NotificationEntry {
  readonly groupKey: string
  readonly receiver: Required<NotificationReceiver>
  /** When it was sent; exact, in ns since 1970. The newer entry wins. */
  readonly timestampNs: bigint
  readonly timestamp: Date
  /** When replicas forget it. */
  readonly expiresAt: Date
  /** `labelHash` of the alerts that fired. */
  readonly firing: readonly bigint[]
  readonly resolved: readonly bigint[]
  /** What the send of it gave for the next one. */
  readonly receiverData: ReadonlyMap<string, ReceiverDatum>
}

/** What the caller's send is told. */
export interface SendContext<A extends NotificationAlert = NotificationAlert> {
  /** `first`, `new-alerts`, `all-resolved`, `resolved` or `repeat`. */
  readonly reason: NotifyReason
  /** The caller's own objects. */
  readonly firing: readonly A[]
  /** Empty with `sendResolved: false`. */
  readonly resolved: readonly A[]
  /** From 1; above 1 after failed attempts of this flush. */
  readonly attempt: number
  /** The same for every attempt and replica that sends this very notification: an idempotency key for the receiver. */
  readonly notificationId: string
  /** What the last notification's send gave, such as a thread id. */
  readonly receiverData: ReadonlyMap<string, ReceiverDatum>
  /** Aborted when this attempt is no longer wanted: time is up, the claim is lost, the replica closes. */
  readonly signal: AbortSignal
}

/** What a send may give back; whatever else it gives is not looked at. */
export interface SendReceipt {
  /** For the next notification of the group: at most 64 texts, 64-bit whole numbers (`bigint`) or numbers. */
  readonly receiverData?: ReadonlyMap<string, ReceiverDatum> | Readonly<Record<string, ReceiverDatum>>
}

/** Sends one notification, or throws. May give a `SendReceipt`, or a promise of one. */
export type Send<A extends NotificationAlert = NotificationAlert> = (context: SendContext<A>) => unknown

/** What came of a flush. */
export type OnceResult =
  /** By this replica, and logged. */
  | { readonly outcome: 'sent'; readonly reason: NotifyReason }
  /** `already-notified`, by whomever, or `nothing-to-notify`. */
  | { readonly outcome: 'skipped'; readonly reason: SkipReason }
  /** This replica sent nothing that succeeded, and neither did another in time, as far as known. */
  | {
      readonly outcome: 'failed'
      readonly reason: Extract<FlushResult, { readonly outcome: 'failed' }>['reason']
      readonly detail: string
      /** What the last attempt threw, if one did. */
      readonly error?: unknown
    }

/** Whether a notification is due, going by the log alone. */
export type NotificationDecision = (
  | { readonly notify: true; readonly reason: NotifyReason }
  | { readonly notify: false; readonly reason: SkipReason }
) & { readonly last: NotificationEntry | undefined }

/** What `notifications.log` resolves to. */
export interface LogResult extends Acknowledged {
  readonly entry: NotificationEntry
}

/** What it is made of. */
export interface NotificationParts {
  readonly driver: NotifierDriver
  readonly log: NotificationLog
  readonly spread: EntrySpreadDeps
  readonly clock: Clock
  readonly hash: HashFunction64
}

/** The notifications of the cluster. */
export class ReplicaNotifications {
  readonly #parts: NotificationParts

  /** Made by `openReplica`. */
  constructor(parts: NotificationParts) {
    this.#parts = parts
  }

  /**
   * Sees to it that one replica of those that call it for the same group and receiver sends. Resolves when this flush is
   * over: sent here, sent by another, or given up. Never rejects for what `send` throws.
   * @throws HearsayError `OPTION_INVALID`, `DURATION_MALFORMED`, `DATE_MALFORMED`; the reason of `signal`. For receiver data
   *   that cannot be kept `OPTION_INVALID` as well, after the notification has been sent and logged without them
   */
  async once<A extends NotificationAlert>(options: OnceOptions<A>, send: Send<A>): Promise<OnceResult> {
    if (typeof send !== 'function') throw optionInvalid('send', 'must be a function')
    const checked = checkedFlush(options, ONCE, this.#defaults())
    const { flush, firing } = checked
    const { signal, retry = true } = options
    signal?.throwIfAborted()
    const isMute = !flush.sendResolved && firing.length === 0
    const resolved = flush.sendResolved ? checked.resolved : []
    const attempts = new Attempts(send, { firing, resolved, retry, isMute })
    if (options.alerts.length === 0) return { outcome: 'skipped', reason: 'nothing-to-notify' }
    const result = await this.#parts.driver.flush(flush, (order, abort) => attempts.run(order, abort), signal)
    if (result.outcome === 'failed') {
      if (result.reason === 'closed') signal?.throwIfAborted()
      return attempts.error === undefined ? result : { ...result, error: attempts.error }
    }
    if (attempts.badReceipt !== undefined) throw attempts.badReceipt
    // The log was brought up to date; the receiver was told nothing.
    if (result.outcome === 'sent' && isMute) return { outcome: 'skipped', reason: 'nothing-to-notify' }
    return result
  }

  /**
   * Whether a notification is due, going by the log as known here: Alertmanager's rules. Reserves nothing.
   * @throws as `once`
   */
  decide(options: DecideOptions): NotificationDecision {
    const { flush } = checkedFlush(options, DECIDE, this.#defaults())
    const { log } = this.#parts
    const last = log.get(notificationKey(flush.groupKey, flush.receiver))
    return { ...log.decide(flush), last: last === undefined ? undefined : entryOf(last) }
  }

  /**
   * Logs a notification that was sent without `once`. Resolves once fsynced here and on the hearsay members that are alive, or
   * on as many replicas as `ack` asks for, or after `timeout` (1 s). It was sent: those that cannot be reached refuse nothing.
   * @throws as `once`, and what a write throws, other than `ACK_UNREACHABLE` and `ACK_OVERLOADED`
   */
  async log(options: LogOptions, writeOptions: WriteOptions = {}): Promise<LogResult> {
    const { flush } = checkedFlush({ repeatInterval: 0, ...options }, LOG, this.#defaults())
    const sent = { ok: true, receiverData: checkedReceiverData(options.receiverData) } as const
    const { log, spread } = this.#parts
    const { signal, ...wanted } = checkedWriteOptions(writeOptions)
    const { notification, deltas } = await abortable(log.record(sentFlush(flush, sent)), signal)
    const { reached, acked } = await abortable(spreadEntry(spread, deltas, wanted), signal)
    return { entry: entryOf(notification), reached, acked }
  }

  /** What was last notified, as known here. @throws HearsayError `OPTION_INVALID` */
  query(of: Pick<DecideOptions, 'groupKey' | 'receiver'>): NotificationEntry | undefined {
    checkOptionNames('', of, ['groupKey', 'receiver'])
    const receiver = checkedReceiver(of.groupKey, of.receiver)
    const found = this.#parts.log.get(notificationKey(of.groupKey, receiver))
    return found === undefined ? undefined : entryOf(found)
  }

  /**
   * Tells the others that this replica notifies for a receiver, before its first flush of it: they count with it when they
   * work out whose turn it is.
   * @throws HearsayError `OPTION_INVALID`
   */
  advertise(receiver: NotificationReceiver): void {
    this.#parts.driver.advertise(checkedReceiver('any', receiver))
  }

  /** The hash by which the log knows an alert, as Alertmanager makes it. @throws HearsayError `OPTION_INVALID` */
  labelHash(labels: Readonly<Record<string, string>>): bigint {
    checkLabels('labels', labels)
    return labelHash(labels, this.#parts.hash)
  }

  /**
   * The key of a group, as Alertmanager builds it.
   * @param path the matchers of each route from the root, which has none, to the group's: `[[], ['team="x"']]`
   * @param labels those that the route groups by
   * @param order `printed` for Alertmanagers before 0.28; it matters for few names
   * @throws HearsayError `MATCHER_MALFORMED`, `OPTION_INVALID`
   */
  groupKey(
    path: readonly (readonly string[])[],
    labels: Readonly<Record<string, string>>,
    order: GroupLabelOrder = 'name',
  ): string {
    checkLabels('labels', labels)
    return groupKey(
      path.map((matchers) => matchers.map(parseMatcher)),
      labels,
      order,
    )
  }

  #defaults(): {
    readonly nowMs: number
    readonly labelHash: (labels: Readonly<Record<string, string>>) => bigint
  } {
    const { clock, hash } = this.#parts
    return { nowMs: clock.wallMs(), labelHash: (labels) => labelHash(labels, hash) }
  }
}

interface AttemptOptions<A> {
  readonly firing: readonly A[]
  readonly resolved: readonly A[]
  readonly retry: boolean
  /** There is nothing that the receiver shall hear. */
  readonly isMute: boolean
}

/** The attempts of one flush at this replica. */
class Attempts<A extends NotificationAlert> {
  /** What the last one threw. */
  error: unknown
  /** Why the data that a send gave were not kept. */
  badReceipt: unknown
  readonly #send: Send<A>
  readonly #options: AttemptOptions<A>

  constructor(send: Send<A>, options: AttemptOptions<A>) {
    this.#send = send
    this.#options = options
  }

  async run(order: SendOrder, signal: AbortSignal): Promise<SendOutcome> {
    const { firing, resolved, isMute } = this.#options
    const { reason, last, attempt, notificationId } = order
    if (isMute) return { ok: true }
    // They belong to one sequence of notifications, from the first that fires until all have resolved.
    const receiverData = reason === 'first' ? new Map() : (last?.receiverData ?? new Map())
    this.error = undefined
    let receipt: unknown
    try {
      const context = { reason, firing, resolved, attempt, notificationId, receiverData, signal }
      receipt = await this.#send(context)
    } catch (error) {
      this.error = error
      const mayRetry =
        typeof error !== 'object' || error === null || !('retry' in error) || error.retry !== false
      return { ok: false, retry: this.#options.retry && mayRetry, detail: errorText(error) }
    }
    return this.#sent(receipt)
  }

  /** It has been sent: what is wrong with the data must not send it again. */
  #sent(receipt: unknown): SendOutcome {
    if (typeof receipt !== 'object' || receipt === null || !('receiverData' in receipt)) return { ok: true }
    try {
      return { ok: true, receiverData: checkedReceiverData(receipt.receiverData) }
    } catch (error) {
      this.badReceipt = error
      return { ok: true }
    }
  }
}

function entryOf(notification: Notification): NotificationEntry {
  const { groupKey, receiver, timestampNs, expiresAtNs, firing, resolved, receiverData } = notification
  const timestamp = new Date(Number(timestampNs / 1_000_000n))
  const expiresAt = new Date(Number(expiresAtNs / 1_000_000n))
  return { groupKey, receiver, timestampNs, timestamp, expiresAt, firing, resolved, receiverData }
}
