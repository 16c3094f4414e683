/** The limits of local writes, set in the library and reached through it and through HTTP. */
import { afterEach, describe, expect, it } from 'vitest'
import type { LimitSettings } from '../../../src/app/embed-options.ts'
import type { EmbeddedReplica } from '../../../src/app/embedded-replica.ts'
import { openReplica } from '../../../src/app/open-replica.ts'
import { resolveOptions } from '../../../src/app/options/options.ts'

const running: EmbeddedReplica[] = []

afterEach(async () => {
  await Promise.all(running.splice(0).map((replica) => replica.close()))
})

async function open(limits: LimitSettings): Promise<EmbeddedReplica> {
  const replica = await openReplica({ limits, http: { listen: '127.0.0.1:0' } })
  running.push(replica)
  return replica
}

async function problem(
  replica: EmbeddedReplica,
  method: string,
  path: string,
  body: string | Uint8Array<ArrayBuffer> = '',
): Promise<readonly unknown[]> {
  const headers = { 'content-type': method === 'POST' ? 'application/json' : 'a/b' }
  const answer = await fetch(`${replica.url}/api/v1/${path}`, { method, body, headers })
  const { code, limit } = (await answer.json()) as { readonly code?: string; readonly limit?: number }
  return [answer.status, code, limit]
}

