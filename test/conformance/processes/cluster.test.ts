/** Items 50-52 and 56 of the checklist, between `hearsay serve` processes with probes ten times as fast as by default. */
import { afterEach, describe, expect, it } from 'vitest'
import { freePort } from '../../support/free-port.ts'
import { ReplicaProcess } from '../../support/replica-process.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { untilAsync } from '../../support/until-async.ts'

interface ClusterMember {
  readonly name: string
  readonly state: string
  readonly address: string
}

interface ClusterStatus {
  readonly name: string
  readonly status: string
  readonly peers: readonly { readonly name: string; readonly address: string }[]
}

const FAST = [
  '--cluster.probe-interval=100ms',
  '--cluster.probe-timeout=50ms',
  '--cluster.reconnect-interval=200ms',
]
const running: ReplicaProcess[] = []

async function start(
  name: string | undefined,
  options: {
    readonly peers?: readonly string[]
    readonly gossipPort?: number
    readonly awaitReady?: boolean
  } = {},
): Promise<ReplicaProcess> {
  const named = name === undefined ? [] : [`--cluster.peer-name=${name}`]
  const replica = await ReplicaProcess.start({
    storagePath: tempDir(),
    flags: [...FAST, ...named],
    ...options,
  })
  running.push(replica)
  return replica
}

async function json<T>(replica: ReplicaProcess, path: string): Promise<T> {
  return (await (await fetch(replica.url + path)).json()) as T
}

async function statusOf(replica: ReplicaProcess): Promise<ClusterStatus> {
  return (await json<{ readonly cluster: ClusterStatus }>(replica, '/api/v2/status')).cluster
}

async function membersOf(replica: ReplicaProcess): Promise<readonly ClusterMember[]> {
  return (await json<{ readonly members: readonly ClusterMember[] }>(replica, '/api/v1/cluster')).members
}

async function namesOf(replica: ReplicaProcess): Promise<string> {
  return (await statusOf(replica)).peers.map(({ name }) => name).join(' ')
}

async function stateOf(replica: ReplicaProcess, name: string): Promise<ClusterMember | undefined> {
  return (await membersOf(replica)).find((member) => member.name === name)
}

describe('hearsay', () => {
  afterEach(async () => {
    await Promise.all(running.splice(0).map((replica) => replica.kill()))
  })

  it('item 50: with a peer to call a fresh replica is settling and not ready, then it is both', async () => {
    const nobody = `127.0.0.1:${await freePort()}`
    const replica = await start('a', { peers: [nobody], awaitReady: false })
    expect((await statusOf(replica)).status).toBe('settling')
    expect((await fetch(`${replica.url}/-/ready`)).status).toBe(503)
    await untilAsync(async () => (await statusOf(replica)).status === 'ready', 'to be settled')
    expect((await fetch(`${replica.url}/-/ready`)).status).toBe(200)
  })

  it('item 51: two peers make a cluster of two; one that leaves is gone, one that is killed is the one that failed', async () => {
    const a = await start('a')
    const b = await start('b', { peers: [a.gossipAddress] })
    await untilAsync(async () => (await namesOf(a)) === 'a b' && (await namesOf(b)) === 'a b', 'both')
    await b.stop()
    await untilAsync(async () => (await namesOf(a)) === 'a', 'one')
    expect(await stateOf(a, 'b')).toMatchObject({ state: 'left' })
    const c = await start('c', { peers: [a.gossipAddress] })
    await untilAsync(async () => (await namesOf(a)) === 'a c', 'both again')
    await c.kill()
    await untilAsync(async () => (await namesOf(a)) === 'a', 'the other dead')
    const failed = (await membersOf(a)).filter(({ state }) => state === 'dead')
    expect(failed).toMatchObject([{ name: 'c', address: c.gossipAddress }])
  })

  it('item 52: a failed peer that is back without calling anybody is called, and no longer failed', async () => {
    const a = await start('a')
    const gossipPort = await freePort()
    const b = await start('b', { peers: [a.gossipAddress], gossipPort })
    await untilAsync(async () => (await namesOf(a)) === 'a b', 'both')
    await b.kill()
    await untilAsync(async () => (await stateOf(a, 'b'))?.state === 'dead', 'the other dead')
    const again = await start('b', { gossipPort })
    await untilAsync(
      async () => (await namesOf(a)) === 'a b' && (await namesOf(again)) === 'a b',
      'both again',
    )
    expect((await membersOf(a)).filter(({ state }) => state !== 'alive')).toEqual([])
  })

  it('item 56: a name is generated where none is given; a name that is taken is a conflict, logged and counted', async () => {
    const unnamed = await start(undefined)
    expect((await statusOf(unnamed)).name).toMatch(/^zz-[0-9a-f]{12}$/)
    const one = await start('twin')
    expect((await statusOf(one)).name).toBe('twin')
    const two = await start('twin', { peers: [one.gossipAddress], awaitReady: false })
    await untilAsync(
      async () => /name_taken_twice/.test(one.output + two.output),
      'the conflict to be logged',
    )
    expect((await statusOf(one)).peers).toEqual([{ name: 'twin', address: one.gossipAddress }])
    for (const replica of [one, two]) {
      const metrics = await (await fetch(`${replica.url}/metrics`)).text()
      expect(metrics).toMatch(/^hearsay_gossip_events_total\{event="name_taken_twice"\} [1-9]/m)
    }
  })
})
