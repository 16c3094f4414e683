/**
 * Judges a record of the notification log from a peer, and brings it into canonical form. The log says what was last
 * notified for a group of alerts through one integration; so far it is carried between peers, not queried.
 */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { BytesError, compareBytes, utf8Decode, utf8Encode } from '../../base/bytes.ts'
import {
  type Admission,
  IDENTITY_BYTES_MAX,
  NOTIFICATION_TABLE,
  RECORD_BYTES_MAX,
  refused,
} from './admission.ts'
import {
  type Entry,
  type MeshEntry,
  MeshEntrySchema,
  type ReceiverDatum,
  ReceiverDatumSchema,
} from './alertmanager_pb.ts'
import { isValidInstant, nanosFromInstant, nanosToMsCeil, VERSION_END_NS } from './nanos.ts'

/** `group_key:group_name/integration/idx`, as Alertmanager keys its log; undefined without receiver or for bad UTF-8. */
function entryKey({ groupKey, receiver }: Entry): string | undefined {
  if (receiver === undefined || groupKey.length === 0) return undefined
  try {
    return `${utf8Decode(groupKey)}:${receiver.groupName}/${receiver.integration}/${receiver.idx}`
  } catch (error) {
    if (error instanceof BytesError) return undefined
    throw error
  }
}

/** By key, the last of equal keys, as Go reads a map. */
function canonicalData(data: readonly ReceiverDatum[]): ReceiverDatum[] {
  const byKey = new Map(data.map((datum) => [datum.key ?? '', datum]))
  return [...byKey]
    .sort(([a], [b]) => compareBytes(utf8Encode(a), utf8Encode(b)))
    .map(([key, { value }]) => create(ReceiverDatumSchema, value === undefined ? { key } : { key, value }))
}

/** @param bytes one record, without its length; never throws */
export function admitNotification(bytes: Uint8Array): Admission {
  if (bytes.length === 0) return refused('RECORD_EMPTY')
  if (bytes.length > RECORD_BYTES_MAX) return refused('RECORD_TOO_LARGE')
  let message: MeshEntry
  try {
    message = fromBinary(MeshEntrySchema, bytes)
  } catch {
    return refused('RECORD_MALFORMED')
  }
  const { entry, expiresAt } = message
  if (entry === undefined) return refused('RECORD_EMPTY')
  const key = entryKey(entry)
  if (key === undefined || utf8Encode(key).length > IDENTITY_BYTES_MAX) return refused('IDENTITY_INVALID')
  const versionNs = nanosFromInstant(entry.timestamp)
  const instantsHold = isValidInstant(entry.timestamp) && isValidInstant(expiresAt)
  if (!instantsHold || versionNs < 0n || versionNs >= VERSION_END_NS) return refused('INSTANT_INVALID')
  entry.receiverData = canonicalData(entry.receiverData)
  const record = {
    versionNs,
    bytes: toBinary(MeshEntrySchema, message),
    expiresAtMs: nanosToMsCeil(nanosFromInstant(expiresAt)),
  }
  return { verdict: 'accepted', put: { table: NOTIFICATION_TABLE, key, record } }
}
