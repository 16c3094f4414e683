/**
 * A server on a disk that is slow, fails once, or is full, seen from outside. `kill -9` cannot show that a write waits
 * for the disk: these can (a shim under the process makes each sync slow, or fail once; a small tmpfs fills up).
 */
import { execFileSync } from 'node:child_process'
import { rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, onTestFinished } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { buildShim, compiler } from '../support/preload-shim.ts'
import { type ReplicaOptions, ReplicaProcess } from '../support/replica-process.ts'
import { requirement } from '../support/requirement.ts'
import { tempDir } from '../support/temp-dir.ts'
import { canMount } from '../support/tmpfs.ts'
import { untilAsync } from '../support/until-async.ts'
import { postSilence } from './server-load.ts'

const SYNC_MS = 300
const WRITES_AFTER = 60

interface Answer {
  readonly status: number
  readonly type: string | null
  readonly text: string
  readonly tookMs: number
}

interface ClusterPage {
  readonly healthScore: number
  readonly members: readonly { readonly state: string }[]
}

async function start(options: ReplicaOptions): Promise<ReplicaProcess> {
  const replica = await ReplicaProcess.start({ ...options, flags: ['--log.level=warn'] })
  onTestFinished(() => replica.kill())
  return replica
}

async function ask(url: string, method = 'GET', body?: string): Promise<Answer> {
  const startedMs = performance.now()
  const response = await fetch(url, { method, ...(body === undefined ? {} : { body }) })
  const text = await response.text()
  const tookMs = performance.now() - startedMs
  return { status: response.status, type: response.headers.get('content-type'), text, tookMs }
}

async function cluster(url: string): Promise<ClusterPage> {
  return JSON.parse((await ask(`${url}/api/v1/cluster`)).text) as ClusterPage
}

async function isWell(url: string): Promise<boolean> {
  const page = await cluster(url)
  return (
    page.healthScore === 0 &&
    page.members.length === 2 &&
    page.members.every(({ state }) => state === 'alive')
  )
}

requirement(compiler)('a server on a disk that misbehaves', () => {
  it('acknowledges a lone put and a posted silence after the sync; reads and gossip do not wait for it', async () => {
    const env = { LD_PRELOAD: buildShim('slow-fdatasync'), HEARSAY_SHIM_SYNC_MS: String(SYNC_MS) }
    const gossipPort = await freePort()
    const [first, second] = await Promise.all([
      start({ storagePath: tempDir(), env, gossipPort }),
      start({ storagePath: tempDir(), env, peers: [`127.0.0.1:${gossipPort}`] }),
    ])
    const both = [first.url, second.url]
    for (const url of both) await untilAsync(() => isWell(url), `two live members at ${url}`)
    expect((await ask(`${first.url}/api/v1/kv/m/read`, 'PUT', 'here')).status).toBe(201)
    // Readers go on while the writes wait for the disk, on the replica that writes and on the one that receives.
    let writing = true
    const reads: number[] = []
    const reading = Promise.all(
      both.map(async (url) => {
        while (writing) {
          const { status, tookMs } = await ask(`${url}/api/v1/kv/m/read`)
          if (status === 200) reads.push(tookMs)
        }
      }),
    )
    // It is awaited below; until then a failing test must not leave it without a listener.
    reading.catch(() => undefined)
    for (let i = 0; i < 2; i++) {
      const put = await ask(`${first.url}/api/v1/kv/m/lone-${i}`, 'PUT', 'x')
      expect(put.status).toBe(201)
      expect(put.tookMs).toBeGreaterThanOrEqual(SYNC_MS)
      const startedMs = performance.now()
      await postSilence(second.url, `lone-${i}`)
      expect(performance.now() - startedMs).toBeGreaterThanOrEqual(SYNC_MS)
      for (const url of both) expect(await isWell(url)).toBe(true)
    }
    writing = false
    await reading
    reads.sort((a, b) => a - b)
    expect(reads.length).toBeGreaterThan(50)
    expect(reads[Math.floor(reads.length / 2)]).toBeLessThan(SYNC_MS / 6)
  })

  it('answers a put that a failed sync carried with 503, and keeps what follows through kill -9', async () => {
    const storagePath = tempDir()
    const trigger = join(tempDir(), 'trigger')
    const env = {
      LD_PRELOAD: buildShim('fail-fdatasync'),
      HEARSAY_SHIM_TRIGGER: trigger,
      HEARSAY_SHIM_ONCE: '1',
    }
    const replica = await start({ storagePath, clustered: false, env })
    const at = (url: string, key: string): string => `${url}/api/v1/kv/m/${key}`
    expect((await ask(at(replica.url, 'before'), 'PUT', '1')).status).toBe(201)
    writeFileSync(trigger, '')
    const hit = await Promise.all([0, 1, 2, 3].map((i) => ask(at(replica.url, `hit-${i}`), 'PUT', 'x')))
    for (const answer of hit) {
      expect(answer).toMatchObject({ status: 503, type: expect.stringContaining('application/problem+json') })
      expect(answer.text).toContain('"STORE_WRITE_FAILED"')
    }
    for (let i = 0; i < WRITES_AFTER; i++) await accepted(at(replica.url, `after-${i}`), `value ${i}`)
    const metrics = (await ask(`${replica.url}/metrics`)).text
    expect(metrics).toMatch(/^hearsay_store_write_errors_total 1$/m)
    expect(metrics).toMatch(/^hearsay_store_reopens_total 1$/m)
    await replica.kill()
    const again = await start({ storagePath, clustered: false })
    expect((await ask(at(again.url, 'before'))).text).toBe('1')
    for (let i = 0; i < WRITES_AFTER; i++)
      expect((await ask(at(again.url, `after-${i}`))).text).toBe(`value ${i}`)
  })
})

