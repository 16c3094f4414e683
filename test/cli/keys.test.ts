/**
 * A gossip key exchanged on three running replicas with the commands that an operator has, while somebody writes: no
 * write is lost, no packet is unreadable to anybody at any time, and nobody ends up under suspicion.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { Command, type CommandOptions } from '../support/command.ts'
import { keyOf } from '../support/gossip-keys.ts'
import { ReplicaProcess } from '../support/replica-process.ts'
import { tempDir } from '../support/temp-dir.ts'
import { untilAsync } from '../support/until-async.ts'

const old = keyOf(1, 16)

interface Keyed {
  readonly replica: ReplicaProcess
  readonly keyFile: string
}

interface ShownKeys {
  readonly keys: readonly { readonly fingerprint: string; readonly primary: boolean }[]
}

async function start(peers: readonly string[]): Promise<Keyed> {
  const folder = tempDir()
  const keyFile = join(folder, 'keys')
  writeFileSync(keyFile, `# of this test\n${old.text}\n`, { mode: 0o600 })
  const flags = [`--cluster.key-file=${keyFile}`, '--log.level=info']
  const replica = await ReplicaProcess.start({ storagePath: join(folder, 'data'), peers, flags })
  onTestFinished(() => replica.kill())
  return { replica, keyFile }
}

/** Runs `hearsay keys`. @returns what it printed */
async function keys(args: readonly string[], options: CommandOptions = {}): Promise<string> {
  const command = new Command(['keys', ...args], options)
  const { code } = await command.ended
  expect([command.stderr, code]).toEqual(['', 0])
  return command.stdout
}

async function shown(url: string): Promise<ShownKeys['keys']> {
  return ((await (await fetch(`${url}/api/v1/cluster/keys`)).json()) as ShownKeys).keys
}

/** Writes to all in turn, until stopped. @returns stops, and gives the keys that were acknowledged */
function writer(urls: readonly string[]): () => Promise<readonly string[]> {
  const written: string[] = []
  let running = true
  const loop = (async () => {
    for (let i = 0; running; i++) {
      const url = `${urls[i % urls.length]}/api/v1/kv/rotation/k${i}`
      const { status } = await fetch(url, { method: 'PUT', body: String(i) })
      if (status !== 201) throw new Error(`a write was answered ${status}`)
      written.push(`k${i}`)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  })()
  onTestFinished(async () => {
    running = false
    await loop.catch(() => undefined)
  })
  return async () => {
    running = false
    await loop
    return written
  }
}

async function heldBy(url: string): Promise<number> {
  const { maps } = (await (await fetch(`${url}/api/v1/kv`)).json()) as {
    readonly maps: readonly { readonly name: string; readonly count: number }[]
  }
  return maps.find(({ name }) => name === 'rotation')?.count ?? 0
}

async function statesOf(url: string): Promise<readonly string[]> {
  const { members } = (await (await fetch(`${url}/api/v1/cluster`)).json()) as {
    readonly members: readonly { readonly state: string }[]
  }
  return members.map(({ state }) => state)
}

it('a key is exchanged on three replicas under writes, and nothing is lost', async () => {
  const first = await start([])
  const peers = [first.replica.gossipAddress]
  const all = [first, ...(await Promise.all([start(peers), start(peers)]))]
  const urls = all.map(({ replica }) => replica.url)
  const stop = writer(urls)

  const newKey = join(tempDir(), 'new.key')
  writeFileSync(newKey, await keys(['generate']), { mode: 0o600 })
  const text = readFileSync(newKey, 'utf8').trim()
  // One of them from standard input.
  const stdin = { prefix: ['sh', '-c', `exec "$@" < ${newKey}`, 'sh'] }
  await Promise.all(
    urls.map((url, i) => keys(['add', i === 0 ? '-' : newKey, '--url', url], i === 0 ? stdin : {})),
  )
  const added = (await shown(first.replica.url)).find((key) => key.fingerprint !== old.fingerprint)
  const fingerprint = added?.fingerprint ?? ''
  await Promise.all(urls.map((url) => keys(['use', fingerprint, '--url', url])))
  const table = await keys(['list', '--url', first.replica.url])
  expect(table).toMatch(
    new RegExp(`^FINGERPRINT  BYTES\\n${fingerprint}     32     primary\n${old.fingerprint}     16\n`),
  )

  const early = new Command(['keys', 'remove', newKey, '--url', first.replica.url])
  expect(await early.ended).toMatchObject({ code: 4 })
  expect(early.stderr).toContain('GOSSIP_KEY_PRIMARY')
  // The last step on one of them in its file, as from a configuration management, which the replica reads by itself.
  const [, , last] = all
  writeFileSync(last?.keyFile ?? '', `${text}\n`)
  await Promise.all(urls.slice(0, 2).map((url) => keys(['remove', old.fingerprint, '--url', url])))
  for (const url of urls) {
    const only = [{ fingerprint, bytes: 32, primary: true }]
    await untilAsync(async () => (await shown(url)).length === 1, 'the old key is gone')
    expect(await shown(url)).toEqual(only)
  }
  expect(readFileSync(first.keyFile, 'utf8')).toBe(`# of this test\n${text}\n`)

  const written = await stop()
  expect(written.length).toBeGreaterThan(10)
  for (const { replica } of all) {
    await untilAsync(async () => (await heldBy(replica.url)) === written.length, 'every write is everywhere')
    const allAlive = async (): Promise<boolean> =>
      (await statesOf(replica.url)).join() === 'alive,alive,alive'
    await untilAsync(allAlive, 'nobody is suspected')
    const metrics = await (await fetch(`${replica.url}/metrics`)).text()
    expect(metrics).toContain('hearsay_gossip_keys 1\n')
    expect(
      metrics.match(/^hearsay_gossip_dropped_total\{reason="(undecryptable|plaintext-refused)"\} [1-9].*/gm),
    ).toBeNull()
    const status = await (await fetch(`${replica.url}/api/v1/status`)).json()
    expect(status).toMatchObject({ gossip: { encryption: { state: 'on', keys: 1, primary: fingerprint } } })
    for (const secret of [text, old.text]) expect(replica.output + metrics).not.toContain(secret)
    expect(replica.output).toContain(`event=gossip_keys_changed`)
  }
})
