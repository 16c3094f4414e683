/**
 * `hearsay serve` as an operator meets it: what it says and the code it ends with when it cannot start, and how it stops.
 */
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ByteWriter } from '../../src/base/bytes.ts'
import { STORE_FORMAT } from '../../src/store/actor-file.ts'
import { sealRecord } from '../../src/store/checked-record.ts'
import { LevelStorage } from '../../src/store/level-storage.ts'
import { Command, type CommandOptions } from '../support/command.ts'
import { freePort } from '../support/free-port.ts'
import { openHostStore } from '../support/host-store.ts'
import { ReplicaProcess } from '../support/replica-process.ts'
import { commandExists, requirement } from '../support/requirement.ts'
import { tempDir } from '../support/temp-dir.ts'
import { untilAsync } from '../support/until-async.ts'

const NOBODY = 65534
/** In the environment, so that a test's own flags come before. */
const ANY_PORTS = {
  HEARSAY_WEB_LISTEN_ADDRESS: '127.0.0.1:0',
  HEARSAY_CLUSTER_LISTEN_ADDRESS: '127.0.0.1:0',
}

interface Refusal {
  readonly code: number | null
  readonly stdout: string
  /** Without the program's name. */
  readonly lines: readonly string[]
}

/** Runs `serve`, which must end by itself. */
async function refused(args: readonly string[], options: CommandOptions = {}): Promise<Refusal> {
  const command = new Command(['serve', ...args], { env: ANY_PORTS, ...options })
  const { code } = await command.ended
  const printed = command.stderr.split('\n').slice(0, -1)
  // What it was about to do is in the log.
  const lines = printed.filter((line) => !/ level=info .* event=(?:starting|listening) /.test(line))
  for (const line of lines) {
    expect(line).toMatch(/^hearsay: /)
    expect(line).not.toMatch(/^\s+at |Error:|node:internal/)
  }
  return { code, stdout: command.stdout, lines: lines.map((line) => line.replace('hearsay: ', '')) }
}

function said(line: string, code = 1): Refusal {
  return { code, stdout: '', lines: [line] }
}

describe('serve, when it cannot', () => {
  let holder: ReplicaProcess
  let heldPath: string

  beforeAll(async () => {
    heldPath = mkdtempSync(join(tmpdir(), 'hearsay-held-'))
    holder = await ReplicaProcess.start({ storagePath: heldPath, flags: ['--log.level=warn'] })
  })
  afterAll(async () => {
    await holder.kill()
    rmSync(heldPath, { recursive: true })
  })

  it('names a busy HTTP port, and has not bothered any peer by then', async () => {
    const address = new URL(holder.url).host
    const args = [`--storage.path=${tempDir()}`, `--web.listen-address=${address}`]
    const advice = 'stop that one, or choose another port with --web.listen-address'
    expect(await refused([...args, `--cluster.peer=${holder.gossipAddress}`])).toEqual(
      said(`${address} is in use by another process: ${advice}`),
    )
    const page = (await (await fetch(`${holder.url}/api/v1/cluster`)).json()) as { members: unknown[] }
    expect(page.members).toHaveLength(1)
  })

  it('names a busy gossip port', async () => {
    const args = [`--storage.path=${tempDir()}`, `--cluster.listen-address=${holder.gossipAddress}`]
    const advice = 'stop that process, or choose another port with --cluster.listen-address'
    expect(await refused(args)).toEqual(
      said(`gossip address ${holder.gossipAddress} is in use by another process: ${advice}`),
    )
  })

  it('names a directory that another replica holds, and leaves that one alone', async () => {
    const place = join(heldPath, 'hearsay', 'db')
    const advice = 'stop that replica, or choose another directory with --storage.path'
    expect(await refused([`--storage.path=${heldPath}`])).toEqual(
      said(`the database in ${place} is in use by another hearsay process: ${advice}`),
    )
    expect((await fetch(`${holder.url}/api/v1/kv/m/k`, { method: 'PUT', body: 'x' })).status).toBe(201)
  })

  it('touches no directory with foreign files', async () => {
    const path = tempDir()
    mkdirSync(join(path, 'hearsay'))
    writeFileSync(join(path, 'hearsay', 'thesis.tex'), 'x')
    const foreign = `${join(path, 'hearsay')} holds "thesis.tex", which hearsay did not put there`
    expect(await refused([`--storage.path=${path}`])).toEqual(
      said(`${foreign}; choose an empty storage path`),
    )
    expect(readdirSync(join(path, 'hearsay'))).toEqual(['thesis.tex'])
  })

  it('refuses a store of a newer format by name', async () => {
    const path = await newerStore()
    const refusal = await refused([`--storage.path=${path}`])
    expect(refusal).toMatchObject({ code: 1, stdout: '' })
    expect(refusal.lines).toHaveLength(1)
    expect(refusal.lines[0]).toMatch(new RegExp(`format ${STORE_FORMAT + 1}.*newer`))
  })

  it('refuses an address that this machine does not have', async () => {
    const path = `--storage.path=${tempDir()}`
    const web = ['--web.listen-address=192.0.2.1:9093', '--web.allow-anonymous']
    expect(await refused([path, ...web])).toEqual(said('cannot listen on 192.0.2.1:9093: EADDRNOTAVAIL'))
    const gossip = ['--cluster.listen-address=192.0.2.1:9094', '--cluster.allow-plaintext']
    expect(await refused([path, ...gossip])).toEqual(
      said('cannot listen for gossip on 192.0.2.1:9094: EADDRNOTAVAIL'),
    )
  })

  it('answers wrong usage with exit code 2: a misspelt flag, an Alertmanager routing file, files that cannot be used', async () => {
    expect(await refused(['--storage.pth=/x'])).toEqual(
      said("unknown option '--storage.pth' (Did you mean --storage.path?)", 2),
    )
    const file = join(tempDir(), 'alertmanager.yml')
    writeFileSync(file, 'route: {receiver: none}\nreceivers: [{name: none}]\n')
    const refusal = await refused([`--config.file=${file}`])
    expect(refusal).toMatchObject({ code: 2, stdout: '' })
    expect(refusal.lines).toHaveLength(1)
    expect(refusal.lines[0]).toContain(`${file} is an Alertmanager routing file`)
    for (const option of ['--cluster.key-file', '--web.config.file']) {
      writeFileSync(file, 'no: such: thing\n', { mode: 0o600 })
      expect(await refused([`${option}=${file}`, '--log.level=warn'])).toMatchObject({ code: 2, stdout: '' })
      expect(await refused([`${option}=${file}.none`, '--log.level=warn'])).toMatchObject({
        code: 2,
        stdout: '',
      })
    }
  })
})

