/** A real Prometheus that posts its alerts to a replica. */
import { expect, it, onTestFinished } from 'vitest'
import type { EmbeddedReplica } from '../../src/index.ts'
import { openEmbedded } from '../support/embedded.ts'
import { PROMETHEUS, startPrometheus } from '../support/prometheus.ts'
import { requirement } from '../support/requirement.ts'
import { until } from '../support/until.ts'

const FIRING = {
  alert: 'DiskFull',
  expr: 'vector(1)',
  labels: { severity: 'page', instance: 'db-ü' },
  annotations: { summary: 'no room < 1 %' },
}

function states(replica: EmbeddedReplica): readonly string[] {
  return replica.alerts.all().map(({ status }) => status)
}

requirement(PROMETHEUS)('a replica as the Alertmanager of a real Prometheus', () => {
  it('holds the alert while its rule fires, and knows when it has resolved', async () => {
    const replica = await openEmbedded({ http: { listen: '127.0.0.1:0' } })
    const url = replica.url ?? ''
    const changes = replica.alerts.changes()
    await changes.next()
    const prometheus = await startPrometheus({ alertmanagers: [url], rules: [FIRING] })
    onTestFinished(() => prometheus.stop())

    expect((await changes.next()).value).toEqual({ posts: 1 })
    const [alert, ...others] = replica.alerts.active()
    expect(others).toEqual([])
    expect(alert).toMatchObject({
      labels: { alertname: 'DiskFull', severity: 'page', instance: 'db-ü' },
      annotations: { summary: 'no room < 1 %' },
      generatorURL: expect.stringMatching(/^http:\/\/.*\/graph\?g0\.expr=vector%281%29/),
      status: 'firing',
    })

    // It is posted anew every second, and goes on as the same alert.
    await changes.next()
    const [again] = replica.alerts.active()
    expect(again?.startsAt).toEqual(alert?.startsAt)
    expect(Number(again?.endsAt)).toBeGreaterThan(Number(alert?.endsAt))

    const id = await replica.silences.create({
      matchers: ['instance=~"db-."'],
      endsAt: new Date(Date.now() + 60_000),
      createdBy: 'ana',
      comment: 'swap',
    })
    const shown = await (await fetch(`${url}/api/v2/alerts?filter=severity%3Dpage`)).json()
    expect(shown).toMatchObject([{ status: { state: 'suppressed', silencedBy: [id] } }])

    await prometheus.setRules([{ ...FIRING, expr: 'vector(1) > 1' }])
    await until(() => states(replica).includes('resolved'))
    expect(states(replica)).toEqual(['resolved'])
    expect(await (await fetch(`${url}/api/v2/alerts`)).json()).toEqual([])
    expect(prometheus.log()).not.toMatch(/Error sending alert|bad response status/)
  })
})
