/**
 * What a notification that was sent makes of its log entry. Pure: the caller holds the entry as it is, and writes what is
 * returned as one unit with having read it.
 *
 * An entry is written only by who has just notified, so it is true whatever the clocks say: it is stamped above the one
 * it replaces (now, or a nanosecond more), or it would lose against an entry of a peer whose clock runs ahead, and
 * everybody would notify again. Alertmanager writes nothing in that case.
 *
 * Receiver data belong to a sequence of notifications, from the first firing alert until all have resolved: each
 * notification takes on what the one before left, with what its sender changed; the first one begins with nothing.
 */
import { utf8Encode } from '../../base/bytes.ts'
import { HearsayError } from '../../base/errors.ts'
import type { ForeignRecord } from '../../store/core/delta.ts'
import { IDENTITY_BYTES_MAX, RECORD_BYTES_MAX } from './admission.ts'
import type { Flush, SendOutcome } from './flush.ts'
import { maxNanos, nanosFromMs, VERSION_END_NS } from './nanos.ts'
import type { Notification, ReceiverDatum } from './notification.ts'
import { encodeNotification } from './notification-codec.ts'
import { notificationKey, type Receiver } from './receiver.ts'

/** Firing and resolved together; at most 1 MB of a record. */
export const NOTIFICATION_HASHES_MAX = 100_000

export interface NotificationRequest {
  readonly groupKey: string
  readonly receiver: Receiver
  readonly firing: readonly bigint[]
  readonly resolved: readonly bigint[]
  /** How long the entry is of use; 0 or more than the retention: the retention. */
  readonly expiryMs: number
  /** What the sender has set or changed. */
  readonly receiverData?: ReadonlyMap<string, ReceiverDatum> | undefined
}

export interface NotificationContext {
  /** The entry of the same group and receiver. */
  readonly existing: Notification | undefined
  readonly nowNs: bigint
  readonly retentionNs: bigint
}

export interface NotificationPlan {
  readonly notification: Notification
  readonly record: ForeignRecord
}

/** What a flush that has been sent asks to be logged: remembered for twice its repeat interval. */
export function sentFlush(flush: Flush, sent: SendOutcome & { readonly ok: true }): NotificationRequest {
  return {
    groupKey: flush.groupKey,
    receiver: flush.receiver,
    firing: flush.firing,
    resolved: flush.resolved,
    expiryMs: 2 * flush.repeatIntervalMs,
    receiverData: sent.receiverData,
  }
}

/** Lone surrogates cannot be written as UTF-8. */
const LONE_SURROGATE = /\p{Surrogate}/u
const HASH_END = 1n << 64n
const IDX_END = 2 ** 32

function invalid(what: string): HearsayError {
  return new HearsayError('NOTIFICATION_INVALID', `invalid notification: ${what}`)
}

function tooLarge(what: string): HearsayError {
  return new HearsayError('NOTIFICATION_TOO_LARGE', `notification too large: ${what}`)
}

function checkIdentity({ groupKey, receiver }: NotificationRequest): void {
  if (groupKey === '') throw invalid('no group key')
  const { groupName, integration, idx } = receiver
  const texts = [groupKey, groupName, integration]
  if (texts.some((text) => LONE_SURROGATE.test(text))) throw invalid('half of a surrogate pair')
  if (!Number.isSafeInteger(idx) || idx < 0 || idx >= IDX_END) throw invalid(`receiver index ${idx}`)
  const bytes = utf8Encode(notificationKey(groupKey, receiver)).length
  if (bytes > IDENTITY_BYTES_MAX) {
    throw tooLarge(`group key and receiver are ${bytes} bytes, at most ${IDENTITY_BYTES_MAX}`)
  }
}

/** Sorted and each once, so that equal sets make equal records. */
function hashSet(hashes: readonly bigint[]): bigint[] {
  if (hashes.some((hash) => hash < 0n || hash >= HASH_END)) throw invalid('a hash beyond 64 bits')
  return [...new Set(hashes)].sort((a, b) => (a < b ? -1 : 1))
}

function checkData(data: ReadonlyMap<string, ReceiverDatum>): void {
  for (const [key, value] of data) {
    const isText = typeof value === 'string'
    if (LONE_SURROGATE.test(key) || (isText && LONE_SURROGATE.test(value))) {
      throw invalid('half of a surrogate pair in receiver data')
    }
    if (typeof value === 'bigint' && BigInt.asIntN(64, value) !== value) {
      throw invalid('a whole number beyond 64 bits in receiver data')
    }
  }
}

function receiverData(
  { firing, receiverData: changed = new Map() }: NotificationRequest,
  existing: Notification | undefined,
): Map<string, ReceiverDatum> {
  const isFirst = existing === undefined || (existing.firing.length === 0 && firing.length > 0)
  return new Map([...(isFirst ? [] : existing.receiverData), ...changed])
}

function expiresAfterNs(expiryMs: number, retentionNs: bigint): bigint {
  if (!(expiryMs > 0) || !Number.isFinite(expiryMs)) return retentionNs
  const expiryNs = nanosFromMs(expiryMs)
  return expiryNs < retentionNs ? expiryNs : retentionNs
}

/**
 * @returns undefined when what is held has the last version that peers take: it stays, until it expires
 * @throws HearsayError `NOTIFICATION_INVALID`, `NOTIFICATION_TOO_LARGE`
 */
export function planNotification(
  request: NotificationRequest,
  { existing, nowNs, retentionNs }: NotificationContext,
): NotificationPlan | undefined {
  checkIdentity(request)
  const count = request.firing.length + request.resolved.length
  if (count > NOTIFICATION_HASHES_MAX) throw tooLarge(`${count} alerts, at most ${NOTIFICATION_HASHES_MAX}`)
  const timestampNs = existing === undefined ? nowNs : maxNanos(nowNs, existing.timestampNs + 1n)
  if (timestampNs >= VERSION_END_NS) return undefined
  const { groupName, integration, idx } = request.receiver
  const notification: Notification = {
    groupKey: request.groupKey,
    receiver: { groupName, integration, idx },
    timestampNs,
    expiresAtNs: nowNs + expiresAfterNs(request.expiryMs, retentionNs),
    firing: hashSet(request.firing),
    resolved: hashSet(request.resolved),
    receiverData: receiverData(request, existing),
  }
  checkData(notification.receiverData)
  const record = encodeNotification(notification)
  if (record.bytes.length > RECORD_BYTES_MAX) {
    throw tooLarge(`its record is ${record.bytes.length} bytes, at most ${RECORD_BYTES_MAX}`)
  }
  return { notification, record }
}
