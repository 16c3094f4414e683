import type { FastifyInstance } from 'fastify'
import { describe, expect, it } from 'vitest'
import { notificationKey } from '../../src/alerting/core/receiver.ts'
import { spreadEntry } from '../../src/alerting/entry-spread.ts'
import { NotificationLog } from '../../src/alerting/notification-log.ts'
import type { ClaimRequest } from '../../src/alerting/notifier/notifier.ts'
import { Tally } from '../../src/base/tally.ts'
import type { Member } from '../../src/gossip/core/delegate.ts'
import type { KnownPeer } from '../../src/gossip/core/reconnect.ts'
import type { ClaimOutcome, Claims } from '../../src/http/facades.ts'
import type { Delta } from '../../src/store/core/delta.ts'
import { NOW_MS, testApp } from '../support/http-app.ts'
import { member } from '../support/members.ts'
import { localAcks } from '../support/memory-facades.ts'
import { memoryRecords } from '../support/memory-records.ts'

const RECEIVER = { groupName: 'ops', integration: 'webhook' }
const WORK = { groupKey: '{}:{alertname="a"}', receiver: RECEIVER }
const KEY = '{}:{alertname="a"}:ops/webhook/0'
const INTERVAL = { repeatInterval: '4h' }

interface TestClaims extends Claims {
  readonly held: Map<string, ClaimRequest>
  readonly failed: string[]
  answer: ClaimOutcome | undefined
  /** Runs before a claim is answered. */
  meanwhile: () => Promise<void>
}

function testClaims(): TestClaims {
  const held = new Map<string, ClaimRequest>()
  const failed: string[] = []
  const self: TestClaims = {
    held,
    failed,
    answer: undefined,
    meanwhile: async () => undefined,
    claim: async (request) => {
      await self.meanwhile()
      if (self.answer !== undefined) return self.answer
      const id = `claim-${held.size}`
      held.set(id, request)
      const key = notificationKey(request.groupKey, request.receiver)
      return { held: true, claim: { id, key, expiresAtMs: NOW_MS + request.leaseMs } }
    },
    renew: (id, leaseMs) => {
      const request = held.get(id)
      if (request === undefined) return undefined
      const key = notificationKey(request.groupKey, request.receiver)
      return { id, key, expiresAtMs: NOW_MS + leaseMs }
    },
    release: (id, hasFailed) => {
      if (hasFailed) failed.push(id)
      return held.delete(id)
    },
  }
  return self
}

/** Stands for xxHash64: as good as unique, and beyond 53 bits. */
function labelHash(labels: Readonly<Record<string, string>>): bigint {
  return (1n << 63n) + BigInt(Object.values(labels).join('').length)
}

/** Memory records make no deltas. */
const WRITTEN: Delta = { puts: [], adds: [], covered: [], records: [] }

/** @param others no one answers for them */
function alertingApp(others: readonly Member[] = [], lost: readonly KnownPeer[] = []) {
  const clock = { monotonicMs: () => 0, wallMs: () => NOW_MS }
  const log = new NotificationLog(memoryRecords(), clock, { retentionMs: 432_000_000 })
  const claims = testClaims()
  const silencedBy = (labels: Readonly<Record<string, string>>) => (labels.team === 'x' ? ['id-1'] : [])
  const known = { members: () => others, lost: () => lost }
  const spreadDeps = { name: 'dev-1', acks: localAcks(), ...known, dropped: new Tally() }
  const { app } = testApp({
    alerting: {
      log,
      claims,
      labelHash,
      silencedBy,
      spread: (_deltas, options) => spreadEntry(spreadDeps, [WRITTEN], options),
    },
  })
  return { app, log, claims }
}

async function post(app: FastifyInstance, path: string, body: unknown) {
  const payload = typeof body === 'string' ? body : JSON.stringify(body)
  const headers = { 'content-type': 'application/json' }
  const answer = await app.inject({ method: 'POST', url: `/api/v1/${path}`, payload, headers })
  return { status: answer.statusCode, body: answer.json() }
}

