import { describe, expect, it } from 'vitest'
import { Alerts } from '../../../src/alerting/alerts.ts'
import { LatestValues } from '../../../src/app/latest-values.ts'
import { ReplicaAlerts } from '../../../src/app/replica-alerts.ts'
import type { AlertOptions } from '../../../src/index.ts'
import { openEmbedded } from '../../support/embedded.ts'
import { NOW_MS } from '../../support/silences.ts'

const LABELS = { alertname: 'DiskFull', instance: 'db1' }

describe('alerts of a library replica', () => {
  it('are those posted to its HTTP interface and to itself', async () => {
    const replica = await openEmbedded({ http: { listen: '127.0.0.1:0' } })
    const answer = await fetch(`${replica.url}/api/v2/alerts`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify([{ labels: LABELS, annotations: { summary: 'full' }, generatorURL: 'http://p/' }]),
    })
    expect(answer.status).toBe(200)
    const endsAt = new Date(Date.now() - 1000)
    replica.alerts.post([{ labels: { alertname: 'Old' }, endsAt }])
    const [active, ...others] = replica.alerts.active()
    expect(others).toEqual([])
    expect(active).toEqual({
      labels: LABELS,
      annotations: { summary: 'full' },
      startsAt: active?.updatedAt,
      endsAt: new Date(Number(active?.updatedAt) + 300_000),
      updatedAt: expect.any(Date),
      generatorURL: 'http://p/',
      fingerprint: expect.stringMatching(/^[0-9a-f]{16}$/),
      status: 'firing',
    })
    const all = replica.alerts.all()
    expect(all.find(({ status }) => status === 'resolved')).toMatchObject({
      labels: { alertname: 'Old' },
      endsAt,
    })
    expect(all).toHaveLength(2)
  })

  it('show the silences of the cluster over HTTP', async () => {
    const replica = await openEmbedded({ http: { listen: '127.0.0.1:0' } })
    replica.alerts.post([{ labels: LABELS }])
    const id = await replica.silences.create({
      matchers: ['alertname="DiskFull"'],
      endsAt: new Date(Date.now() + 60_000),
      createdBy: 'ana',
      comment: 'swap',
    })
    const shown = await (await fetch(`${replica.url}/api/v2/alerts`)).json()
    expect(shown).toMatchObject([{ status: { state: 'suppressed', silencedBy: [id] } }])
    const metrics = await (await fetch(`${replica.url}/metrics`)).text()
    expect(metrics).toContain('alertmanager_alerts{state="suppressed"} 1')
    expect(metrics).toContain('alertmanager_alerts{state="unprocessed"} 0')
    expect(metrics).toContain('alertmanager_alerts_received_total{status="firing",version="v2"} 1')
    expect(metrics).toContain('alertmanager_alerts_invalid_total{version="v2"} 0')
  })

  it('go to every receiver that its notifier has announced', async () => {
    const replica = await openEmbedded({ http: { listen: '127.0.0.1:0' } })
    replica.alerts.post([{ labels: LABELS }])
    const json = async (path: string): Promise<unknown> =>
      (await fetch(`${replica.url}/api/v2${path}`)).json()
    expect(await json('/receivers')).toEqual([])
    expect(await json('/alerts')).toMatchObject([{ receivers: [] }])
    replica.notifications.advertise({ groupName: 'team/db', integration: 'webhook' })
    replica.notifications.advertise({ groupName: 'team/db', integration: 'webhook', idx: 1 })
    replica.notifications.advertise({ groupName: 'all', integration: 'slack' })
    const labels = (name: string) => ({ name, labels: { name } })
    expect(await json('/receivers')).toEqual([labels('team/db'), labels('all')])
    expect(await json('/alerts')).toMatchObject([{ receivers: [{ name: 'team/db' }, { name: 'all' }] }])
  })

  it('that are not valid are told of, and the others are held', async () => {
    const replica = await openEmbedded()
    const [good, bad] = [{ labels: LABELS }, { labels: {} }]
    expect(() => replica.alerts.post([bad, good])).toThrow(
      expect.objectContaining({ code: 'ALERT_INVALID', message: 'at least one label pair required' }),
    )
    expect(replica.alerts.all()).toHaveLength(1)
  })

  it('for which there is no room are told of, and the others are held', () => {
    const clock = { monotonicMs: () => 0, wallMs: () => NOW_MS }
    const alerts = new ReplicaAlerts(
      new Alerts({ clock, silencedBy: () => [], alertsMax: 1 }),
      new LatestValues(),
    )
    expect(() => alerts.post([{ labels: LABELS }, { labels: { a: 'b' } }])).toThrow(
      expect.objectContaining({ code: 'ALERTS_FULL', message: expect.stringContaining('1 of 2 alerts') }),
    )
    expect(alerts.all().map(({ labels }) => labels)).toEqual([LABELS])
  })

  it.each([
    [{ labels: LABELS, label: 1 }, 'OPTION_INVALID', 'alerts[0].label '],
    [{ labels: { a: 1 } }, 'OPTION_INVALID', 'alerts[0].labels '],
    [{ labels: LABELS, annotations: null }, 'OPTION_INVALID', 'alerts[0].annotations '],
    [{ labels: LABELS, generatorURL: 1 }, 'OPTION_INVALID', 'alerts[0].generatorURL '],
    [{ labels: LABELS, endsAt: 'soon' }, 'DATE_MALFORMED', 'soon'],
    [null, 'OPTION_INVALID', 'alerts[0] '],
  ])('of another form are refused before any is held: %j', async (wrong, code, text) => {
    const replica = await openEmbedded()
    const posted = [wrong as unknown as AlertOptions, { labels: LABELS }]
    expect(() => replica.alerts.post(posted)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(text) }),
    )
    expect(replica.alerts.all()).toEqual([])
  })

  it('wake who waits for the next post, until the replica is closed', async () => {
    const replica = await openEmbedded()
    const changes = replica.alerts.changes()
    expect(await changes.next()).toEqual({ done: false, value: { posts: 0 } })
    const next = changes.next()
    replica.alerts.post([{ labels: LABELS }])
    expect(await next).toEqual({ done: false, value: { posts: 1 } })
    replica.alerts.post([{ labels: LABELS }])
    replica.alerts.post([{ labels: LABELS }])
    expect((await changes.next()).value).toEqual({ posts: 3 })
    const last = changes.next()
    await replica.close()
    expect((await last).done).toBe(true)
  })

  it('end a wait with the reason of its signal', async () => {
    const replica = await openEmbedded()
    const controller = new AbortController()
    const changes = replica.alerts.changes({ signal: controller.signal })
    await changes.next()
    const waiting = changes.next()
    controller.abort(new Error('enough'))
    await expect(waiting).rejects.toThrow('enough')
  })
})

describe('streams of the latest value', () => {
  it('leave nobody waiting when they are left or closed', async () => {
    const values = new LatestValues()
    let value = 1
    const stream = values.stream(
      () => value,
      (n) => n,
      undefined,
    )
    expect((await stream.next()).value).toBe(1)
    const next = stream.next()
    values.changed()
    value = 2
    values.changed()
    expect((await next).value).toBe(2)
    const waiting = stream.next()
    await new Promise((resolve) => setImmediate(resolve))
    expect(values.waiting).toBe(1)
    await stream.return()
    expect((await waiting).done).toBe(true)
    expect(values.waiting).toBe(0)
    values.close()
    const after = values.stream(
      () => value,
      (n) => n,
      undefined,
    )
    expect((await after.next()).done).toBe(true)
  })
})
