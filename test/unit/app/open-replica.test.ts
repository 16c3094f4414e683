import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type EmbeddedReplica, type OpenReplicaOptions, openReplica } from '../../../src/index.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { until } from '../../support/until.ts'
import { basicAuth, HASH_OF_SECRET, webConfigFolder } from '../../support/web-config.ts'

async function open(options: OpenReplicaOptions = {}): Promise<EmbeddedReplica> {
  const replica = await openReplica(options)
  onTestFinished(() => replica.close())
  return replica
}

const ANY_PORT = { listen: '127.0.0.1:0' }

describe('an embedded replica', () => {
  it('in memory holds typed values and sets, and opens no socket', async () => {
    const replica = await open()
    const thresholds = replica.map<{ cpu: number; since?: Date }>('thresholds')
    await thresholds.set('api', { cpu: 0.9, since: new Date(0) })
    await thresholds.set('web', { cpu: 0.5 })
    expect(thresholds.get('api')).toEqual({ cpu: 0.9, since: new Date(0) })
    expect([...thresholds.entries()].map(([key]) => key)).toEqual(['api', 'web'])
    const acknowledged = { reached: true, acked: [replica.name] }
    expect(await thresholds.delete('web')).toEqual({ existed: true, ...acknowledged })
    expect(await thresholds.delete('web')).toEqual({ existed: false, ...acknowledged })
    expect([thresholds.has('web'), thresholds.get('web')]).toEqual([false, undefined])
    const onCall = replica.set<'ana' | 'ben'>('on-call')
    expect(await onCall.add('ben')).toEqual({ added: true, ...acknowledged })
    expect([(await onCall.add('ana')).added, (await onCall.add('ana')).added]).toEqual([true, false])
    expect([onCall.has('ana'), onCall.members()]).toEqual([true, ['ana', 'ben']])
    expect(await onCall.remove('ana')).toEqual({ existed: true, ...acknowledged })
    expect(onCall.members()).toEqual(['ben'])
    expect(replica).toMatchObject({ url: undefined, gossipAddress: undefined })
    expect([replica.members(), await replica.join(['127.0.0.1:1'])]).toEqual([
      [],
      { contacted: 0, reached: [], failed: [] },
    ])
    expect(replica.readiness()).toEqual({ ready: true, reasons: [] })
  })

  it('takes a web config for its HTTP side', async () => {
    const { path } = webConfigFolder(`basic_auth_users:\n  ana: ${HASH_OF_SECRET}\n`)
    const replica = await open({ http: { ...ANY_PORT, webConfigFile: path } })
    const url = `${replica.url}/api/v1/status`
    expect((await fetch(url)).status).toBe(401)
    const headers = { authorization: basicAuth('ana', 'secret') }
    expect(await (await fetch(url, { headers })).json()).toMatchObject({ http: { tls: 'off', users: 1 } })
    const wrong = webConfigFolder('basic_auth_users: {ana: x}').path
    await expect(openReplica({ http: { ...ANY_PORT, webConfigFile: wrong } })).rejects.toMatchObject({
      code: 'OPTIONS_INVALID',
    })
  })

  it('gives a caller values of its own, which it may change without harm', async () => {
    const map = (await open()).map<{ list: number[] }>('m')
    const given = { list: [1] }
    await map.set('k', given)
    given.list.push(2)
    map.get('k')?.list.push(3)
    expect(map.get('k')).toEqual({ list: [1] })
  })

  it('with a directory keeps values, members and its generated name across reopening', async () => {
    const dataDir = tempDir()
    const first = await openReplica({ dataDir })
    await first.map('m').set('k', { nested: [1, 'zwei', null] })
    await first.set('s').add('member')
    await first.close()
    const second = await open({ dataDir })
    expect(second.name).toBe(first.name)
    expect(second.map('m').get('k')).toEqual({ nested: [1, 'zwei', null] })
    expect(second.set('s').members()).toEqual(['member'])
  })

  it('forgets an entry when its time to live is over, in memory and after reopening', async () => {
    const dataDir = tempDir()
    const first = await openReplica({ dataDir })
    const map = first.map<string>('m')
    await map.set('short', 'x', { ttl: '30ms' })
    await map.set('long', 'x', { ttl: '1h' })
    await until(() => !map.has('short'))
    expect([...map.entries()]).toEqual([['long', 'x']])
    await first.close()
    const again = (await open({ dataDir })).map('m')
    expect([again.has('short'), again.has('long')]).toEqual([false, true])
  })

  it('converges with another in the same process, and hears of its leaving', async () => {
    const ana = await open({ name: 'ana', gossip: ANY_PORT })
    await ana.map('m').set('before', 1)
    const ben = await open({ name: 'ben', gossip: { ...ANY_PORT, peers: [ana.gossipAddress ?? ''] } })
    await until(() => ben.readiness().ready && ana.members().length === 2)
    expect(ben.map('m').get('before')).toBe(1)
    await ben.map('m').set('after', 2)
    await ana.set('s').add('member')
    await until(() => ana.map('m').get('after') === 2 && ben.set('s').has('member'))
    await ana.map('m').delete('after')
    await until(() => !ben.map('m').has('after'))
    await ben.close()
    await until(() => ana.members().find(({ name }) => name === 'ben')?.liveness === 'left')
  })

  it('serves the HTTP API of the same state when asked to', async () => {
    const replica = await open({ http: ANY_PORT })
    const put = await fetch(`${replica.url}/api/v1/kv/m/k`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: '{"cpu":0.9}',
    })
    expect([put.status, replica.map('m').get('k')]).toEqual([201, { cpu: 0.9 }])
    await replica.set('s').add('member')
    expect(await (await fetch(`${replica.url}/api/v1/sets/s`)).json()).toEqual({ members: ['member'] })
  })

  it('gives what the library wrote to HTTP as JSON, and as MessagePack to who asks for it', async () => {
    const replica = await open({ http: ANY_PORT })
    await replica.map<{ cpu: number }>('m').set('k', { cpu: 0.9 })
    const url = `${replica.url}/api/v1/kv/m/k`
    expect(await (await fetch(url)).json()).toEqual({ cpu: 0.9 })
    const packed = await fetch(url, { headers: { accept: 'application/vnd.msgpack' } })
    expect(packed.headers.get('content-type')).toBe('application/vnd.msgpack')
    const page = await (await fetch(`${replica.url}/api/v1/kv/m`)).json()
    expect(page).toMatchObject({ items: [{ key: 'k', value: { cpu: 0.9 } }] })
  })

  it('keeps one unreadable value from spoiling its neighbours', async () => {
    const replica = await open({ http: ANY_PORT })
    const map = replica.map<number>('m')
    await map.set('a', 1)
    const headers = { 'content-type': 'application/vnd.msgpack' }
    await fetch(`${replica.url}/api/v1/kv/m/b`, { method: 'PUT', headers, body: new Uint8Array([0x92, 1]) })
    await map.set('c', 3)
    expect(() => map.get('b')).toThrow(expect.objectContaining({ code: 'VALUE_UNREADABLE' }))
    expect([...map.entries()]).toEqual([
      ['a', 1],
      ['c', 3],
    ])
  })
})