describe('POST /api/v1/silences/match', () => {
  it('gives the silences of one alert, or of each of several', async () => {
    const { app } = alertingApp()
    expect(await post(app, 'silences/match', { labels: { team: 'x' } })).toEqual({
      status: 200,
      body: { silences: ['id-1'] },
    })
    const alerts = [{ labels: {} }, { labels: { team: 'x' }, annotations: { a: 'b' } }]
    expect((await post(app, 'silences/match', { alerts })).body).toEqual({
      alerts: [{ silences: [] }, { silences: ['id-1'] }],
    })
  })

  it('takes labels of any name', async () => {
    const { app } = alertingApp()
    const labels = '{"__proto__":"y","constructor":"z","team":"x"}'
    const silences = ['id-1']
    expect(await post(app, 'silences/match', `{"labels":${labels}}`)).toEqual({
      status: 200,
      body: { silences },
    })
    const body = (key: string) => `{"groupKey":"g","receiver":{"groupName":"o","integration":"w"},${key}}`
    const decide = (name: string) =>
      post(app, 'notifications/decide', body(`"alerts":[{"labels":{"${name}":"x"}}],"repeatInterval":"4h"`))
    expect((await decide('__proto__')).body).toMatchObject({ notify: true, reason: 'first' })
    // Elsewhere such a name is one that is not expected.
    expect((await post(app, 'silences/match', `{"labels":{},"__proto__":{"alerts":[]}}`)).body).toMatchObject(
      {
        code: 'HTTP_BODY_INVALID',
        detail: expect.stringContaining('"__proto__" is not expected'),
      },
    )
  })

  it.each([
    [{}, 'either labels or alerts'],
    [{ labels: {}, alerts: [] }, 'either labels or alerts'],
    [{ labels: { team: 1 } }, 'labels.team'],
    [{ alerts: [{ labels: {} }, {}] }, 'alerts[1]'],
    [{ label: {} }, '"label" is not expected'],
    [{ alerts: Array(1001).fill({ labels: {} }) }, 'alerts'],
  ])('names what is wrong with %j', async (body, said) => {
    const answer = await post(alertingApp().app, 'silences/match', body)
    expect([answer.status, answer.body.code]).toEqual([400, 'HTTP_BODY_INVALID'])
    expect(answer.body.detail).toContain(said)
  })
})

describe('POST /api/v1/notifications/decide', () => {
  it('follows the log, with alerts by their labels or by their hashes', async () => {
    const { app } = alertingApp()
    const alerts = [{ labels: { a: 'b' } }]
    const decide = (rest: object) => post(app, 'notifications/decide', { ...WORK, ...INTERVAL, ...rest })
    expect((await decide({ alerts })).body).toEqual({ key: KEY, notify: true, reason: 'first' })
    const logged = await post(app, 'notifications', { ...WORK, ...INTERVAL, alerts })
    expect(logged.status).toBe(200)
    const firing = [String((1n << 63n) + 1n)]
    expect(logged.body).toMatchObject({ key: KEY, firing, resolved: [], acked: ['dev-1'] })
    const { acked, ...entry } = logged.body
    expect(acked).toEqual(['dev-1'])
    expect((await decide({ firing })).body).toEqual({
      key: KEY,
      notify: false,
      reason: 'already-notified',
      last: entry,
    })
    const more = [...firing, '18446744073709551615']
    expect((await decide({ firing: more })).body.reason).toBe('new-alerts')
    expect((await decide({ resolved: firing })).body.reason).toBe('all-resolved')
    // A service that has just started and has no alerts yet does not know that they have resolved.
    for (const none of [{ alerts: [] }, { firing: [], resolved: [] }]) {
      expect((await decide(none)).body).toMatchObject({ notify: false, reason: 'nothing-to-notify' })
    }
    const past = new Date(NOW_MS - 1).toISOString()
    expect((await decide({ alerts: [{ labels: { a: 'b' }, endsAt: past }] })).body.reason).toBe(
      'all-resolved',
    )
    // An alert without an end, as Go writes it.
    const endless = { labels: { a: 'b' }, endsAt: '0001-01-01T00:00:00Z' }
    expect((await decide({ alerts: [endless] })).body.reason).toBe('already-notified')
    const later = { firing, flushedAt: new Date(NOW_MS + 4 * 3_600_000 + 1).toISOString() }
    expect((await decide(later)).body.reason).toBe('repeat')
  })

  it.each([
    [{ ...WORK, firing: [], repeatInterval: 4 }, 'repeatInterval must be text'],
    [{ ...WORK, firing: [] }, 'repeatInterval'],
    [{ ...WORK, ...INTERVAL }, 'either alerts'],
    [{ ...WORK, ...INTERVAL, alerts: [], firing: [] }, 'either alerts'],
    [{ ...WORK, ...INTERVAL, firing: [1] }, 'firing[0] must be text'],
    [{ ...WORK, ...INTERVAL, firing: ['18446744073709551616'] }, 'firing[0] is beyond 64 bits'],
    [{ ...WORK, ...INTERVAL, firing: ['-1'] }, 'firing[0]'],
    [{ ...WORK, ...INTERVAL, firing: [], flushedAt: 'noon' }, 'flushedAt'],
    [{ ...WORK, ...INTERVAL, firing: [], sendresolved: true }, '"sendresolved" is not expected'],
    [{ ...INTERVAL, ...WORK, receiver: { ...RECEIVER, idx: -1 }, firing: [] }, 'receiver.idx'],
    [{ ...INTERVAL, ...WORK, receiver: { ...RECEIVER, index: 1 }, firing: [] }, '"index"'],
    [{ ...INTERVAL, ...WORK, groupKey: '', firing: [] }, 'groupKey'],
    [{ ...INTERVAL, ...WORK, groupKey: 'x'.repeat(4096), firing: [] }, '4096 bytes'],
    [{ ...INTERVAL, ...WORK, groupKey: '\ud800', firing: [] }, 'groupKey has half'],
    ['null', 'must be an object'],
  ])('names what is wrong with %j', async (body, said) => {
    const answer = await post(alertingApp().app, 'notifications/decide', body)
    expect([answer.status, answer.body.code]).toEqual([400, 'HTTP_BODY_INVALID'])
    expect(answer.body.detail).toContain(said)
  })

  it('says which duration it cannot read', async () => {
    const body = { ...WORK, firing: [], repeatInterval: '4 hours' }
    expect((await post(alertingApp().app, 'notifications/decide', body)).body.code).toBe('DURATION_MALFORMED')
  })
})

