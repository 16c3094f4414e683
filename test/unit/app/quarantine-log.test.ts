/** What whoever runs a replica gets to see of silences that are held back, and of limits that are reached. */
import { pino } from 'pino'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ALERTS_BYTES_MAX } from '../../../src/alerting/alerts.ts'
import { QUARANTINE_TABLE } from '../../../src/alerting/core/admission.ts'
import { matcher } from '../../../src/alerting/core/matcher.ts'
import { ZERO_TIME_NS } from '../../../src/alerting/core/nanos.ts'
import type { Silence } from '../../../src/alerting/core/silence.ts'
import { encodeSilence } from '../../../src/alerting/core/silence-codec.ts'
import type { QuarantineView } from '../../../src/alerting/quarantine.ts'
import { Replica } from '../../../src/app/replica.ts'
import type { ReplicaOptions } from '../../../src/app/replica-options.ts'
import { openWeb } from '../../../src/app/web.ts'
import { aRequest, aSilence, HOUR_NS } from '../../support/silences.ts'
import { tempDir } from '../../support/temp-dir.ts'

function nowNs(): bigint {
  return BigInt(Date.now()) * 1_000_000n
}

function poison(id: string): Silence {
  const updatedAtNs = nowNs()
  const times = { startsAtNs: updatedAtNs, endsAtNs: updatedAtNs + HOUR_NS, updatedAtNs }
  return aSilence({
    id,
    ...times,
    expiresAtNs: updatedAtNs + 2n * HOUR_NS,
    matcherSets: [[matcher('a', '=~', '((')]],
  })
}

/** As the delegate does with what an Alertmanager sent. */
function hear(replica: Replica, ...silences: readonly Silence[]): void {
  const records = silences.map((silence) => {
    const record = encodeSilence(silence)
    return { table: QUARANTINE_TABLE, key: silence.id, record }
  })
  replica.store.join({ puts: [], adds: [], covered: [], records })
}

async function open(options: Partial<ReplicaOptions> = {}) {
  const lines: Record<string, unknown>[] = []
  const write = (text: string): void => void lines.push(JSON.parse(text))
  const replica = await Replica.open({
    retentionMs: 3_600_000,
    maxClockSkewMs: 10_000,
    settleTimeoutMs: 1000,
    gossip: { listen: '127.0.0.1:0' },
    log: () => pino({ level: 'warn' }, { write }),
    ...options,
  })
  const web = await openWeb(replica, { listen: '127.0.0.1:0', externalUrl: undefined, routePrefix: '/' })
  const close = async (): Promise<void> => {
    await web.close()
    await replica.close()
  }
  onTestFinished(close)
  const said = (event: string) => lines.filter((line) => line.event === event)
  const status = async (): Promise<QuarantineView> => {
    const answer = await fetch(`${web.url}/api/v1/status`)
    return ((await answer.json()) as { readonly quarantinedSilences: QuarantineView }).quarantinedSilences
  }
  const metric = async (name: string): Promise<string | undefined> =>
    (await (await fetch(`${web.url}/metrics`)).text()).split('\n').find((line) => line.startsWith(name))
  return { replica, web, close, said, status, metric }
}

const REASON = expect.stringContaining('missing closing ): `((`')

describe('a silence that is held back', () => {
  it('is logged once, with its id and what is wrong, however often it is heard', async () => {
    const { replica, said, status, metric } = await open()
    const bad = poison('bad')
    for (let i = 0; i < 3; i++) hear(replica, bad)
    expect(said('silence_quarantined')).toMatchObject([{ level: 40, id: 'bad', reason: REASON }])
    const endsAt = new Date(Number(bad.endsAtNs / 1_000_000n)).toISOString()
    expect(await status()).toEqual({ count: 1, silences: [{ id: 'bad', reason: REASON, endsAt }] })
    expect(await metric('hearsay_silences_quarantined ')).toBe('hearsay_silences_quarantined 1')
  })

  it('does not flood the log when there are thousands, nor the status', async () => {
    const { replica, said, status } = await open()
    hear(replica, ...Array.from({ length: 2000 }, (_, i) => poison(`bad-${i}`)))
    expect(said('silence_quarantined').length).toBeLessThanOrEqual(60)
    const { count, silences } = await status()
    expect([count, silences.length]).toEqual([2000, 100])
  })

  it('and was ended by DELETE is gone from status and metrics, also after a restart', async () => {
    const storagePath = tempDir()
    const first = await open({ storagePath })
    const id = 'bbbbbbbb-0000-4000-8000-000000000001'
    hear(first.replica, poison(id), poison('worse'))
    const ended = await fetch(`${first.web.url}/api/v2/silence/${id}`, { method: 'DELETE' })
    expect(ended.status).toBe(200)
    expect(await first.status()).toMatchObject({ count: 1, silences: [{ id: 'worse' }] })
    await first.close()
    const second = await open({ storagePath })
    expect(await second.status()).toMatchObject({ count: 1, silences: [{ id: 'worse' }] })
    expect(await second.metric('hearsay_silences_quarantined ')).toBe('hearsay_silences_quarantined 1')
    expect(second.said('silence_quarantined')).toEqual([])
  })
})

describe('a limit that is reached', () => {
  it('of silences is logged once a minute and counted', async () => {
    const { replica, said, metric } = await open({ silenceLimits: { silencesMax: 1 } })
    const request = aRequest({ startsAtNs: nowNs(), endsAtNs: nowNs() + HOUR_NS })
    await replica.silences.create(request)
    for (let i = 0; i < 3; i++) {
      await expect(replica.silences.create(request)).rejects.toMatchObject({ code: 'SILENCES_MAX' })
    }
    const reason = 'exceeded maximum number of silences: 1 (limit: 1)'
    expect(said('limit_reached')).toMatchObject([{ level: 40, code: 'SILENCES_MAX', reason }])
    expect(await metric('hearsay_silences_refused_total{code="SILENCES_MAX"}')).toMatch(/ 3$/)
  })

  it('of the entries is logged once a minute and counted', async () => {
    const { replica, said, metric } = await open({ limits: { entriesMax: 1 } })
    const put = (key: string) =>
      replica.store.kv.put('m', key, { contentType: 'a/b', bytes: new Uint8Array(0) })
    await put('a')
    for (const key of ['b', 'c']) await expect(put(key)).rejects.toMatchObject({ code: 'STORE_ENTRIES_MAX' })
    expect(said('limit_reached')).toMatchObject([{ component: 'store', code: 'STORE_ENTRIES_MAX' }])
    expect(await metric('hearsay_store_entries_refused_total ')).toMatch(/ 2$/)
  })

  it('of the alerts is logged once a minute', async () => {
    const { replica, said } = await open()
    const annotations = { text: 'x'.repeat(ALERTS_BYTES_MAX / 2) }
    const times = { startsAtNs: ZERO_TIME_NS, endsAtNs: ZERO_TIME_NS }
    for (const host of ['a', 'b', 'c', 'd']) {
      replica.alerts.post([{ labels: { host }, annotations, generatorUrl: '', ...times }])
    }
    const reason = expect.stringContaining('no room for 1 of 1 alerts')
    expect(said('limit_reached')).toMatchObject([{ code: 'ALERTS_FULL', reason }])
  })
})
