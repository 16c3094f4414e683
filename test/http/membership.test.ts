import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Membership } from '../../src/http/facades.ts'
import type { EmbeddedReplica } from '../../src/index.ts'
import { ANY_PORT, alive, openEmbedded } from '../support/embedded.ts'
import { freePort } from '../support/free-port.ts'
import { testApp } from '../support/http-app.ts'
import { until } from '../support/until.ts'
import { untilAsync } from '../support/until-async.ts'

const JSON_TYPE = { 'content-type': 'application/json' }

const IDLE: Membership = {
  leave: async () => undefined,
  join: async () => ({ reached: [], failed: [] }),
}

interface Answer {
  readonly status: number
  readonly body: Record<string, unknown>
}

async function ask(replica: EmbeddedReplica, method: string, path: string, body?: unknown): Promise<Answer> {
  const sent = body === undefined ? {} : { headers: JSON_TYPE, body: JSON.stringify(body) }
  const response = await fetch(`${replica.url}/api/v1/${path}`, { method, ...sent })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

async function ready(replica: EmbeddedReplica): Promise<string> {
  return (await fetch(`${replica.url}/-/ready`)).text()
}

/** Three replicas with HTTP that know each other and are ready. */
async function trio(): Promise<[EmbeddedReplica, EmbeddedReplica, EmbeddedReplica]> {
  const replicas: EmbeddedReplica[] = []
  for (const name of ['ana', 'ben', 'eve']) {
    const peers = replicas.map(({ gossipAddress }) => gossipAddress ?? '')
    replicas.push(
      await openEmbedded({ name, gossip: { ...ANY_PORT, peers }, http: { listen: '127.0.0.1:0' } }),
    )
  }
  await until(() => replicas.every((replica) => alive(replica).length === 3))
  await Promise.all(replicas.map((replica) => replica.ready()))
  return replicas as [EmbeddedReplica, EmbeddedReplica, EmbeddedReplica]
}

function livenessOf(replica: EmbeddedReplica, name: string): string | undefined {
  return replica.members().find((member) => member.name === name)?.liveness
}

describe('a replica of three that leaves over HTTP', () => {
  it('is seen to have left, serves what it holds, is not ready, and hears nothing until it joins', async () => {
    const [ana, ben, eve] = await trio()
    await ana.map('m').set('k', 1, { ack: 'all' })
    expect(await ask(eve, 'POST', 'cluster/leave')).toEqual({
      status: 200,
      body: { name: 'eve', left: true },
    })
    await until(() => livenessOf(ana, 'eve') === 'left' && livenessOf(ben, 'eve') === 'left')
    expect((await ask(eve, 'GET', 'cluster')).body).toMatchObject({ left: true, lag: { members: 0, ms: 0 } })
    expect((await ask(eve, 'GET', 'status')).body).toMatchObject({ left: true, ready: false })
    expect(await ready(eve)).toMatch(/^not ready\n- left: /)
    expect((await ask(eve, 'GET', 'kv/m/k')).body).toBe(1)

    await ana.map('m').set('away', 2, { ack: 'majority' })
    expect((await ask(eve, 'PUT', 'kv/m/alone', 3)).status).toBe(201)
    expect(await ask(eve, 'PUT', 'kv/m/refused?ack=majority', 3)).toMatchObject({
      status: 503,
      body: { code: 'ACK_UNREACHABLE', detail: expect.stringContaining('has left') },
    })
    expect([ana.map('m').get('alone'), ben.map('m').get('alone')]).toEqual([undefined, undefined])
    expect([eve.map('m').get('away'), eve.map('m').get('refused')]).toEqual([undefined, undefined])

    const joined = await ask(eve, 'POST', 'cluster/join')
    expect(joined).toMatchObject({ status: 200, body: { name: 'eve', left: false, failed: [] } })
    expect([...(joined.body.contacted as string[])].sort((a, b) => (a < b ? -1 : 1))).toEqual(
      [ana.gossipAddress, ben.gossipAddress].sort((a, b) => ((a ?? '') < (b ?? '') ? -1 : 1)),
    )
    await untilAsync(async () => (await ready(eve)) === 'OK\n', 'eve is ready')
    expect(eve.map('m').get('away')).toBe(2)
    await until(() => [ana, ben].every((replica) => replica.map('m').get('alone') === 3))
    await until(() => [ana, ben, eve].every((replica) => alive(replica).length === 3))
    expect((await ask(eve, 'PUT', 'kv/m/after?ack=all', 4)).status).toBe(201)
  })

  it('may be told twice, at once, and to join while it leaves: the last word holds, and it still closes', async () => {
    const [ana, ben, eve] = await trio()
    const both = await Promise.all([ask(eve, 'POST', 'cluster/leave'), ask(eve, 'POST', 'cluster/leave', {})])
    expect(both.map(({ status, body }) => [status, body.left])).toEqual([
      [200, true],
      [200, true],
    ])
    expect((await ask(eve, 'POST', 'cluster/leave')).body.left).toBe(true)
    expect((await ask(eve, 'POST', 'cluster/join', { peers: [ana.gossipAddress] })).body.left).toBe(false)
    const leaving = ask(eve, 'POST', 'cluster/leave')
    await untilAsync(async () => (await ask(eve, 'GET', 'cluster')).body.left === true, 'eve leaves')
    expect((await ask(eve, 'POST', 'cluster/join')).status).toBe(200)
    await leaving
    await until(() => [ana, ben].every((replica) => livenessOf(replica, 'eve') === 'alive'))
    await ask(eve, 'POST', 'cluster/leave')
    await until(() => livenessOf(ana, 'eve') === 'left')
    await eve.close()
    expect(livenessOf(ana, 'eve')).not.toBe('dead')
    expect(livenessOf(ben, 'eve')).not.toBe('dead')
  })

  it('notifies nobody until it is back, and logs for the others what it was sending', async () => {
    const [ana, ben, eve] = await trio()
    const work = { groupKey: 'g', receiver: { groupName: 'ops', integration: 'webhook' } }
    const flush = { ...work, alerts: [{ labels: { alertname: 'a' } }], repeatInterval: '4h' } as const
    let isSending = false
    let end: () => void = () => undefined
    const sending = eve.notifications.once(flush, () => {
      isSending = true
      return new Promise<void>((resolve) => {
        end = resolve
      })
    })
    await until(() => isSending)
    const leaving = ask(eve, 'POST', 'cluster/leave')
    await untilAsync(async () => (await ask(eve, 'GET', 'cluster')).body.left === true, 'eve leaves')
    const others = [ana, ben].map((replica) => replica.notifications.once(flush, () => Promise.resolve()))
    end()
    expect(await sending).toEqual({ outcome: 'sent', reason: 'first' })
    expect((await leaving).body.left).toBe(true)
    for (const other of others) {
      expect(await other).toEqual({ outcome: 'skipped', reason: 'already-notified' })
    }
    const next = { ...flush, groupKey: 'h' }
    expect(await ask(eve, 'POST', 'claims', next)).toMatchObject({
      status: 503,
      body: { code: 'CLUSTER_LEFT' },
    })
    const refused = await eve.notifications.once(next, () => Promise.reject(new Error('sent twice')))
    expect(refused).toMatchObject({ outcome: 'failed', reason: 'left' })
    await ask(eve, 'POST', 'cluster/join')
    await untilAsync(async () => (await ready(eve)) === 'OK\n', 'eve is ready')
    expect((await ask(eve, 'POST', 'claims', next)).status).toBe(201)
  })

  it('is not ready before those it calls have answered, though it knows nobody', async () => {
    const eve = await openEmbedded({ name: 'eve', gossip: ANY_PORT, http: { listen: '127.0.0.1:0' } })
    await eve.ready()
    const callers: Socket[] = []
    const mute = createServer((socket) => void callers.push(socket.on('error', () => undefined)))
    onTestFinished(() => void mute.close())
    mute.listen(0, '127.0.0.1')
    await once(mute, 'listening')
    await ask(eve, 'POST', 'cluster/leave')
    const peers = [`127.0.0.1:${(mute.address() as AddressInfo).port}`]
    const joining = ask(eve, 'POST', 'cluster/join', { peers })
    await until(() => callers.length > 0)
    expect(await ready(eve)).toMatch(/^not ready\n- settling: /)
    for (const socket of callers) socket.destroy()
    expect((await joining).body.code).toBe('CLUSTER_JOIN_FAILED')
    await untilAsync(async () => (await ready(eve)) === 'OK\n', 'eve is ready')
  })

  it('owns no work, and gets its own back', async () => {
    const [ana, ben, eve] = await trio()
    const keys = Array.from({ length: 40 }, (_, n) => `work/${n}`)
    const ownersBy = async (replica: EmbeddedReplica): Promise<readonly unknown[]> => {
      const answers = await Promise.all(
        keys.map((key) => ask(replica, 'GET', `owner/${encodeURIComponent(key)}`)),
      )
      return answers.map(({ body }) => body.owner)
    }
    const before = await ownersBy(ana)
    expect(await ownersBy(ben)).toEqual(before)
    expect(await ownersBy(eve)).toEqual(before)
    expect(new Set(before)).toEqual(new Set(['ana', 'ben', 'eve']))
    const mine = keys[before.indexOf('eve')] ?? ''
    expect((await ask(eve, 'GET', `owner/${encodeURIComponent(mine)}`)).body).toEqual({
      key: mine,
      owner: 'eve',
      isSelf: true,
    })
    await ask(eve, 'POST', 'cluster/leave')
    await until(() => livenessOf(ana, 'eve') === 'left' && livenessOf(ben, 'eve') === 'left')
    const without = await ownersBy(ana)
    expect(without).not.toContain('eve')
    expect(await ownersBy(eve)).toEqual(without)
    await ask(eve, 'POST', 'cluster/join')
    await until(() => alive(ana).length === 3)
    expect(await ownersBy(ana)).toEqual(before)
  })
})

describe('members as the cluster shows them', () => {
  it('say their release and whether they hold the same', async () => {
    const [ana] = await trio()
    await ana.map('m').set('k', 1, { ack: 'all' })
    await untilAsync(async () => {
      const { members, lag } = (await ask(ana, 'GET', 'cluster')).body as {
        members: { isSelf: boolean; version: string; sameState?: boolean }[]
        lag: { members: number }
      }
      const others = members.filter(({ isSelf }) => !isSelf)
      expect(members.every(({ version }) => /^\d+\.\d+\.\d+/.test(version))).toBe(true)
      expect(members.find(({ isSelf }) => isSelf)).not.toHaveProperty('sameState')
      return others.length === 2 && others.every(({ sameState }) => sameState === true) && lag.members === 0
    }, 'all hold the same')
  })
})

describe('joining peers', () => {
  it('names who could not be reached and why; when that is everybody it is a problem', async () => {
    const [ana, ben] = [
      await openEmbedded({ name: 'ana', gossip: ANY_PORT, http: { listen: '127.0.0.1:0' } }),
      await openEmbedded({ name: 'ben', gossip: ANY_PORT }),
    ]
    const nobody = `127.0.0.1:${await freePort()}`
    const joined = await ask(ana, 'POST', 'cluster/join', { peers: [ben.gossipAddress, nobody] })
    expect(joined).toEqual({
      status: 200,
      body: {
        name: 'ana',
        left: false,
        contacted: [ben.gossipAddress],
        failed: [{ address: nobody, reason: expect.stringContaining('refused') }],
      },
    })
    expect(alive(ben)).toEqual(expect.arrayContaining(['ana', 'ben']))
    expect(await ask(ana, 'POST', 'cluster/join', { peers: [nobody] })).toMatchObject({
      status: 503,
      body: { code: 'CLUSTER_JOIN_FAILED', detail: expect.stringContaining(nobody) },
    })
  })

  it('of one that knows nobody is done at once', async () => {
    const ana = await openEmbedded({ name: 'ana', gossip: ANY_PORT, http: { listen: '127.0.0.1:0' } })
    await ask(ana, 'POST', 'cluster/leave')
    expect((await ask(ana, 'POST', 'cluster/join')).body).toEqual({
      name: 'ana',
      left: false,
      contacted: [],
      failed: [],
    })
  })

  it('is one at a time', async () => {
    let finish: () => void = () => undefined
    const gate = new Promise<void>((resolve) => {
      finish = resolve
    })
    const { app } = testApp({
      membership: {
        leave: async () => undefined,
        join: async () => {
          await gate
          return { reached: ['10.0.0.1:9094'], failed: [] }
        },
      },
    })
    const first = app.inject({ method: 'POST', url: '/api/v1/cluster/join' }).then((answer) => answer)
    const second = await app.inject({ method: 'POST', url: '/api/v1/cluster/join' })
    expect([second.statusCode, second.json().code]).toEqual([409, 'CLUSTER_BUSY'])
    finish()
    expect((await first).statusCode).toBe(200)
    expect((await app.inject({ method: 'POST', url: '/api/v1/cluster/join' })).statusCode).toBe(200)
  })

  it.each([
    ['no peers', { peers: [] }],
    ['no list', { peers: 'a:1' }],
    ['a space', { peers: ['a b:1'] }],
    ['an empty address', { peers: [''] }],
    ['65 peers', { peers: Array.from({ length: 65 }, (_, n) => `10.0.0.${n}:1`) }],
    ['a stranger', { peer: ['a:1'] }],
    ['a bare list', ['a:1']],
  ])('takes no body with %s', async (_what, payload) => {
    const { app } = testApp({ membership: IDLE })
    const answer = await app.inject({ method: 'POST', url: '/api/v1/cluster/join', payload })
    expect([answer.statusCode, answer.json().code]).toEqual([400, 'HTTP_BODY_INVALID'])
  })

  it('takes no body at all', async () => {
    const { app } = testApp({ membership: IDLE })
    for (const url of ['/api/v1/cluster/join', '/api/v1/cluster/leave']) {
      expect((await app.inject({ method: 'POST', url })).statusCode).toBe(200)
      expect((await app.inject({ method: 'POST', url, payload: {} })).statusCode).toBe(200)
    }
  })

  it('and leaving are 404 without clustering', async () => {
    const { app } = testApp()
    for (const url of ['/api/v1/cluster/join', '/api/v1/cluster/leave']) {
      const answer = await app.inject({ method: 'POST', url })
      expect([answer.statusCode, answer.json().code]).toEqual([404, 'CLUSTER_NONE'])
    }
  })
})
