/**
 * What the calls of `replica.notifications` take, and the checks of it: unknown names are refused, lists and texts are
 * bounded, and alerts become the hashes that Alertmanagers know them by.
 */
import { IDENTITY_BYTES_MAX } from '../alerting/core/admission.ts'
import type { Flush } from '../alerting/core/flush.ts'
import { hasEnded, nanosFromMs } from '../alerting/core/nanos.ts'
import type { ReceiverDatum } from '../alerting/core/notification.ts'
import { notificationKey, type Receiver } from '../alerting/core/receiver.ts'
import { parseDuration } from '../base/duration.ts'
import { type Instant, nanosOfInstant } from './instant.ts'
import { checkOptionNames, optionInvalid } from './option-names.ts'

/** Where notifications go: an integration of a receiver, as Alertmanager's configuration names it. */
export interface NotificationReceiver {
  /** Name of the receiver. */
  readonly groupName: string
  /** Such as `webhook`, `slack`. */
  readonly integration: string
  /** Counts within one integration of one receiver. Default 0. */
  readonly idx?: number
}

/** An alert of a group; what else an object has is yours, and comes back in the context of the send. */
export interface NotificationAlert {
  /** Its identity: two alerts with the same labels are one. */
  readonly labels: Readonly<Record<string, string>>
  /** Default: `resolved` when `endsAt` is in the past, else `firing`. */
  readonly status?: 'firing' | 'resolved'
  readonly endsAt?: Instant
}

/** What a decision takes. */
export interface DecideOptions<A extends NotificationAlert = NotificationAlert> {
  /** Names the group, the same on all replicas; Alertmanager's form (`groupKey`) where it shall be one with theirs. */
  readonly groupKey: string
  readonly receiver: NotificationReceiver
  /** All of the group, resolved ones included for as long as they are not notified as such; at most 10,000. */
  readonly alerts: readonly A[]
  /** After which what has not changed is notified again, such as `4h`; a number is milliseconds. */
  readonly repeatInterval: string | number
  /** Whether a change of resolved alerts alone is worth a notification. Default true. */
  readonly sendResolved?: boolean
  /** When the flush began, which repeats are measured by. Default: now. */
  readonly flushedAt?: Instant
}

/** What `notifications.once` takes. */
export interface OnceOptions<A extends NotificationAlert = NotificationAlert> extends DecideOptions<A> {
  /** After which it gives up, waiting and retries included, such as `90s`; a number is milliseconds. Default `5m`. */
  readonly timeout?: string | number
  /** Whether an attempt that failed is repeated. Default true. An error with `retry: false` ends it as well. */
  readonly retry?: boolean
  /** Gives up: the promise rejects with its reason, unless the notification has been sent already. */
  readonly signal?: AbortSignal
}

/** What `notifications.log` takes. */
export interface LogOptions extends Omit<DecideOptions, 'sendResolved' | 'flushedAt' | 'repeatInterval'> {
  /** The entry is of use for twice as long; default: as long as the log keeps any. */
  readonly repeatInterval?: string | number
  /** For the next notification of the group, such as a thread id. */
  readonly receiverData?: ReadonlyMap<string, ReceiverDatum> | Readonly<Record<string, ReceiverDatum>>
}

/** A flush with the caller's alerts beside their hashes. */
export interface CheckedFlush<A extends NotificationAlert> {
  readonly flush: Flush
  readonly firing: readonly A[]
  readonly resolved: readonly A[]
}

export interface FlushDefaults {
  readonly nowMs: number
  readonly labelHash: (labels: Readonly<Record<string, string>>) => bigint
}

export const NOTIFICATION_ALERTS_MAX = 10_000
const LABELS_MAX = 1000
const LABEL_CHARACTERS_MAX = 65_536
const REPEAT_MS_MAX = 3650 * 86_400_000
const TIMEOUT_MS_DEFAULT = 300_000
const TIMEOUT_MS_MAX = 86_400_000
const IDX_MAX = 0xffff_ffff
const LONE_SURROGATE = /\p{Surrogate}/u

const RECEIVER: readonly string[] = [
  'groupName',
  'integration',
  'idx',
] satisfies (keyof NotificationReceiver)[]
export const DECIDE: readonly string[] = [
  'groupKey',
  'receiver',
  'alerts',
  'repeatInterval',
  'sendResolved',
  'flushedAt',
] satisfies (keyof DecideOptions)[]
export const LOG: readonly string[] = [
  'groupKey',
  'receiver',
  'alerts',
  'repeatInterval',
  'receiverData',
] satisfies (keyof LogOptions)[]
export const ONCE: readonly string[] = [
  ...DECIDE,
  ...(['timeout', 'retry', 'signal'] satisfies (keyof OnceOptions)[]),
]

