/**
 * The public surface of the library: docs/reference/embedding.md. `hearsay/testing` has the simulator.
 */
export type {
  DelegateVersion,
  GossipSettings,
  HttpSettings,
  LimitSettings,
  OpenReplicaOptions,
} from './app/embed-options.ts'
export type { EmbeddedReplica, ReplicaMember, ReplicaReadiness, WaitOptions } from './app/embedded-replica.ts'
export type {
  DecideOptions,
  LogOptions,
  NotificationAlert,
  NotificationReceiver,
  OnceOptions,
} from './app/notification-options.ts'
export { openReplica } from './app/open-replica.ts'
export type { OwnerChange } from './app/ownership.ts'
export type { AlertOptions, AlertsChange, ReplicaAlert, ReplicaAlerts } from './app/replica-alerts.ts'
export type { ReplicaKey, ReplicaKeys } from './app/replica-keys.ts'
export type { DeleteResult, MapChange, ReplicaMap, SetOptions, SetResult } from './app/replica-map.ts'
export type {
  GroupLabelOrder,
  LogResult,
  NotificationDecision,
  NotificationEntry,
  NotifyReason,
  OnceResult,
  ReceiverDatum,
  ReplicaNotifications,
  Send,
  SendContext,
  SendReceipt,
  SkipReason,
} from './app/replica-notifications.ts'
export type { AddResult, ReplicaSet, SetChange } from './app/replica-set.ts'
export type {
  Instant,
  ReplicaSilence,
  ReplicaSilences,
  SilenceFilter,
  SilenceOptions,
  SilenceState,
} from './app/replica-silences.ts'
export type { Gap, WatchOptions } from './app/watch-stream.ts'
export type { Ack, Acknowledged, WriteOptions } from './app/write-options.ts'
export { parseDuration } from './base/duration.ts'
export { errorCode, HearsayError } from './base/errors.ts'
export type { JoinResult } from './gossip/io/gossip.ts'