describe('the log over /api/v1/notifications', () => {
  it('keeps receiver data of every kind', async () => {
    const { app, log } = alertingApp()
    const receiverData = { thread: 'T1', count: { int64: '9223372036854775807' }, ratio: 0.5 }
    const { body } = await post(app, 'notifications', { ...WORK, firing: ['1'], receiverData })
    expect(body.receiverData).toEqual(receiverData)
    expect([...(log.get(KEY)?.receiverData ?? [])]).toEqual([
      ['count', 9223372036854775807n],
      ['ratio', 0.5],
      ['thread', 'T1'],
    ])
    const wrong = await post(app, 'notifications', {
      ...WORK,
      firing: ['1'],
      receiverData: { a: { int64: '9223372036854775808' } },
    })
    expect([wrong.status, wrong.body.detail]).toEqual([400, 'receiverData.a.int64 is beyond 64 bits'])
  })

  it.each([
    ['', 200, undefined],
    ['?ack=local', 200, undefined],
    ['?ack=1&timeout=1s', 200, undefined],
    ['?timeout=5s', 200, undefined],
    ['?ack=2', 202, 2],
    ['?ack=majority', 202, 2],
    ['?ack=all&timeout=1s', 202, 3],
    ['?ack=9999', 202, 9999],
  ])('takes what was sent, whoever can be reached: %s', async (query, status, needed) => {
    const { app, log } = alertingApp([
      { ...member('ben', 'native'), liveness: 'dead' },
      { ...member('cem', 'native'), liveness: 'suspect' },
      { ...member('dan', 'native'), liveness: 'left' },
      member('am', 'foreign'),
    ])
    const answer = await post(app, `notifications${query}`, { ...WORK, firing: ['1'] })
    expect([answer.status, answer.body.acked, answer.body.needed]).toEqual([status, ['dev-1'], needed])
    expect(log.get(KEY)?.firing).toEqual([1n])
  })

  it.each([
    ['', 200, undefined],
    ['?ack=majority', 202, 2],
    ['?ack=all', 202, 3],
  ])(
    '%s counts replicas that gossip has long dropped from its list, if they were asked for',
    async (query, status, needed) => {
      const { endpoint } = member('ben', 'native')
      const lost = ['ben', 'cem'].map((name) => ({ name, endpoint, isReplica: true }))
      const { app } = alertingApp([], lost)
      const answer = await post(app, `notifications${query}`, { ...WORK, firing: ['1'] })
      expect([answer.status, answer.body.acked, answer.body.needed]).toEqual([status, ['dev-1'], needed])
    },
  )

  it('asks nothing that cannot be asked, and then logs nothing', async () => {
    const { app, log } = alertingApp()
    for (const query of ['ack=0', 'ack=most', 'timeout=0', 'timeout=61s', 'timeout=soon', 'acks=1']) {
      const answer = await post(app, `notifications?${query}`, { ...WORK, firing: ['1'] })
      expect([answer.status, log.get(KEY)]).toEqual([400, undefined])
    }
  })

  it('is listed by pages, by group and by receiver', async () => {
    const { app } = alertingApp()
    const integrations = ['email', 'slack', 'webhook']
    for (const groupKey of ['g', 'g:h', 'k']) {
      for (const integration of integrations) {
        const receiver = { groupName: 'ops/eu', integration }
        await post(app, 'notifications', { groupKey, receiver, firing: ['1'] })
      }
    }
    const keys = async (query: Record<string, string>): Promise<{ keys: string[]; next: string }> => {
      const answer = await app.inject({ url: '/api/v1/notifications', query })
      const { items, next } = answer.json()
      return { keys: items.map(({ key }: { key: string }) => key), next }
    }
    const all: string[] = []
    let after = ''
    for (let page = 0; page < 5; page++) {
      const got = await keys({ limit: '2', ...(after === '' ? {} : { after }) })
      all.push(...got.keys)
      after = got.next
    }
    expect([all.length, after]).toEqual([9, undefined])
    expect(all).toEqual([...all].sort((a, b) => (a < b ? -1 : 1)))
    const ofGroup = await keys({ groupKey: 'g' })
    expect(ofGroup.keys).toEqual(integrations.map((name) => `g:ops/eu/${name}/0`))
    const ofReceiver = await keys({ receiver: 'ops/eu/slack/0' })
    expect(ofReceiver.keys).toEqual(['g:h:ops/eu/slack/0', 'g:ops/eu/slack/0', 'k:ops/eu/slack/0'])
    expect((await keys({ receiver: 'ops/eu/slack/0', groupKey: 'k' })).keys).toHaveLength(1)
    const refused = await app.inject('/api/v1/notifications?limit=0')
    expect([refused.statusCode, refused.json().code]).toEqual([400, 'HTTP_QUERY_INVALID'])
    expect((await app.inject('/api/v1/notifications?group=g')).json().detail).toContain('"group"')
  })
})

