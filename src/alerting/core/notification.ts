/**
 * An entry of the notification log: what was last notified for one group of alerts through one integration.
 *
 * Its identity is group key and receiver, its version `timestampNs`. Alerts are 64-bit hashes of their labels
 * (label-hash.ts), never the alerts themselves; a hash does not fit a number, so they are bigints.
 */
import type { MeshEntry } from './alertmanager_pb.ts'
import type { Receiver } from './receiver.ts'

/** What an integration remembers between notifications, such as a thread id: text, 64-bit whole number, or double. */
export type ReceiverDatum = string | bigint | number

export interface Notification {
  /** As Alertmanager builds it (group-key.ts); opaque here. */
  readonly groupKey: string
  readonly receiver: Receiver
  readonly timestampNs: bigint
  /** When replicas forget it. */
  readonly expiresAtNs: bigint
  readonly firing: readonly bigint[]
  readonly resolved: readonly bigint[]
  readonly receiverData: ReadonlyMap<string, ReceiverDatum>
  /** The record it was read from, so that fields we do not know survive. */
  readonly carried?: MeshEntry | undefined
}
