/**
 * One group, five notifiers: two real Alertmanagers and three hearsay replicas on the library hold the same alerts and flush
 * them at about the same time. Whoever comes first by name sends; the log tells the others, of either kind, and one webhook
 * leaves for each flush.
 *
 * Waits are a second for each member that comes before, where Alertmanager's default is 15.
 */
import { expect, it, onTestFinished } from 'vitest'
import type { EmbeddedReplica, OnceResult } from '../../src/index.ts'
import { ALERTMANAGER, type Alertmanager, startAlertmanager } from '../support/alertmanager.ts'
import { alive, openEmbedded } from '../support/embedded.ts'
import { members, metric } from '../support/mixed-cluster.ts'
import { requirement } from '../support/requirement.ts'
import { until } from '../support/until.ts'
import { untilAsync } from '../support/until-async.ts'
import { WebhookSink } from '../support/webhook-sink.ts'

const GROUPS = Array.from({ length: 5 }, (_, n) => `Group${n}`)
const RECEIVER = { groupName: 'hook', integration: 'webhook' }

interface Notifiers {
  readonly alertmanagers: readonly Alertmanager[]
  readonly replicas: readonly EmbeddedReplica[]
  readonly sink: WebhookSink
}

function configOf(url: string): string {
  return [
    'route: {receiver: hook, group_by: [alertname], group_wait: 1s, group_interval: 2s, repeat_interval: 4h}',
    `receivers: [{name: hook, webhook_configs: [{url: "${url}"}]}]`,
  ].join('\n')
}

async function open(names: readonly string[]): Promise<Notifiers> {
  const sink = await WebhookSink.open()
  onTestFinished(() => sink.close())
  const alertmanagers: Alertmanager[] = []
  for (let n = 0; n < 2; n++) {
    const peers = alertmanagers.map(({ clusterAddress }) => clusterAddress)
    const args = ['--cluster.peer-timeout=1s']
    const alertmanager = await startAlertmanager({ peers, config: configOf(sink.url), args })
    onTestFinished(() => alertmanager.stop())
    alertmanagers.push(alertmanager)
  }
  const peers = alertmanagers.map(({ clusterAddress }) => clusterAddress)
  const replicas: EmbeddedReplica[] = []
  for (const name of names) {
    replicas.push(await openEmbedded({ name, gossip: { listen: '127.0.0.1:0', peers, peerTimeout: '1s' } }))
  }
  await until(() => replicas.every((replica) => alive(replica).length === 5))
  await Promise.all(replicas.map((replica) => replica.ready()))
  for (const { url } of alertmanagers) await members(url, 5)
  return { alertmanagers, replicas, sink }
}

/** The answer has no body. */
async function postAlerts(url: string, alerts: readonly object[]): Promise<void> {
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(`${url}/api/v2/alerts`, {
    method: 'POST',
    headers,
    body: JSON.stringify(alerts),
  })
  expect(answer.status).toBe(200)
}

/** One flush of every group by everybody; resolves when all have decided. */
async function flushAll(
  { alertmanagers, replicas, sink }: Notifiers,
  instances: readonly string[],
): Promise<OnceResult[]> {
  const queries = await Promise.all(
    alertmanagers.map(({ url }) => metric(url, 'alertmanager_nflog_queries_total')),
  )
  const alertsOf = (alertname: string) => instances.map((instance) => ({ labels: { alertname, instance } }))
  for (const { url } of alertmanagers) await postAlerts(url, GROUPS.flatMap(alertsOf))
  const results = await Promise.all(
    replicas.flatMap(({ notifications }) =>
      GROUPS.map((alertname) =>
        notifications.once(
          {
            groupKey: notifications.groupKey([[]], { alertname }),
            receiver: RECEIVER,
            alerts: alertsOf(alertname),
            repeatInterval: '4h',
          },
          ({ notificationId }) =>
            fetch(sink.url, {
              method: 'POST',
              headers: { 'idempotency-key': notificationId },
              body: JSON.stringify({
                groupKey: notifications.groupKey([[]], { alertname }),
                alerts: alertsOf(alertname),
              }),
            }),
        ),
      ),
    ),
  )
  for (const [n, { url }] of alertmanagers.entries()) {
    const decided = async (): Promise<boolean> =>
      (await metric(url, 'alertmanager_nflog_queries_total')) >= (queries[n] ?? 0) + GROUPS.length
    await untilAsync(decided, 'every group decided on by an Alertmanager')
  }
  return results
}

function byGroup({ sink }: Notifiers): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { payload } of sink.received) counts[payload.groupKey] = (counts[payload.groupKey] ?? 0) + 1
  return counts
}

function expected(times: number): Record<string, number> {
  return Object.fromEntries(GROUPS.map((name) => [`{}:{alertname="${name}"}`, times]))
}

requirement(ALERTMANAGER)('two Alertmanagers and three notifiers on hearsay', () => {
  // An Alertmanager's name begins with 01.
  it.each([
    { whoFirst: 'the Alertmanagers', names: ['ana', 'ben', 'eve'], ours: 0 },
    { whoFirst: 'hearsay', names: ['0-ana', '0-ben', '0-eve'], ours: GROUPS.length },
  ])('send one webhook for each flush, $whoFirst first', { timeout: 60_000 }, async ({ names, ours }) => {
    const notifiers = await open(names)
    const first = await flushAll(notifiers, ['a'])
    expect(byGroup(notifiers)).toEqual(expected(1))
    expect(first.filter(({ outcome }) => outcome === 'sent')).toHaveLength(ours)
    expect(first.filter(({ outcome }) => outcome === 'skipped')).toHaveLength(3 * GROUPS.length - ours)
    await flushAll(notifiers, ['a', 'b'])
    expect(byGroup(notifiers)).toEqual(expected(2))
  })
})