describe('/api/v1/claims', () => {
  it('takes nothing of a decision without what it needs to decide', async () => {
    const { app, claims } = alertingApp()
    for (const stray of [{ alerts: [] }, { firing: ['1'] }, { resolved: [] }, { sendResolved: true }]) {
      const answer = await post(app, 'claims', { ...WORK, ...stray })
      expect([answer.status, answer.body.code]).toEqual([400, 'HTTP_BODY_INVALID'])
      expect(answer.body.detail).toContain(`${Object.keys(stray)[0]} is expected beside repeatInterval`)
    }
    expect(claims.held.size).toBe(0)
  })

  it('waits for the answers of the others, also when it is to wait for nobody', async () => {
    const { app, claims } = alertingApp()
    await post(app, 'claims', { ...WORK, wait: '0s' })
    expect(claims.held.get('claim-0')).toMatchObject({ waitMs: 250 })
  })

  it('is held, renewed and given back', async () => {
    const { app, claims } = alertingApp()
    const taken = await post(app, 'claims', { ...WORK, lease: '30s', wait: '1s' })
    const expiresAt = new Date(NOW_MS + 30_000).toISOString()
    expect(taken).toEqual({ status: 201, body: { id: 'claim-0', key: KEY, expiresAt } })
    expect(claims.held.get('claim-0')).toMatchObject({ leaseMs: 30_000, waitMs: 1000 })
    const renewed = await post(app, 'claims', { id: 'claim-0' })
    expect([renewed.status, renewed.body.expiresAt]).toEqual([200, new Date(NOW_MS + 10_000).toISOString()])
    const release = () => app.inject({ method: 'DELETE', url: '/api/v1/claims/claim-0?failed=true' })
    expect((await release()).statusCode).toBe(204)
    expect(claims.failed).toEqual(['claim-0'])
    const again = await release()
    expect([again.statusCode, again.json().code]).toEqual([404, 'CLAIM_NOT_FOUND'])
    expect((await post(app, 'claims', { id: 'claim-0' })).status).toBe(404)
  })

  it.each([
    [{ held: false, holder: 'ben', reason: 'denied' }, 409, 'CLAIM_HELD'],
    [{ held: false, holder: undefined, reason: 'timeout' }, 409, 'CLAIM_HELD'],
    [{ held: false, holder: undefined, reason: 'newer-entry' }, 409, 'CLAIM_OUTDATED'],
    [{ held: false, holder: undefined, reason: 'closed' }, 503, 'STORE_CLOSED'],
    [{ held: false, holder: undefined, reason: 'overloaded' }, 503, 'CLAIMS_MAX'],
  ] as const)('%j is %d %s', async (outcome, status, code) => {
    const { app, claims } = alertingApp()
    claims.answer = outcome
    const answer = await post(app, 'claims', WORK)
    expect([answer.status, answer.body.code, answer.body.holder]).toEqual([status, code, outcome.holder])
  })

  it('decides while it is held, and gives it back when there is nothing to send', async () => {
    const { app, claims } = alertingApp()
    const body = { ...WORK, ...INTERVAL, firing: ['1'] }
    const due = await post(app, 'claims', body)
    expect([due.status, due.body.decision]).toEqual([201, { notify: true, reason: 'first' }])
    claims.release(due.body.id, false)
    // Another replica notifies while this claim is waited for.
    claims.meanwhile = async () => void (await post(app, 'notifications', { ...WORK, firing: ['1'] }))
    const late = await post(app, 'claims', body)
    expect([late.status, late.body.id, claims.held.size]).toEqual([200, undefined, 0])
    expect(late.body.decision).toMatchObject({
      notify: false,
      reason: 'already-notified',
      last: { key: KEY },
    })
  })

  it('that loses to a newer entry is decided anew, and refused only when there is something to send', async () => {
    const { app, claims } = alertingApp()
    await post(app, 'notifications', { ...WORK, firing: ['1'] })
    claims.answer = { held: false, holder: undefined, reason: 'newer-entry' }
    const claim = (body: object) => post(app, 'claims', { ...WORK, ...body })
    const lost = await claim({ ...INTERVAL, firing: ['1'] })
    expect(lost).toEqual({ status: 200, body: { key: KEY, decision: expect.anything() } })
    expect(lost.body.decision).toMatchObject({
      notify: false,
      reason: 'already-notified',
      last: { key: KEY },
    })
    // The same where it is known before it is asked for.
    expect(await claim({ ...INTERVAL, firing: ['1'], entryVersion: '0' })).toEqual(lost)
    for (const other of [{ ...INTERVAL, firing: ['1', '2'] }, {}, { entryVersion: '0' }]) {
      const refused = await claim(other)
      expect([refused.status, refused.body.code]).toEqual([409, 'CLAIM_OUTDATED'])
    }
  })

  it('is refused to who decided on an older entry', async () => {
    const { app, claims } = alertingApp()
    const { body: entry } = await post(app, 'notifications', { ...WORK, firing: ['1'] })
    const claim = (entryVersion: string) => post(app, 'claims', { ...WORK, entryVersion })
    expect((await claim(entry.version)).status).toBe(201)
    expect((await claim('0')).body.code).toBe('CLAIM_OUTDATED')
    claims.meanwhile = async () => void (await post(app, 'notifications', { ...WORK, firing: ['2'] }))
    expect((await claim(entry.version)).body.code).toBe('CLAIM_OUTDATED')
    expect([claims.held.size, claims.failed.length]).toEqual([1, 1])
  })

  it.each([
    [{}, 'groupKey and receiver must be given'],
    [{ id: 'x', wait: '1s' }, 'wait is not expected beside id'],
    [{ ...WORK, lease: '10ms' }, 'lease must be 1s to 300s'],
    [{ ...WORK, wait: '2m' }, 'wait must be'],
    [{ ...WORK, repeatInterval: '4h' }, 'either alerts'],
    [{ ...WORK, entryVersion: 'x' }, 'entryVersion'],
  ])('names what is wrong with %j', async (body, said) => {
    const { app, claims } = alertingApp()
    const answer = await post(app, 'claims', body)
    expect([answer.status, answer.body.code, claims.held.size]).toEqual([400, 'HTTP_BODY_INVALID', 0])
    expect(answer.body.detail).toContain(said)
  })
})
