/**
 * The write concern seen from outside: an answer to `?ack=` waits for the disks of the other replicas, counts none that
 * refused, and what a replica has acknowledged survives `kill -9` of it.
 */
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { buildShim, compiler } from '../support/preload-shim.ts'
import { type ReplicaOptions, ReplicaProcess } from '../support/replica-process.ts'
import { requirement } from '../support/requirement.ts'
import { tempDir } from '../support/temp-dir.ts'
import { untilAsync } from '../support/until-async.ts'

const SYNC_MS = 300
/** Well below the delay, well above what a write takes without it. */
const QUICK_MS = 200

interface Answer {
  readonly status: number
  readonly body: { readonly acked?: readonly string[]; readonly needed?: number; readonly code?: string }
  readonly tookMs: number
}

async function start(name: string, options: Partial<ReplicaOptions> = {}): Promise<ReplicaProcess> {
  const replica = await ReplicaProcess.start({
    storagePath: tempDir(),
    ...options,
    flags: ['--log.level=warn', `--cluster.peer-name=${name}`],
  })
  onTestFinished(() => replica.kill())
  return replica
}

async function put(replica: ReplicaProcess, key: string, query: string): Promise<Answer> {
  const startedMs = performance.now()
  const response = await fetch(`${replica.url}/api/v1/kv/m/${key}?${query}`, { method: 'PUT', body: key })
  const body = (await response.json()) as Answer['body']
  return { status: response.status, body, tookMs: performance.now() - startedMs }
}

async function sees(replica: ReplicaProcess, members: number): Promise<boolean> {
  const page = (await (await fetch(`${replica.url}/api/v1/cluster`)).json()) as {
    readonly members: readonly { readonly state: string }[]
  }
  return page.members.length === members && page.members.every(({ state }) => state === 'alive')
}

/** `a`, `b` and `c`, of which `c` runs with `env`. */
async function trio(env: Readonly<Record<string, string>>): Promise<ReplicaProcess[]> {
  const a = await start('a')
  const peers = [a.gossipAddress]
  const all = [a, ...(await Promise.all([start('b', { peers }), start('c', { peers, env })]))]
  for (const replica of all) await untilAsync(() => sees(replica, 3), `three live members at ${replica.url}`)
  return all
}

function sorted(names: readonly string[] = []): readonly string[] {
  return [...names].sort((x, y) => (x < y ? -1 : 1))
}

requirement(compiler)('an acknowledgement of other replicas', () => {
  it('waits for the slowest disk that is needed, and for no other', async () => {
    const env = { LD_PRELOAD: buildShim('slow-fdatasync'), HEARSAY_SHIM_SYNC_MS: String(SYNC_MS) }
    const [a] = await trio(env)
    if (a === undefined) throw new Error('no replica')
    for (let i = 0; i < 3; i++) {
      const all = await put(a, `all${i}`, 'ack=all&timeout=5s')
      expect([all.status, sorted(all.body.acked)]).toEqual([201, ['a', 'b', 'c']])
      expect(all.tookMs).toBeGreaterThanOrEqual(SYNC_MS)
      const local = await put(a, `local${i}`, 'ack=local')
      const majority = await put(a, `majority${i}`, 'ack=majority')
      expect([local.status, local.body.acked]).toEqual([201, ['a']])
      expect([majority.status, majority.body.acked]).toEqual([201, ['a', 'b']])
      expect(local.tookMs).toBeLessThan(QUICK_MS)
      expect(majority.tookMs).toBeLessThan(QUICK_MS)
    }
    const late = await put(a, 'late', 'ack=all&timeout=100ms')
    expect([late.status, late.body.acked, late.body.needed]).toEqual([202, ['a', 'b'], 3])
  })

  it('is not counted while a disk refuses, and comes when it takes writes again', async () => {
    const trigger = join(tempDir(), 'fail')
    const env = { LD_PRELOAD: buildShim('fail-fdatasync'), HEARSAY_SHIM_TRIGGER: trigger }
    const [a, , c] = await trio(env)
    if (a === undefined || c === undefined) throw new Error('no replica')
    writeFileSync(trigger, '')
    const refused = await put(a, 'k', 'ack=all&timeout=1s')
    expect([refused.status, refused.body.acked, refused.body.needed]).toEqual([202, ['a', 'b'], 3])
    // It has the write all the same, in memory: that is what does not count.
    expect((await fetch(`${c.url}/api/v1/kv/m/k`)).status).toBe(200)
    rmSync(trigger)
    await untilAsync(
      async () => (await put(a, 'k', 'ack=all&timeout=1s')).status === 200,
      'acknowledged by all',
    )
  })

  it('is refused before anything is written when too few can be reached', async () => {
    const a = await start('a')
    const answer = await put(a, 'k', 'ack=2')
    expect([answer.status, answer.body.code]).toEqual([503, 'ACK_UNREACHABLE'])
    expect((await fetch(`${a.url}/api/v1/kv/m/k`)).status).toBe(404)
  })

  it('is for good: a replica that was killed right after it has every write it acknowledged', async () => {
    const a = await start('a')
    const [storagePath, gossipPort] = [tempDir(), await freePort()]
    let acknowledged = 0
    for (let life = 0; life < 3; life++) {
      const c = await start('c', { storagePath, gossipPort, peers: [a.gossipAddress] })
      await untilAsync(() => sees(a, 2), 'two live members')
      const keys: string[] = []
      let killed = false
      const writers = Array.from({ length: 8 }, async (_, writer) => {
        for (let i = 0; !killed; i++) {
          const key = `${life}.${writer}.${i}`
          const { status } = await put(a, key, 'ack=2&timeout=300ms')
          if (status === 201) keys.push(key)
        }
      })
      await untilAsync(async () => keys.length >= 200, '200 acknowledged writes')
      await c.kill()
      killed = true
      await Promise.all(writers)
      // Alone, so that nobody tells it what it may have lost.
      const alone = await start('c', { storagePath, clustered: false })
      for (const key of keys) expect((await fetch(`${alone.url}/api/v1/kv/m/${key}`)).status, key).toBe(200)
      acknowledged += keys.length
      await alone.stop()
    }
    expect(acknowledged).toBeGreaterThanOrEqual(600)
  })
})
