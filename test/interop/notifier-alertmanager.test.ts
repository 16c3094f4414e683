/**
 * `examples/notifier` beside real Alertmanagers, two of them and three of ours in one cluster with one configuration:
 * whoever flushes a group, each flush gives one webhook in all. Who sends is decided by the order of names, as among
 * Alertmanagers. They know what they skip by group key, receiver and hashes in the shared log, so all of these are
 * theirs.
 *
 * Alertmanagers judge alerts as they were before they waited for their position, so a change must not come while one of
 * them waits (alertmanager-state.md 6.3); here it comes when all five have ended a flush.
 */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ALERTMANAGER, type Alertmanager } from '../support/alertmanager.ts'
import { installedProject, type Project } from '../support/installed-package.ts'
import { fetchJson, MixedCluster, members, metric, peerNames } from '../support/mixed-cluster.ts'
import { NotifierProcess } from '../support/notifier-process.ts'
import { requirement } from '../support/requirement.ts'
import { untilAsync } from '../support/until-async.ts'
import { type Webhook, WebhookSink } from '../support/webhook-sink.ts'

const ROUND_MS = 60_000
const TIMES = { group_wait: '1s', group_interval: '5s', repeat_interval: '1h' } as const
/** The last of five waits four times as long, which is less than the interval. */
const PEER_TIMEOUT = '800ms'

interface Flusher {
  readonly name: string
  readonly url: string
  /** Flushes that are over. */
  readonly count: () => Promise<number>
}