requirement(canMount)('a server on a disk that fills up', () => {
  let storagePath: string

  beforeEach(() => {
    storagePath = tempDir()
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', storagePath])
  })

  afterEach(() => execFileSync('umount', [storagePath]))

  it('answers 507, goes on reading, and takes and keeps writes once there is room', async () => {
    const replica = await ReplicaProcess.start({ storagePath, clustered: false, flags: ['--log.level=warn'] })
    try {
      const map = `${replica.url}/api/v1/kv/m`
      expect((await ask(`${map}/before`, 'PUT', '1')).status).toBe(201)
      const ballast = join(storagePath, 'ballast')
      const { bavail, bsize } = statfsSync(storagePath)
      writeFileSync(ballast, Buffer.alloc(bavail * bsize))
      let answer = await ask(`${map}/full-0`, 'PUT', 'x'.repeat(3000))
      for (let i = 1; answer.status === 201; i++)
        answer = await ask(`${map}/full-${i}`, 'PUT', 'x'.repeat(3000))
      expect(answer).toMatchObject({ status: 507, type: expect.stringContaining('application/problem+json') })
      expect(JSON.parse(answer.text)).toMatchObject({ status: 507, code: 'STORE_DISK_FULL' })
      expect((await ask(`${map}/before`)).text).toBe('1')
      expect((await ask(`${replica.url}/-/healthy`)).status).toBe(200)
      const ready = await ask(`${replica.url}/-/ready`)
      expect(ready).toMatchObject({ status: 503, text: expect.stringMatching(/store: .*full/) })
      rmSync(ballast)
      for (let i = 0; i < WRITES_AFTER; i++) await accepted(`${map}/after-${i}`, `value ${i}`)
      await untilAsync(async () => (await ask(`${replica.url}/-/ready`)).status === 200, 'ready again')
      await replica.kill()
      const again = await ReplicaProcess.start({ storagePath, clustered: false })
      const found = await ask(`${again.url}/api/v1/kv/m?limit=1000`)

      await again.kill()
      for (let i = 0; i < WRITES_AFTER; i++)
        expect(found.text).toContain(Buffer.from(`value ${i}`).toString('base64'))
    } finally {
      await replica.kill()
    }
  })
})

/** Repeats a put while it is refused for the disk's sake, until it is acknowledged. */
async function accepted(url: string, body: string): Promise<void> {
  for (;;) {
    const { status } = await ask(url, 'PUT', body)
    if (status < 300) return
    expect([503, 507]).toContain(status)
  }
}
