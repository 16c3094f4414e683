/**
 * A flush: one moment at which the alerts of one group are due for one receiver. Every replica has its own flush of the
 * same group; the notifier (notifier.ts) sees to it that one of them sends.
 */
import type { Notification, ReceiverDatum } from './notification.ts'
import type { Receiver } from './receiver.ts'

export interface Flush {
  readonly groupKey: string
  readonly receiver: Receiver
  /** Label hashes (label-hash.ts) of the alerts that fire now. */
  readonly firing: readonly bigint[]
  /** Of those that have resolved since. */
  readonly resolved: readonly bigint[]
  readonly repeatIntervalMs: number
  /** Whether a change of `resolved` alone is worth a notification. */
  readonly sendResolved: boolean
  /** Wall clock at which the flush began: what repeats are measured by, not the time after waiting. */
  readonly flushedAtNs: bigint
  /** After which it gives up, waiting and retries included. */
  readonly timeoutMs: number
}

/** Why a notification is due, or is not. */
export type NotifyReason = 'first' | 'new-alerts' | 'all-resolved' | 'resolved' | 'repeat'
export type SkipReason =
  /** The log has it. */
  | 'already-notified'
  /** Nothing fires, and nothing that fired was ever notified. */
  | 'nothing-to-notify'

export type Decision =
  | { readonly notify: true; readonly reason: NotifyReason }
  | { readonly notify: false; readonly reason: SkipReason }

/** What a sender is told. */
export interface SendOrder {
  readonly reason: NotifyReason
  /** The log entry that was decided on; undefined for the first notification of a group. */
  readonly last: Notification | undefined
  /** From 1; above 1 after failed attempts of this flush on this replica. */
  readonly attempt: number
  /** Same for every replica and attempt that sends this very notification: an idempotency key for the receiver. */
  readonly notificationId: string
}

/** What came of a send. */
export type SendOutcome =
  | { readonly ok: true; readonly receiverData?: ReadonlyMap<string, ReceiverDatum> }
  /** `retry` false: trying again here is of no use. */
  | { readonly ok: false; readonly retry: boolean; readonly detail: string }

export type FlushResult =
  /** By this replica, and logged. */
  | { readonly outcome: 'sent'; readonly reason: NotifyReason }
  | { readonly outcome: 'skipped'; readonly reason: SkipReason }
  /** This replica sent nothing that succeeded, and neither did another before the time was up, as far as known. */
  | {
      readonly outcome: 'failed'
      readonly reason: 'send-failed' | 'timeout' | 'closed' | 'left' | 'overloaded'
      readonly detail: string
    }
