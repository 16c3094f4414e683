/** Silences, alerts and the notification log of a replica, with the limits that hold at each moment. */
import { randomUUID } from 'node:crypto'
import { ALERTS_BYTES_MAX, ALERTS_MAX, Alerts } from '../alerting/alerts.ts'
import { NotificationLog } from '../alerting/notification-log.ts'
import { Silences } from '../alerting/silences.ts'
import type { Clock } from '../base/clock.ts'
import type { StateStore } from '../store/state-store.ts'
import type { PeerNote } from './peer-notes.ts'
import type { ReplicaOptions } from './replica-options.ts'

export interface AlertingDeps {
  readonly clock: Clock
  readonly note: PeerNote
  /** Hears of each limit that was reached. */
  readonly limitReached: (code: string, reason: string) => void
  /** Called after each post that changed something. */
  readonly alertsPosted: () => void
}

export interface AlertingParts {
  readonly silences: Silences
  readonly alerts: Alerts
  readonly notificationLog: NotificationLog
}

export function alertingParts(
  { records }: StateStore,
  options: ReplicaOptions,
  { clock, note, limitReached, alertsPosted }: AlertingDeps,
): AlertingParts {
  const silences = new Silences(records, clock, {
    get retentionMs() {
      return options.retentionMs
    },
    get limits() {
      return options.silenceLimits ?? {}
    },
    newId: randomUUID,
    quarantined: ({ id, reason, endsAt }) => note('silence_quarantined', { id, reason, endsAt }),
    refused: limitReached,
  })
  const alerts = new Alerts({
    clock,
    get alertsMax() {
      return options.alertLimits?.alertsMax ?? ALERTS_MAX
    },
    get bytesMax() {
      return options.alertLimits?.bytesMax ?? ALERTS_BYTES_MAX
    },
    silencedBy: (labels) => silences.matching(labels),
    changed: alertsPosted,
    refused: (reason) => limitReached('ALERTS_FULL', reason),
  })
  return { silences, alerts, notificationLog: new NotificationLog(records, clock, options) }
}
