/**
 * A server whose database cannot be read any more (reliability.md section 2, rows 6, 7 and 14): with a peer it is back
 * in service within 30 s of the start that finds it, with everything the peer has and the damaged database beside it;
 * alone it refuses with exit code 1 and says what to do.
 */
import { spawnSync } from 'node:child_process'
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Level } from 'level'
import { describe, expect, it, onTestFinished } from 'vitest'
import { childEnvironment } from '../support/child-environment.ts'
import { MAIN } from '../support/dist.ts'
import { freePort } from '../support/free-port.ts'
import { buildShim, compiler } from '../support/preload-shim.ts'
import { type ReplicaOptions, ReplicaProcess } from '../support/replica-process.ts'
import { requirement } from '../support/requirement.ts'
import { tempDir } from '../support/temp-dir.ts'
import { untilAsync } from '../support/until-async.ts'

const KEYS = 40
const IN_SERVICE_MS = 30_000

async function start(options: ReplicaOptions): Promise<ReplicaProcess> {
  const replica = await ReplicaProcess.start({ ...options, flags: ['--log.level=warn'] })
  onTestFinished(() => replica.kill())
  return replica
}

interface Cluster {
  readonly peer: ReplicaProcess
  readonly storagePath: string
  /** Of the one that was killed: under another address its peers would not know it for a while. */
  readonly gossipPort: number
}

/** A peer that lives, and the storage path of one that was killed; both hold the keys, the latter in a table. */
async function cluster(): Promise<Cluster> {
  const peer = await start({ storagePath: tempDir() })
  const storagePath = tempDir()
  const gossipPort = await freePort()
  const victim = await start({ storagePath, gossipPort, peers: [peer.gossipAddress] })
  for (let i = 0; i < KEYS; i++)
    await fetch(`${victim.url}/api/v1/kv/m/k${i}`, { method: 'PUT', body: `value ${i}` })
  await untilAsync(
    async () => (await fetch(`${peer.url}/api/v1/kv/m/k${KEYS - 1}`)).ok,
    'the last key at the peer',
  )
  await victim.kill()
  // Opening moves the log into a table.
  const db = new Level(join(storagePath, 'hearsay', 'db'))
  await db.open()
  await db.close()
  return { peer, storagePath, gossipPort }
}

function serve(
  storagePath: string,
  peers: readonly string[],
  env: Record<string, string>,
): { code: number | null; signal: string | null; err: string } {
  const args = [
    MAIN,
    'serve',
    `--storage.path=${storagePath}`,
    '--web.listen-address=127.0.0.1:0',
    '--cluster.listen-address=127.0.0.1:0',
  ]
  args.push(...peers.map((peer) => `--cluster.peer=${peer}`), '--log.level=error')
  const { status, signal, stderr } = spawnSync(process.execPath, args, {
    env: childEnvironment(env),
    timeout: 20_000,
  })
  return { code: status, signal, err: stderr.toString() }
}

async function isBack(
  { peer, storagePath, gossipPort }: Cluster,
  env: Record<string, string>,
): Promise<void> {
  const startedMs = performance.now()
  const replica = await start({ storagePath, gossipPort, peers: [peer.gossipAddress], env })
  expect(performance.now() - startedMs).toBeLessThan(IN_SERVICE_MS)
  for (let i = 0; i < KEYS; i++) {
    for (const { url } of [replica, peer])
      expect(await (await fetch(`${url}/api/v1/kv/m/k${i}`)).text()).toBe(`value ${i}`)
  }
  expect(replica.output).toMatch(/store_set_aside/)
  const metrics = await (await fetch(`${replica.url}/metrics`)).text()
  expect(metrics).toMatch(/^hearsay_store_damaged_copies 1$/m)
  expect(metrics).toMatch(/^hearsay_store_awaiting_peers 0$/m)
  expect(
    readdirSync(join(storagePath, 'hearsay')).filter((name) => name.startsWith('db.damaged-')),
  ).toHaveLength(1)
  expect((await fetch(`${replica.url}/api/v1/kv/m/after`, { method: 'PUT', body: 'x' })).status).toBe(201)
  await replica.kill()
}

requirement(compiler)('a server whose tables make LevelDB abort', () => {
  it('dies once, and the next start sets them aside and is back with what its peer has', {
    timeout: 90_000,
  }, async () => {
    const found = await cluster()
    const { peer, storagePath } = found
    const env = { LD_PRELOAD: buildShim('spoilt-tables'), HEARSAY_SHIM_TABLES: 'abort' }
    expect(serve(storagePath, [peer.gossipAddress], env)).toMatchObject({ signal: 'SIGABRT' })
    await isBack(found, env)
  })

  it('refuses the second time when it is alone, and says what to do', { timeout: 90_000 }, async () => {
    const { storagePath } = await cluster()
    const env = { LD_PRELOAD: buildShim('spoilt-tables'), HEARSAY_SHIM_TABLES: 'abort' }
    expect(serve(storagePath, [], env)).toMatchObject({ signal: 'SIGABRT' })
    for (let i = 0; i < 2; i++) {
      expect(serve(storagePath, [], env)).toEqual({
        code: 1,
        signal: null,
        err: expect.stringMatching(/reading the database .* SIGABRT.*hearsay snapshot restore/),
      })
    }
    // Nothing was touched: on a disk that works again it goes on.
    const healthy = await start({ storagePath, clustered: false })
    expect(await (await fetch(`${healthy.url}/api/v1/kv/m/k0`)).text()).toBe('value 0')
  })
})

requirement(compiler)('a server that cannot read a table', () => {
  it('names it, and goes on with what its peer has', { timeout: 90_000 }, async () => {
    const found = await cluster()
    const { storagePath } = found
    const env = { LD_PRELOAD: buildShim('spoilt-tables'), HEARSAY_SHIM_TABLES: 'eio' }
    expect(serve(storagePath, [], env)).toMatchObject({
      code: 1,
      err: expect.stringMatching(/\.ldb cannot be read: EIO/),
    })
    await isBack(found, env)
  })
})

describe('a server that has lost CURRENT', () => {
  it('refuses alone, and with a peer is back with what that has', { timeout: 90_000 }, async () => {
    const found = await cluster()
    const { storagePath } = found
    rmSync(join(storagePath, 'hearsay', 'db', 'CURRENT'))
    expect(serve(storagePath, [], {})).toMatchObject({
      code: 1,
      err: expect.stringMatching(/lost its CURRENT file/),
    })
    await isBack(found, {})
  })
})