describe('opening a replica', () => {
  it('fails by code for a directory in use, and one that is not ours', async () => {
    const dataDir = tempDir()
    const holder = await openReplica({ dataDir })
    await expect(openReplica({ dataDir })).rejects.toMatchObject({ code: 'STORE_LOCKED' })
    await holder.close()
    mkdirSync(join(dataDir, 'hearsay', 'photos'))
    await expect(openReplica({ dataDir })).rejects.toMatchObject({ code: 'STORE_NOT_OURS' })
    writeFileSync(join(dataDir, 'file'), '')
    const inFile = openReplica({ dataDir: join(dataDir, 'file') })
    await expect(inFile).rejects.toMatchObject({ code: 'STORE_UNREADABLE' })
  })

  it('fails by code for busy ports, and leaves the directory free', async () => {
    const busy = createServer()
    await new Promise<void>((resolve) => busy.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => new Promise<void>((resolve) => busy.close(() => resolve())))
    const address = busy.address()
    const listen = `127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
    const dataDir = tempDir()
    const attempts: [OpenReplicaOptions, string][] = [
      [{ gossip: { listen } }, 'GOSSIP_PORT_BUSY'],
      [{ http: { listen } }, 'HTTP_PORT_BUSY'],
      [{ http: { listen }, gossip: ANY_PORT }, 'HTTP_PORT_BUSY'],
      [{ gossip: { listen: 'nonsense' } }, 'GOSSIP_ADDRESS_MALFORMED'],
    ]
    for (const [options, code] of attempts) {
      await expect(openReplica({ dataDir, ...options }), code).rejects.toMatchObject({ code })
    }
    await open({ dataDir })
  })
})

describe('closing a replica', () => {
  it('twice is once, and `await using` is the same', async () => {
    const dataDir = tempDir()
    const replica = await openReplica({ dataDir })
    await Promise.all([replica.close(), replica[Symbol.asyncDispose](), replica.close()])
    await (await openReplica({ dataDir })).close()
  })

  it('finishes the writes that wait; later ones are refused by code', async () => {
    const dataDir = tempDir()
    const replica = await openReplica({ dataDir })
    const map = replica.map<number>('m')
    const writes = Array.from({ length: 100 }, (_, i) => map.set(`k${i}`, i))
    await Promise.all([replica.close(), ...writes])
    await expect(map.set('late', 1)).rejects.toMatchObject({ code: 'STORE_CLOSED' })
    expect([...(await open({ dataDir })).map('m').entries()]).toHaveLength(100)
  })
})

describe('a value or option that cannot be', () => {
  it('is refused by code, and nothing is written', async () => {
    const map = (await open()).map<unknown>('m')
    await expect(map.set('k', 1, { ttl: 'soon' })).rejects.toMatchObject({ code: 'DURATION_MALFORMED' })
    await expect(map.set('k'.repeat(2000), 1)).rejects.toMatchObject({ code: 'STORE_KEY_TOO_LARGE' })
    await expect(map.set('k', 'x'.repeat(2 ** 21))).rejects.toMatchObject({ code: 'STORE_VALUE_TOO_LARGE' })
    await expect(map.set('\ud800', 1)).rejects.toMatchObject({ code: 'STORE_KEY_MALFORMED' })
    expect([...map.entries()]).toEqual([])
  })
})
