/** The routes of notifications and claims on replicas that gossip: what a service in another language relies on. */
import { describe, expect, it } from 'vitest'
import type { EmbeddedReplica, WriteOptions } from '../../src/index.ts'
import { ANY_PORT, alive, openEmbedded } from '../support/embedded.ts'
import { startMember } from '../support/mute-member.ts'
import { until } from '../support/until.ts'
import { untilAsync } from '../support/until-async.ts'

const WORK = { groupKey: '{}:{alertname="a"}', receiver: { groupName: 'ops', integration: 'webhook' } }
const ALERTS = [{ labels: { alertname: 'a' } }]
const FLUSH = { ...WORK, alerts: ALERTS, repeatInterval: '4h' }

interface Answer {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
}

async function call(replica: EmbeddedReplica, method: string, path: string, body?: object): Promise<Answer> {
  const response = await fetch(`${replica.url}/api/v1/${path}`, {
    method,
    ...(body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  })
  const text = await response.text()
  return { status: response.status, body: text === '' ? {} : JSON.parse(text) }
}

async function openPair(): Promise<[EmbeddedReplica, EmbeddedReplica]> {
  const http = { listen: '127.0.0.1:0' }
  const ana = await openEmbedded({ name: 'ana', gossip: ANY_PORT, http })
  const peers = [ana.gossipAddress ?? '']
  const ben = await openEmbedded({ name: 'ben', gossip: { ...ANY_PORT, peers }, http })
  await until(() => alive(ana).length === 2 && alive(ben).length === 2)
  await Promise.all([ana.ready(), ben.ready()])
  return [ana, ben]
}

describe('a service that is not written in Node', () => {
  it('decides, claims, sends, logs and gives back, and nobody else sends', async () => {
    const [ana, ben] = await openPair()
    const decided = await call(ana, 'POST', 'notifications/decide', FLUSH)
    expect(decided.body).toMatchObject({ notify: true, reason: 'first' })
    const claimed = await call(ana, 'POST', 'claims', { ...WORK, entryVersion: '0' })
    expect([claimed.status, claimed.body.key]).toEqual([201, `${WORK.groupKey}:ops/webhook/0`])

    const refused = await call(ben, 'POST', 'claims', { ...WORK, wait: '300ms' })
    expect(refused).toMatchObject({ status: 409, body: { code: 'CLAIM_HELD', holder: 'ana' } })
    const once = ben.notifications.once(FLUSH, () => Promise.reject(new Error('a second sender')))

    const renewed = await call(ana, 'POST', 'claims', { id: claimed.body.id, lease: '20s' })
    expect([renewed.status, String(renewed.body.expiresAt) > String(claimed.body.expiresAt)]).toEqual([
      200,
      true,
    ])
    const logged = await call(ana, 'POST', 'notifications?ack=all', {
      ...WORK,
      alerts: ALERTS,
      repeatInterval: '4h',
    })
    expect(logged).toMatchObject({ status: 200, body: { acked: ['ana', 'ben'] } })
    expect((await call(ana, 'DELETE', `claims/${claimed.body.id}`)).status).toBe(204)
    expect(await once).toEqual({ outcome: 'skipped', reason: 'already-notified' })

    const late = await call(ben, 'POST', 'claims', FLUSH)
    expect(late).toMatchObject({
      status: 200,
      body: { decision: { notify: false, reason: 'already-notified' } },
    })
    const listed = await call(ben, 'GET', `notifications?groupKey=${encodeURIComponent(WORK.groupKey)}`)
    expect(listed.body.items).toMatchObject([{ groupKey: WORK.groupKey, version: logged.body.version }])
    const outdated = await call(ben, 'POST', 'claims', { ...WORK, entryVersion: '0' })
    expect(outdated).toMatchObject({ status: 409, body: { code: 'CLAIM_OUTDATED' } })
  })

  it('that failed, or went away, leaves the notification to the next', async () => {
    const [ana, ben] = await openPair()
    const failed = await call(ana, 'POST', 'claims', FLUSH)
    expect(failed.status).toBe(201)
    const next = call(ben, 'POST', 'claims', { ...FLUSH, lease: '1s' })
    expect((await call(ana, 'DELETE', `claims/${failed.body.id}?failed=true`)).status).toBe(204)
    const taken = await next
    expect(taken).toMatchObject({ status: 201, body: { decision: { notify: true } } })
    // Not renewed: it runs out, and a library replica sends.
    expect(await ana.notifications.once(FLUSH, () => undefined)).toEqual({ outcome: 'sent', reason: 'first' })
    expect((await call(ben, 'POST', 'claims', { id: taken.body.id })).status).toBe(404)
  })

  it('that has gone before its claim was granted holds nothing up', async () => {
    const [ana, ben] = await openPair()
    const held = await call(ana, 'POST', 'claims', WORK)
    const aborter = new AbortController()
    const gone = fetch(`${ben.url}/api/v1/claims`, {
      method: 'POST',
      body: JSON.stringify({ ...WORK, wait: '10s', lease: '300s' }),
      headers: { 'content-type': 'application/json' },
      signal: aborter.signal,
    })
    const metric = async (): Promise<string> => (await fetch(`${ben.url}/metrics`)).text()
    await untilAsync(
      async () => (await metric()).includes('hearsay_notifications_running 1'),
      'a claim waits',
    )
    aborter.abort()
    await expect(gone).rejects.toThrow()
    await call(ana, 'DELETE', `claims/${held.body.id}?failed=true`)
    const sent = await ana.notifications.once({ ...FLUSH, timeout: '20s' }, () => undefined)
    expect(sent.outcome).toBe('sent')
    expect(await metric()).toContain('hearsay_claims_total{outcome="held"} 1')
    expect(await metric()).toMatch(/hearsay_claim_events_total\{event="asks"\} [1-9]/)
  })

  it('logs what it sent although a member was killed, and those that live know it', async () => {
    const [ana, ben] = await openPair()
    const peers = [ana.gossipAddress ?? '', ben.gossipAddress ?? '']
    const stopCem = await startMember('cem', peers)
    await until(() => alive(ana).length === 3 && alive(ben).length === 3)
    // Without a farewell, as if it had been killed.
    await stopCem()
    const flush = async (groupKey: string, query: string): Promise<Answer> => {
      const logged = await call(ana, 'POST', `notifications${query}`, { ...FLUSH, groupKey })
      const decided = await call(ben, 'POST', 'notifications/decide', { ...FLUSH, groupKey })
      expect(decided).toMatchObject({ status: 200, body: { notify: false, reason: 'already-notified' } })
      return logged
    }
    // While it is not known to be dead its answer is waited for.
    const early = await flush('early', '?timeout=200ms')
    expect(early).toMatchObject({ status: 200, body: { acked: ['ana', 'ben'] } })
    await until(() => alive(ana).length === 2, 30_000)
    expect(await flush('by itself', '')).toMatchObject({ status: 200, body: { acked: ['ana', 'ben'] } })
    const reached = await flush('two', '?ack=2')
    expect(reached).toMatchObject({ status: 200, body: { acked: ['ana', 'ben'] } })
    await until(() => ana.members().some(({ liveness }) => liveness === 'dead'), 30_000)
    const all = await flush('all', '?ack=all&timeout=1s')
    expect(all).toMatchObject({ status: 202, body: { acked: ['ana', 'ben'], needed: 3 } })
    const many = await flush('many', '?ack=9')
    expect(many).toMatchObject({ status: 202, body: { acked: ['ana', 'ben'], needed: 9 } })
    expect((await call(ana, 'PUT', 'kv/m/k?ack=all', {})).body.code).toBe('ACK_UNREACHABLE')
    const log = (options?: WriteOptions) =>
      ana.notifications.log({ ...WORK, groupKey: 'library', alerts: ALERTS }, options)
    expect(await log()).toMatchObject({ reached: true, acked: ['ana', 'ben'] })
    expect(await log({ ack: 'all' })).toMatchObject({ reached: false, acked: ['ana', 'ben'] })
    await expect(log({ ack: 0 })).rejects.toMatchObject({ code: 'ACK_MALFORMED' })
  }, 60_000)

  it('that loses to another hears what is left to send, not that it has lost', async () => {
    const [ana, ben] = await openPair()
    const held = await call(ana, 'POST', 'claims', FLUSH)
    const waiting = [
      call(ben, 'POST', 'claims', FLUSH),
      call(ben, 'POST', 'claims', { ...FLUSH, entryVersion: '0' }),
    ]
    await call(ana, 'POST', 'notifications', FLUSH)
    await call(ana, 'DELETE', `claims/${held.body.id}`)
    for (const lost of await Promise.all(waiting)) {
      expect(lost).toMatchObject({
        status: 200,
        body: { decision: { notify: false, reason: 'already-notified' } },
      })
      expect(lost.body.id).toBeUndefined()
    }
  })
})