const unprivileged = {
  name: 'root, to start a replica as nobody',
  present: process.getuid?.() === 0 && commandExists('setpriv'),
  install: 'run the tests as root, with util-linux',
}

requirement(unprivileged)('serve as somebody without rights', () => {
  it('names a directory that it may not read', async () => {
    const path = tempDir()
    chmodSync(path, 0o755)
    mkdirSync(join(path, 'hearsay'), { mode: 0o700 })
    const prefix = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups']
    const line = `cannot use the storage path ${join(path, 'hearsay')}: EACCES`
    expect(await refused([`--storage.path=${path}`], { prefix })).toEqual(said(line))
  })
})

describe('serve, when told to stop', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('%s ends it in order with exit code 0', async (signal) => {
    const [path, command, url] = await serving()
    expect((await fetch(`${url}/api/v1/kv/m/k`, { method: 'PUT', body: 'x' })).status).toBe(201)
    command.signal(signal)
    expect(await command.ended).toMatchObject({ code: 0, signal: null })
    expect((await command.ended).tookMs).toBeLessThan(5000)
    expect(command.stderr).toBe('')
    // The directory is free again, and nothing was lost.
    const store = await openHostStore({ path })
    expect(store.status()).toMatchObject({ entries: 1, damagedRecords: 0 })
    await store.close()
  })

  it('ends at once on the second signal, in the middle of an orderly stop', async () => {
    const [, command, url] = await serving()
    const socket = await unfinishedRequest(url)
    command.signal('SIGTERM')
    await untilAsync(async () => !(await accepts(url)), 'no new connections')
    command.signal('SIGTERM')
    expect(await command.ended).toMatchObject({ code: 143, signal: null })
    expect((await command.ended).tookMs).toBeLessThan(1000)
    socket.destroy()
  })
})

/** A put that the replica has begun to read and that never ends: an orderly stop waits for it. */
async function unfinishedRequest(url: string): Promise<Socket> {
  const { hostname, port, host } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => undefined)
  const head = `PUT /api/v1/kv/m/k HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n`
  socket.write(head)
  const [answer] = (await once(socket, 'data')) as [Buffer]
  expect(answer.toString()).toMatch(/^HTTP\/1.1 100 /)
  return socket
}

function accepts(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  return new Promise((resolve) => {
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
  }).finally(() => socket.destroy()) as Promise<boolean>
}

/** A store that an imaginary later version has been at. */
async function newerStore(): Promise<string> {
  const path = tempDir()
  await (await openHostStore({ path })).close()
  const storage = new LevelStorage(join(path, 'hearsay', 'db'))
  await storage.open()
  const key = Uint8Array.of(0xff, 0x66)
  const value = sealRecord(
    key,
    new ByteWriter()
      .string('hearsay store')
      .varint(STORE_FORMAT + 1)
      .finish(),
  )
  await storage.write([{ type: 'put', key, value }])
  await storage.close()
  return path
}

async function serving(): Promise<[path: string, command: Command, url: string]> {
  const path = tempDir()
  const port = await freePort()
  const flags = [`--storage.path=${path}`, `--web.listen-address=127.0.0.1:${port}`, '--log.level=warn']
  const command = new Command(['serve', ...flags], { env: ANY_PORTS })
  const url = (await command.shows(/serves (http:\S+) and gossips on 127\.0\.0\.1:\d+\n/))[1] ?? ''
  expect(url).toBe(`http://127.0.0.1:${port}`)
  return [path, command, url]
}
