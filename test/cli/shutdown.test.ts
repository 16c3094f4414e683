/** How `hearsay serve` stops: what clients, peers and the supervisor see of it. */
import { describe, expect, it, onTestFinished } from 'vitest'
import { ReplicaProcess } from '../support/replica-process.ts'
import { tempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'
import { untilAsync } from '../support/until-async.ts'
import { startWriteLoad } from '../support/write-load.ts'

/** Half of what a connection may be quiet for while a replica stops. */
const SLEEP_MS = 250

async function started(options: Parameters<typeof ReplicaProcess.start>[0]): Promise<ReplicaProcess> {
  const replica = await ReplicaProcess.start(options)
  onTestFinished(() => replica.kill())
  return replica
}

async function keysOf(url: string, map: string): Promise<ReadonlySet<string>> {
  const keys = new Set<string>()
  let after = ''
  for (;;) {
    const query = new URLSearchParams({ limit: '1000', values: 'false', ...(after === '' ? {} : { after }) })
    const response = await fetch(`${url}/api/v1/kv/${map}?${query}`)
    const page = (await response.json()) as { items: { key: string }[]; next?: string }
    for (const { key } of page.items) keys.add(key)
    if (page.next === undefined) return keys
    after = page.next
  }
}

async function stateOf(url: string, name: string): Promise<string | undefined> {
  const page = (await (await fetch(`${url}/api/v1/cluster`)).json()) as {
    members: { name: string; state: string }[]
  }
  return page.members.find((member) => member.name === name)?.state
}

describe('serve, told to stop', () => {
  it('under load answers every request that it was sent, keeps what it answered, and tells its peers', async () => {
    const storagePath = tempDir()
    const peer = await started({ storagePath: tempDir() })
    const replica = await started({
      storagePath,
      peers: [peer.gossipAddress],
      flags: ['--cluster.peer-name=leaver'],
    })
    await untilAsync(async () => (await stateOf(peer.url, 'leaver')) === 'alive', 'the peer knows it')
    const watch = await fetch(`${replica.url}/api/v1/watch?map=watched`)
    const load = startWriteLoad(`${replica.url}/api/v1/kv/m`, 16)
    await until(() => load.answered.length > 200, 30_000)
    expect(await replica.stop()).toBe(0)
    await load.ended
    expect(await watch.text()).toMatch(/event: closed\ndata: .*stopping/)
    // Clients learn from `Connection: close` and then find nobody. One that sleeps may miss that its connection, quiet for
    // half a second, was closed before it sent again.
    const ends = new Set(load.ends)
    if (load.sleptMs() > SLEEP_MS) ends.delete('ECONNRESET')
    expect(ends, `the clients slept ${load.sleptMs()} ms`).toEqual(new Set(['ECONNREFUSED']))
    expect(load.refusals).toEqual([])
    const order = [...replica.output.matchAll(/event=shutdown_step\S* step=(\S+)/g)].map(([, step]) => step)
    expect(order).toEqual([
      'not-ready',
      'stop-accepting',
      'end-streams',
      'finish-sends',
      'finish-requests',
      'leave',
      'close-store',
      'close-rest',
    ])
    expect(peer.isRunning, peer.output).toBe(true)
    expect(await stateOf(peer.url, 'leaver')).not.toBe('alive')
    const again = await started({ storagePath, clustered: false })
    const kept = await keysOf(again.url, 'm')
    expect(load.answered.filter((key) => !kept.has(key))).toEqual([])
  })

  it('says that it is not ready while it still serves, for as long as load balancers are given', async () => {
    const replica = await started({ storagePath: tempDir(), flags: ['--shutdown.drain-delay=60s'] })
    const stopping = replica.stop()
    await untilAsync(async () => (await fetch(`${replica.url}/-/ready`)).status === 503, 'it is not ready')
    expect(await (await fetch(`${replica.url}/-/ready`)).text()).toContain('draining')
    const written = await fetch(`${replica.url}/api/v1/kv/m/k`, { method: 'PUT', body: 'v' })
    expect(written.status).toBe(201)
    expect(written.headers.get('connection')).not.toBe('close')
    expect(replica.output).toContain('stops in 1m (--shutdown.drain-delay)')
    // The second signal ends it at once.
    process.kill(replica.pid, 'SIGTERM')
    expect(await stopping).toBe(143)
  })
})
