import { expect, it } from 'vitest'
import type { Flush } from '../../../src/alerting/core/flush.ts'
import { NotificationTimes } from '../../../src/app/notification-times.ts'
import { createMetrics } from '../../../src/http/metrics/registry.ts'

function flush(integration: string): Flush {
  return {
    groupKey: '{}',
    receiver: { groupName: 'team', integration, idx: 0 },
    firing: [],
    resolved: [],
    repeatIntervalMs: 0,
    sendResolved: true,
    flushedAtNs: 0n,
    timeoutMs: 1000,
  }
}

async function text(times: NotificationTimes): Promise<string> {
  const metrics = createMetrics({ processMetrics: false })
  metrics.addSource(() => times.samples())
  return metrics.scrape()
}

it('notifications are counted by integration as Alertmanager counts them', async () => {
  const times = new NotificationTimes()
  times.attempted(flush('slack'), false, 3000)
  times.attempted(flush('slack'), true, 500)
  times.finished(flush('slack'), { outcome: 'sent', reason: 'first' })
  times.finished(flush('slack'), { outcome: 'skipped', reason: 'already-notified' })
  times.finished(flush('slack'), { outcome: 'failed', reason: 'timeout', detail: 'x' })
  const lines = await text(times)
  expect(lines).toContain('alertmanager_notifications_total{integration="slack"} 2\n')
  expect(lines).toContain('alertmanager_notifications_failed_total{integration="slack",reason="timeout"} 1\n')
  expect(lines).toContain('alertmanager_notification_requests_total{integration="slack"} 2\n')
  expect(lines).toContain('alertmanager_notification_requests_failed_total{integration="slack"} 1\n')
  expect(lines).toContain('alertmanager_notification_latency_seconds_bucket{integration="slack",le="1"} 1\n')
  expect(lines).toContain('alertmanager_notification_latency_seconds_sum{integration="slack"} 3.5\n')
})

it('integrations that Alertmanager does not have are one label together', async () => {
  const times = new NotificationTimes()
  for (let i = 0; i < 10_000; i++) times.attempted(flush(`made up ${i}`), true, 1)
  const lines = (await text(times)).split('\n').filter((line) => line.includes('integration='))
  expect(lines).toContain('alertmanager_notification_requests_total{integration="other"} 10000')
  expect(lines.length).toBeLessThan(20)
})
