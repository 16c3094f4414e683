/** What a replica shows of its notifier over HTTP: metrics, and the status. */
import { expect, it, onTestFinished } from 'vitest'
import { openReplica } from '../../src/index.ts'

it('flushes show in the metrics, with the attempts and the decisions that they took, and in the status', async () => {
  const replica = await openReplica({ http: { listen: '127.0.0.1:0' } })
  onTestFinished(() => replica.close())
  const flush = () =>
    replica.notifications.once(
      {
        groupKey: 'g',
        receiver: { groupName: 'ops', integration: 'webhook' },
        alerts: [{ labels: { alertname: 'a' }, status: 'firing' }],
        repeatInterval: '4h',
      },
      ({ attempt }) => {
        if (attempt === 1) throw new Error('503')
      },
    )
  const page = async (path: string): Promise<Response> => fetch(`${replica.url}${path}`)
  expect(await (await page('/metrics')).text()).toContain(
    'hearsay_notification_attempts_total{outcome="failed"} 0\n',
  )
  expect((await flush()).outcome).toBe('sent')
  expect((await flush()).outcome).toBe('skipped')

  const metrics = await (await page('/metrics')).text()
  expect(metrics).toContain('hearsay_notification_attempts_total{outcome="failed"} 1\n')
  expect(metrics).toContain('hearsay_notification_attempts_total{outcome="ok"} 1\n')
  const sample = (name: string): number => Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(metrics)?.[1])
  expect(sample('alertmanager_nflog_queries_total')).toBeGreaterThanOrEqual(2)
  expect(sample('alertmanager_nflog_query_errors_total')).toBeGreaterThanOrEqual(1)
  expect(sample('alertmanager_nflog_query_errors_total')).toBeLessThan(
    sample('alertmanager_nflog_queries_total'),
  )
  const { notifier } = (await (await page('/api/v1/status')).json()) as { readonly notifier: object }
  expect(notifier).toMatchObject({
    running: 0,
    claims: { held: 0, asked: 0, ofOthers: 0 },
    attempts: { ok: 1, failed: 1 },
    flushes: { sent: { first: 1 }, skipped: { alreadyNotified: 1 }, failed: {} },
  })
  expect(JSON.stringify(notifier)).not.toMatch(/"\w*[_-]|alarms/)
})
