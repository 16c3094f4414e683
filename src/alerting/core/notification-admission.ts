/**
 * Judges a record of the notification log from a peer, and brings it into canonical form (notification-codec.ts).
 *
 * No entry is quarantined: one that can be identified and ordered holds nothing but hashes, which do no harm. A wrong
 * version costs at most one early or late notification of its group.
 */
import { utf8Encode } from '../../base/bytes.ts'
import {
  type Admission,
  IDENTITY_BYTES_MAX,
  NOTIFICATION_TABLE,
  RECORD_BYTES_MAX,
  refused,
} from './admission.ts'
import type { MeshEntry } from './alertmanager_pb.ts'
import { isValidInstant, VERSION_END_NS } from './nanos.ts'
import { decodeMeshEntry, notificationFromMessage, notificationRecord } from './notification-codec.ts'
import { notificationKey } from './receiver.ts'

/** @param bytes one record, without its length; never throws */
export function admitNotification(bytes: Uint8Array): Admission {
  if (bytes.length === 0) return refused('RECORD_EMPTY')
  if (bytes.length > RECORD_BYTES_MAX) return refused('RECORD_TOO_LARGE')
  let message: MeshEntry
  try {
    message = decodeMeshEntry(bytes)
  } catch {
    return refused('RECORD_MALFORMED')
  }
  if (message.entry === undefined) return refused('RECORD_EMPTY')
  const notification = notificationFromMessage(message)
  if (notification === undefined) return refused('IDENTITY_INVALID')
  const key = notificationKey(notification.groupKey, notification.receiver)
  if (utf8Encode(key).length > IDENTITY_BYTES_MAX) return refused('IDENTITY_INVALID')
  const { timestampNs } = notification
  const instantsHold = isValidInstant(message.entry.timestamp) && isValidInstant(message.expiresAt)
  if (!instantsHold || timestampNs < 0n || timestampNs >= VERSION_END_NS) return refused('INSTANT_INVALID')
  return { verdict: 'accepted', put: { table: NOTIFICATION_TABLE, key, record: notificationRecord(message) } }
}