describe('the limits of a replica', () => {
  it('are those it was opened with, in the library and over HTTP', async () => {
    const replica = await open({ keyBytes: 4, valueBytes: 8, entries: 2, batchOps: 1, batchBytes: 20 })
    const map = replica.map<string>('m')
    const limits = { code: 'STORE_KEY_TOO_LARGE', limit: 4 }
    await expect(map.set('12345', '')).rejects.toMatchObject(limits)
    await expect(map.delete('12345')).rejects.toMatchObject(limits)
    await expect(replica.set('s').add('12345')).rejects.toMatchObject(limits)
    await expect(map.set('k', '123456789')).rejects.toMatchObject({ code: 'STORE_VALUE_TOO_LARGE', limit: 8 })
    await map.set('a', '')
    await map.set('b', '')
    await expect(map.set('c', '')).rejects.toMatchObject({ code: 'STORE_ENTRIES_MAX', limit: 2 })
    await expect(replica.set('s').add('c')).rejects.toMatchObject({ code: 'STORE_ENTRIES_MAX', limit: 2 })

    expect(await problem(replica, 'PUT', 'kv/m/12345')).toEqual([400, 'STORE_KEY_TOO_LARGE', 4])
    expect(await problem(replica, 'DELETE', 'sets/s/12345')).toEqual([400, 'STORE_KEY_TOO_LARGE', 4])
    expect(await problem(replica, 'PUT', 'kv/m/k', '123456789')).toEqual([413, 'STORE_VALUE_TOO_LARGE', 8])
    expect(await problem(replica, 'PUT', 'kv/m/c')).toEqual([507, 'STORE_ENTRIES_MAX', 2])
    const op = { op: 'delete', map: 'm', key: 'k' }
    const ops = (...all: object[]): string => JSON.stringify({ ops: all })
    expect(await problem(replica, 'POST', 'batch', ops(op, op))).toEqual([413, 'STORE_BATCH_TOO_LARGE', 1])
    const long = { ...op, map: 'm'.repeat(20) }
    expect(await problem(replica, 'POST', 'batch', ops(long))).toEqual([413, 'STORE_BATCH_TOO_LARGE', 20])
  })

  it('of keys and values are none of silences and notifications', async () => {
    const replica = await open({ keyBytes: 4, valueBytes: 8 })
    const endsAt = new Date(Date.now() + 3_600_000)
    const silence = { matchers: ['job="api"'], endsAt, createdBy: 'ana', comment: 'a comment' }
    await replica.silences.create(silence)
    const group = {
      groupKey: 'k'.repeat(4000),
      receiver: { groupName: 'pager', integration: 'webhook' },
      alerts: [{ labels: { alertname: 'Disk' } }],
    }
    await replica.notifications.log(group)
    expect(replica.notifications.query({ groupKey: group.groupKey, receiver: group.receiver })).toBeDefined()
    const flush = { ...group, repeatInterval: '4h', alerts: [{ labels: { alertname: 'Net' } }] }
    expect(await replica.notifications.once(flush, () => undefined)).toMatchObject({ outcome: 'sent' })
    const tooLong = { ...flush, groupKey: 'k'.repeat(4090) }
    await expect(replica.notifications.once(tooLong, () => undefined)).rejects.toMatchObject({
      code: 'OPTION_INVALID',
      message: expect.stringContaining('4096 bytes'),
    })
  })

  it('bound the silences that are made here, in the words of Alertmanager', async () => {
    const replica = await open({ silences: 1, silenceBytes: 400 })
    const silence = (comment: string) => ({
      matchers: ['job="api"'],
      endsAt: new Date(Date.now() + 3_600_000),
      createdBy: 'ana',
      comment,
    })
    await expect(replica.silences.create(silence('x'.repeat(400)))).rejects.toMatchObject({
      code: 'SILENCE_TOO_LARGE',
    })
    await replica.silences.create(silence('x'))
    await expect(replica.silences.create(silence('x'))).rejects.toMatchObject({ code: 'SILENCES_MAX' })
    const matchers = [{ name: 'job', value: 'api', isRegex: false }]
    const answer = await fetch(`${replica.url}/api/v2/silences`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...silence('x'), matchers, startsAt: new Date() }),
    })
    const text = 'exceeded maximum number of silences: 1 (limit: 1)'
    expect([answer.status, await answer.json()]).toEqual([400, text])
  })

  it('bound the alerts that are held here, in number and in bytes', async () => {
    const alert = (name: string, text = '') => ({ labels: { alertname: name }, annotations: { text } })
    const few = await open({ alerts: 1 })
    few.alerts.post([alert('a')])
    expect(() => few.alerts.post([alert('b')])).toThrow('(limits: 1 alerts, 134217728 bytes)')
    const answer = await fetch(`${few.url}/api/v2/alerts`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify([alert('b')]),
    })
    expect(answer.status).toBe(507)
    expect(few.alerts.all()).toHaveLength(1)
    const small = await open({ alertsBytes: 1024 })
    small.alerts.post([alert('a')])
    expect(() => small.alerts.post([alert('b', 'x'.repeat(600))])).toThrow(
      '(limits: 100000 alerts, 1024 bytes)',
    )
    expect(small.alerts.all()).toHaveLength(1)
  })

  it('may be above the defaults; bodies and peers follow', async () => {
    const gossip = { listen: '127.0.0.1:0' }
    const limits = { keyBytes: 16_384, valueBytes: 4_194_304, batchBytes: 6_291_456 }
    const replica = await openReplica({ limits, gossip, http: { listen: '127.0.0.1:0' } })
    running.push(replica)
    const peer = await openReplica({ gossip: { ...gossip, peers: [replica.gossipAddress ?? ''] } })
    running.push(peer)
    await peer.ready()
    const key = 'k'.repeat(16_384)
    const bytes = new Uint8Array(4_194_304).fill(7)
    const put = await fetch(`${replica.url}/api/v1/kv/m/k?ack=all&timeout=10s`, {
      method: 'PUT',
      body: bytes,
    })
    expect(put.status).toBe(201)
    expect(await problem(replica, 'PUT', 'kv/m/k', new Uint8Array(4_194_305))).toEqual([
      413,
      'HTTP_BODY_TOO_LARGE',
      4_194_304,
    ])
    expect(await problem(replica, 'POST', 'batch', ' '.repeat(9_437_185))).toEqual([
      413,
      'HTTP_BODY_TOO_LARGE',
      9_437_184,
    ])
    expect((await replica.map('m').set(key, 1, { ack: 'all', timeout: '10s' })).acked).toHaveLength(2)
    expect([...peer.map('m').entries()].map(([name]) => name.length)).toEqual([1, 16_384])
  })

  it.each([
    [{ keyBytes: 0 }, 'limits.keyBytes'],
    [{ keyBytes: 16_385 }, 'limits.keyBytes'],
    [{ valueBytes: 1.5 }, 'limits.valueBytes'],
    [{ valueBytes: 4_194_305 }, 'limits.valueBytes'],
    [{ batchOps: 3001 }, 'limits.batchOps'],
    [{ batchBytes: Number.NaN }, 'limits.batchBytes'],
    [{ entries: 100_000_001 }, 'limits.entries'],
    [{ silences: -1 }, 'limits.silences'],
    [{ alerts: 0 }, 'limits.alerts'],
    [{ alertsBytes: 1023 }, 'limits.alertsBytes'],
    [{ silenceBytes: 4_194_305 }, 'limits.silenceBytes'],
    [{ keys: 1 } as LimitSettings, 'limits.keys'],
  ] as const)('cannot be %o', async (limits, named) => {
    await expect(openReplica({ limits })).rejects.toMatchObject({
      code: 'OPTION_INVALID',
      message: expect.stringContaining(named),
    })
  })
})

describe('the flags of the limits', () => {
  const resolve = (flag: string, text: string): ReturnType<typeof resolveOptions> =>
    resolveOptions({ flags: new Map([[flag, [text]]]), environment: {}, readFile: () => '' })

  it('take whole numbers within their range', () => {
    expect(resolve('limits.key-bytes', '16384').options['limits.key-bytes']).toBe(16_384)
    expect(resolve('limits.entries', '7').options['limits.entries']).toBe(7)
    for (const text of ['0', '16385', '1k', '', '-1', '1.0', ' 1']) {
      expect(() => resolve('limits.key-bytes', text), text).toThrow(/1 to 16384/)
    }
  })
})