/** @throws HearsayError `OPTION_INVALID`, `DURATION_MALFORMED`, `DATE_MALFORMED`, naming what is wrong */
export function checkedFlush<A extends NotificationAlert>(
  options: OnceOptions<A>,
  names: readonly string[],
  { nowMs, labelHash }: FlushDefaults,
): CheckedFlush<A> {
  checkOptionNames('', options, names)
  const { groupKey, alerts, repeatInterval, timeout, sendResolved = true, retry = true, flushedAt } = options
  if (typeof sendResolved !== 'boolean') throw optionInvalid('sendResolved', 'must be true or false')
  if (typeof retry !== 'boolean') throw optionInvalid('retry', 'must be true or false')
  const receiver = checkedReceiver(groupKey, options.receiver)
  const sides = sidesOf(alerts, nowMs, labelHash)
  const flush: Flush = {
    groupKey,
    receiver,
    firing: [...sides.firing.keys()],
    resolved: [...sides.resolved.keys()],
    repeatIntervalMs: checkedMs('repeatInterval', repeatInterval, REPEAT_MS_MAX),
    sendResolved,
    flushedAtNs: flushedAt === undefined ? nanosFromMs(nowMs) : nanosOfInstant(flushedAt),
    timeoutMs: timeout === undefined ? TIMEOUT_MS_DEFAULT : checkedMs('timeout', timeout, TIMEOUT_MS_MAX),
  }
  if (flush.timeoutMs === 0) throw optionInvalid('timeout', 'must be more than 0')
  return { flush, firing: [...sides.firing.values()], resolved: [...sides.resolved.values()] }
}

/** @throws HearsayError `OPTION_INVALID` */
export function checkedReceiver(groupKey: string, given: NotificationReceiver): Receiver {
  checkText('groupKey', groupKey)
  checkOptionNames('receiver.', given, RECEIVER)
  const { groupName, integration, idx = 0 } = given
  checkText('receiver.groupName', groupName)
  checkText('receiver.integration', integration)
  if (!(Number.isInteger(idx) && idx >= 0 && idx <= IDX_MAX)) {
    throw optionInvalid('receiver.idx', `must be a whole number from 0 to ${IDX_MAX}`)
  }
  const receiver = { groupName, integration, idx }
  if (Buffer.byteLength(notificationKey(groupKey, receiver)) > IDENTITY_BYTES_MAX) {
    throw optionInvalid(
      'groupKey',
      `and receiver must be at most ${IDENTITY_BYTES_MAX} bytes of UTF-8 together`,
    )
  }
  return receiver
}

/** By hash, so that an alert that is given twice counts once; one that fires as well as not fires. */
function sidesOf<A extends NotificationAlert>(
  alerts: readonly A[],
  nowMs: number,
  labelHash: FlushDefaults['labelHash'],
): { readonly firing: ReadonlyMap<bigint, A>; readonly resolved: ReadonlyMap<bigint, A> } {
  if (!Array.isArray(alerts)) throw optionInvalid('alerts', 'must be a list')
  if (alerts.length > NOTIFICATION_ALERTS_MAX) {
    throw optionInvalid('alerts', `must be at most ${NOTIFICATION_ALERTS_MAX}`)
  }
  const firing = new Map<bigint, A>()
  const resolved = new Map<bigint, A>()
  for (const [index, alert] of alerts.entries()) {
    const name = `alerts[${index}]`
    if (typeof alert !== 'object' || alert === null) throw optionInvalid(name, 'must be an object')
    checkLabels(`${name}.labels`, alert.labels)
    const side = isResolved(name, alert, nowMs) ? resolved : firing
    side.set(labelHash(alert.labels), alert)
  }
  for (const hash of firing.keys()) resolved.delete(hash)
  return { firing, resolved }
}

function isResolved(name: string, { status, endsAt }: NotificationAlert, nowMs: number): boolean {
  if (status === undefined) return endsAt !== undefined && hasEnded(nanosOfInstant(endsAt), nowMs)
  if (status === 'firing' || status === 'resolved') return status === 'resolved'
  throw optionInvalid(`${name}.status`, "must be 'firing' or 'resolved'")
}

/** @throws HearsayError `OPTION_INVALID` for anything but a bounded object of texts */
export function checkLabels(name: string, labels: Readonly<Record<string, string>>): void {
  if (typeof labels !== 'object' || labels === null || Array.isArray(labels)) {
    throw optionInvalid(name, 'must be an object of texts')
  }
  const entries = Object.entries(labels)
  if (entries.length > LABELS_MAX) throw optionInvalid(name, `must be at most ${LABELS_MAX}`)
  for (const [label, value] of entries) {
    const isText = typeof value === 'string' && !LONE_SURROGATE.test(value) && !LONE_SURROGATE.test(label)
    if (!isText) throw optionInvalid(`${name}.${label}`, 'must be well-formed text')
    if (label.length + value.length > LABEL_CHARACTERS_MAX) {
      throw optionInvalid(
        `${name}.${label.slice(0, 100)}`,
        `is longer than ${LABEL_CHARACTERS_MAX} characters`,
      )
    }
  }
}

function checkText(name: string, text: string): void {
  if (typeof text === 'string' && text !== '' && !LONE_SURROGATE.test(text)) return
  throw optionInvalid(name, 'must be text that is not empty')
}

/** @throws HearsayError `OPTION_INVALID`, `DURATION_MALFORMED` */
export function checkedMs(name: string, given: string | number, maxMs: number): number {
  const durationMs = typeof given === 'string' ? parseDuration(given) : Math.round(given)
  if (typeof durationMs === 'number' && durationMs >= 0 && durationMs <= maxMs) return durationMs
  throw optionInvalid(name, `must be text such as 30s or 4h, or milliseconds, of at most ${maxMs} ms`)
}
