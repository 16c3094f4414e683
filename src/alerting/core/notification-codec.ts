/**
 * Entries of the notification log to and from the bytes that Alertmanagers exchange.
 *
 * One entry has one canonical form here, whoever it came from: known fields by number, hashes packed, receiver data by
 * key with the last of equal keys, as Go reads a map. Fields we do not know are kept where they stand.
 *
 * A datum of a kind we do not know stays in its record, but is not shown.
 */
import { clone, create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { BytesError, compareBytes, utf8Decode, utf8Encode } from '../../base/bytes.ts'
import type { ForeignRecord } from '../../store/core/delta.ts'
import {
  EntrySchema,
  type MeshEntry,
  MeshEntrySchema,
  ReceiverDataValueSchema,
  type ReceiverDatum as ReceiverDatumMessage,
  ReceiverDatumSchema,
  ReceiverSchema,
} from './alertmanager_pb.ts'
import { instantFromNanos, nanosFromInstant, nanosToMsCeil } from './nanos.ts'
import type { Notification, ReceiverDatum } from './notification.ts'

/** @returns undefined without entry, receiver or group key, or when the key is not UTF-8 */
export function notificationFromMessage(message: MeshEntry): Notification | undefined {
  const { entry } = message
  if (entry?.receiver === undefined || entry.groupKey.length === 0) return undefined
  const groupKey = textOf(entry.groupKey)
  if (groupKey === undefined) return undefined
  const { groupName, integration, idx } = entry.receiver
  return {
    groupKey,
    receiver: { groupName, integration, idx },
    timestampNs: nanosFromInstant(entry.timestamp),
    expiresAtNs: nanosFromInstant(message.expiresAt),
    firing: entry.firingAlerts,
    resolved: entry.resolvedAlerts,
    receiverData: receiverData(entry.receiverData),
    carried: message,
  }
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return utf8Decode(bytes)
  } catch (error) {
    if (error instanceof BytesError) return undefined
    throw error
  }
}

function receiverData(data: readonly ReceiverDatumMessage[]): Map<string, ReceiverDatum> {
  const shown = new Map<string, ReceiverDatum>()
  for (const { key, value } of data) {
    if (value?.value.case !== undefined) shown.set(key ?? '', value.value.value)
  }
  return shown
}

function canonicalData(data: readonly ReceiverDatumMessage[]): ReceiverDatumMessage[] {
  const byKey = new Map(data.map((datum) => [datum.key ?? '', datum]))
  return [...byKey]
    .sort(([a], [b]) => compareBytes(utf8Encode(a), utf8Encode(b)))
    .map(([key, { value }]) => create(ReceiverDatumSchema, value === undefined ? { key } : { key, value }))
}

function datumMessage(key: string, value: ReceiverDatum): ReceiverDatumMessage {
  const kind =
    typeof value === 'string'
      ? { case: 'strVal' as const, value }
      : typeof value === 'bigint'
        ? { case: 'intVal' as const, value }
        : { case: 'doubleVal' as const, value }
  return create(ReceiverDatumSchema, { key, value: create(ReceiverDataValueSchema, { value: kind }) })
}

/**
 * Reads a record and brings it into canonical form.
 *
 * @returns the message, which may still lack its entry or receiver
 * @throws whatever the decoder finds wrong: truncation, invalid UTF-8, nesting
 */
export function decodeMeshEntry(bytes: Uint8Array): MeshEntry {
  const message = fromBinary(MeshEntrySchema, bytes)
  if (message.entry !== undefined) message.entry.receiverData = canonicalData(message.entry.receiverData)
  return message
}

/** The record of an entry; what it was read from lends the fields that we do not know. */
export function encodeNotification(notification: Notification): ForeignRecord {
  const { carried } = notification
  const message = carried === undefined ? create(MeshEntrySchema) : clone(MeshEntrySchema, carried)
  const entry = message.entry ?? create(EntrySchema)
  message.entry = entry
  entry.groupKey = utf8Encode(notification.groupKey)
  entry.receiver = Object.assign(entry.receiver ?? create(ReceiverSchema), notification.receiver)
  entry.timestamp = instantFromNanos(notification.timestampNs)
  entry.firingAlerts = [...notification.firing]
  entry.resolvedAlerts = [...notification.resolved]
  const unshown = entry.receiverData.filter(
    ({ key, value }) => value?.value.case === undefined && !notification.receiverData.has(key ?? ''),
  )
  const shown = [...notification.receiverData].map(([key, value]) => datumMessage(key, value))
  entry.receiverData = canonicalData([...unshown, ...shown])
  message.expiresAt = instantFromNanos(notification.expiresAtNs)
  return notificationRecord(message)
}

/** The record of a message in canonical form. */
export function notificationRecord(message: MeshEntry): ForeignRecord {
  return {
    versionNs: nanosFromInstant(message.entry?.timestamp),
    bytes: toBinary(MeshEntrySchema, message),
    expiresAtMs: nanosToMsCeil(nanosFromInstant(message.expiresAt)),
  }
}

/** Reads a record that this replica has accepted or written before. */
export function notificationFromRecord(record: ForeignRecord): Notification | undefined {
  return notificationFromMessage(decodeMeshEntry(record.bytes))
}
