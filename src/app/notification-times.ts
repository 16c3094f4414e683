/**
 * Notifications and attempts by integration, as Alertmanager counts them, so that its alerts on failed notifications work.
 *
 * The program around us names its integrations as it likes, so only those that Alertmanager has are labels of their own;
 * all others together are `other`.
 */
import type { Flush, FlushResult } from '../alerting/core/flush.ts'
import { Histogram } from '../base/histogram.ts'
import { Tally } from '../base/tally.ts'
import type { AnySample } from '../http/metrics/registry.ts'

/** Seconds; Alertmanager's. */
const LATENCY_BOUNDS: readonly number[] = [1, 5, 10, 15, 20]
const INTEGRATIONS: ReadonlySet<string> = new Set(
  (
    'discord email incidentio jira mattermost msteams msteamsv2 opsgenie pagerduty pushover rocketchat slack sns ' +
    'telegram victorops webex webhook wechat'
  ).split(' '),
)

class IntegrationCounts {
  readonly latency: Histogram = new Histogram(LATENCY_BOUNDS)
  readonly failures: Tally = new Tally()
  failedAttempts = 0
  flushes = 0
}

export class NotificationTimes {
  readonly #counts = new Map<string, IntegrationCounts>()

  /** An attempt to send is over. @param ms how long it took */
  attempted(flush: Flush, ok: boolean, ms: number): void {
    const counts = this.#of(flush)
    counts.latency.observe(ms / 1000)
    if (!ok) counts.failedAttempts++
  }

  finished(flush: Flush, { outcome, reason }: FlushResult): void {
    if (outcome === 'skipped') return
    const counts = this.#of(flush)
    counts.flushes++
    if (outcome === 'failed') counts.failures.add(reason)
  }

  *samples(): Iterable<AnySample> {
    for (const [integration, { latency, failures, failedAttempts, flushes }] of this.#counts) {
      const labels = { integration }
      yield { name: 'alertmanager_notification_latency_seconds', histogram: latency, labels }
      yield { name: 'alertmanager_notification_requests_total', value: latency.count, labels }
      yield { name: 'alertmanager_notification_requests_failed_total', value: failedAttempts, labels }
      yield { name: 'alertmanager_notifications_total', value: flushes, labels }
      for (const [reason, value] of Object.entries(failures.toRecord())) {
        yield { name: 'alertmanager_notifications_failed_total', value, labels: { ...labels, reason } }
      }
    }
  }

  #of({ receiver }: Flush): IntegrationCounts {
    const name = INTEGRATIONS.has(receiver.integration) ? receiver.integration : 'other'
    const counts = this.#counts.get(name) ?? new IntegrationCounts()
    this.#counts.set(name, counts)
    return counts
  }
}