requirement(ALERTMANAGER)('two Alertmanagers and three notifiers with one group', () => {
  let project: Project
  let sink: WebhookSink
  const cluster = new MixedCluster()
  const notifiers: NotifierProcess[] = []

  /** JSON is YAML. */
  const config = (): string =>
    JSON.stringify({
      route: { receiver: 'ops', group_by: ['alertname'], ...TIMES },
      receivers: [{ name: 'ops', webhook_configs: [{ url: sink.url }] }],
    })

  async function startNotifiers(prefix: string): Promise<void> {
    const times = Object.entries(TIMES).map(([name, time]) => `--${name.replace('_', '-')}=${time}`)
    const foreign = cluster.alertmanagers.map(({ clusterAddress }) => clusterAddress)
    for (const name of ['ana', 'ben', 'cem']) {
      const peers = [...foreign, ...notifiers.map(({ gossipAddress }) => gossipAddress)]
      const args = [...times, `--peer-timeout=${PEER_TIMEOUT}`]
      const options = { folder: project.folder, webhook: sink.url, name: `${prefix}${name}`, peers, args }
      notifiers.push(await NotifierProcess.start(options))
    }
    for (const { url } of [...cluster.alertmanagers, ...notifiers]) await members(url, 5)
  }

  beforeAll(async () => {
    project = installedProject()
    project.copyExample('notifier')
    sink = await WebhookSink.open()
    const args = [`--cluster.peer-timeout=${PEER_TIMEOUT}`]
    await cluster.alertmanager({ config: config(), args })
    await cluster.alertmanager({ config: config(), args })
    await startNotifiers('zz-')
  })

  afterAll(async () => {
    await Promise.all(notifiers.map((notifier) => notifier.kill()))
    const complaints = await cluster.stop()
    await sink?.close()
    project?.remove()
    expect(complaints).toEqual([])
  })

  const alertmanagerFlusher = ({ url }: Alertmanager): Flusher => ({
    name: 'alertmanager',
    url,
    // It asks its log once for each flush, after its wait.
    count: () => metric(url, 'alertmanager_nflog_queries_total'),
  })
  const notifierFlusher = (notifier: NotifierProcess): Flusher => ({
    name: notifier.name,
    url: notifier.url,
    count: async () => notifier.flushes.length,
  })
  const alertmanagers = (): Flusher[] => cluster.alertmanagers.map(alertmanagerFlusher)
  const ours = (): Flusher[] => notifiers.map(notifierFlusher)

  const senderOf = ({ payload }: Webhook): string => {
    const port = new URL(payload.externalURL).port
    return [...alertmanagers(), ...ours()].find(({ url }) => new URL(url).port === port)?.name ?? port
  }

  interface Change {
    readonly alertname: string
    readonly instance: string
    readonly resolved?: boolean
  }

  /** Posts a change to these, and waits until these have ended the flush that follows. @returns the webhooks of it */
  async function flushOf(
    { alertname, instance, resolved = false }: Change,
    to: readonly Flusher[],
  ): Promise<readonly Webhook[]> {
    const before = sink.received.length
    const counts = await Promise.all(to.map(({ count }) => count()))
    const startsAt = new Date()
    const endsAt = new Date(startsAt.getTime() + (resolved ? 0 : 3_600_000))
    const alert = { labels: { alertname, instance }, startsAt, endsAt }
    await Promise.all(to.map(({ url }) => post(url, alert)))
    const areOver = async (): Promise<boolean> => {
      const now = await Promise.all(to.map(({ count }) => count()))
      return now.every((count, index) => count > (counts[index] ?? 0))
    }
    await untilAsync(areOver, `a flush of each of ${to.length}`, ROUND_MS)
    return sink.received.slice(before)
  }

  /** What the receiver was told: `firing 1,2 resolved 3 by ana`. */
  function told(webhooks: readonly Webhook[]): readonly string[] {
    return webhooks.map((webhook) => {
      const { alerts } = webhook.payload
      const instances = (of: string): string =>
        alerts
          .flatMap(({ status, labels }) => (status === of ? [labels.instance ?? ''] : []))
          .sort((a, b) => (a < b ? -1 : 1))
          .join(',')
      return `${webhook.payload.groupKey} firing ${instances('firing')} resolved ${instances('resolved')}`
    })
  }

  it(
    'get one webhook a flush from the first Alertmanager, when our names sort last',
    async () => {
      const all = [...alertmanagers(), ...ours()]
      const group = '{}:{alertname="Disk"}'
      const change = (instance: string, resolved = false): Promise<readonly Webhook[]> =>
        flushOf({ alertname: 'Disk', instance, resolved }, all)
      const flushes = [await change('1'), await change('2'), await change('1', true), await change('2', true)]
      expect(flushes.map(told)).toEqual([
        [`${group} firing 1 resolved `],
        [`${group} firing 1,2 resolved `],
        [`${group} firing 2 resolved 1`],
        [`${group} firing  resolved 2`],
      ])
      expect(flushes.flat().map(senderOf)).toEqual(Array(4).fill('alertmanager'))
      expect(notifiers.map((notifier) => notifier.count('sent'))).toEqual([0, 0, 0])
    },
    2 * ROUND_MS,
  )

  it(
    'get one from us when the Alertmanagers have no such group, and they skip it once they have',
    async () => {
      const alertname = 'Load'
      const postedMs = performance.now()
      const [webhook, ...others] = await flushOf({ alertname, instance: '1' }, ours())
      expect(others).toEqual([])
      process.stderr.write(`sent ${Math.round((webhook?.atMs ?? 0) - postedMs)} ms after the post\n`)
      expect(notifiers.map(({ name }) => name)).toContain(webhook && senderOf(webhook))
      expect(notifiers.reduce((sum, notifier) => sum + notifier.count('sent', 'first'), 0)).toBe(1)

      expect(await flushOf({ alertname, instance: '1' }, alertmanagers())).toEqual([])
      const [shown] = await fetchJson<{ readonly fingerprint: string }[]>(
        `${alertmanagers()[0]?.url}/api/v2/alerts`,
      )
      expect(webhook?.payload.alerts[0]?.fingerprint).toBe(shown?.fingerprint)

      // What we have notified of they can end, also when we are gone.
      expect(await Promise.all(notifiers.splice(0).map((notifier) => notifier.stop()))).toEqual([0, 0, 0])
      for (const { url } of cluster.alertmanagers) await members(url, 2)
      const ended = await flushOf({ alertname, instance: '1', resolved: true }, alertmanagers())
      expect(told(ended)).toEqual(['{}:{alertname="Load"} firing  resolved 1'])
    },
    2 * ROUND_MS,
  )

  it(
    'get one webhook a flush from one of us, when our names sort first',
    async () => {
      await startNotifiers('00-')
      const names = await peerNames(cluster.alertmanagers[0]?.url ?? '')
      expect(names.slice(0, 3)).toEqual(['00-ana', '00-ben', '00-cem'])

      const all = [...alertmanagers(), ...ours()]
      const group = '{}:{alertname="Cert"}'
      const change = (instance: string, resolved = false): Promise<readonly Webhook[]> =>
        flushOf({ alertname: 'Cert', instance, resolved }, all)
      const flushes = [await change('1'), await change('2'), await change('1', true)]
      expect(flushes.map(told)).toEqual([
        [`${group} firing 1 resolved `],
        [`${group} firing 1,2 resolved `],
        [`${group} firing 2 resolved 1`],
      ])
      expect(flushes.flat().map(senderOf)).not.toContain('alertmanager')
      expect(notifiers.reduce((sum, notifier) => sum + notifier.count('sent'), 0)).toBe(3)
      // And nothing came late, in any part of this story.
      expect(sink.received).toHaveLength(4 + 2 + 3)
    },
    2 * ROUND_MS,
  )
})

async function post(url: string, alert: object): Promise<void> {
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(`${url}/api/v2/alerts`, {
    method: 'POST',
    headers,
    body: JSON.stringify([alert]),
  })
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${await answer.text()}`)
}
