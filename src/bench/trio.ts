/**
 * Three processes of one kind on loopback, and how to write to one and see it on another: what the benchmarks compare.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { HearsayError } from '../base/errors.ts'
import { HttpClient } from './http-client.ts'
import { freePorts, type Peer, startPeer } from './process.ts'

const CONNECTIONS = 64
const SIZE = 3
const ALERTMANAGER = 'prometheus-alertmanager'

/** One kind of write, on any replica of a running trio. */
export interface Trio {
  readonly label: string
  /** Writes item `index` on `replica`; resolves with its id once acknowledged. */
  write(replica: number, index: number): Promise<string>
  visible(replica: number, id: string): Promise<boolean>
  count(replica: number): Promise<number>
}

export interface RunningTrio {
  /** The writes this program takes: keys, silences. */
  readonly kinds: readonly Trio[]
  stop(): Promise<void>
}

async function startThree(
  program: string,
  command: (ports: readonly number[], self: number, directory: string) => { command: string; args: string[] },
  readyPath: string,
): Promise<{ clients: HttpClient[]; stop: () => Promise<void> }> {
  const directory = mkdtempSync(join(tmpdir(), `hearsay-bench-${program}-`))
  const ports = await freePorts(SIZE * 2)
  const peers: Peer[] = []
  const clients = ports.slice(0, SIZE).map((port) => new HttpClient(`http://127.0.0.1:${port}`, CONNECTIONS))
  const stop = async (): Promise<void> => {
    for (const client of clients) client.close()
    await Promise.all(peers.map((peer) => peer.stop()))
    rmSync(directory, { recursive: true, force: true })
  }
  try {
    for (let self = 0; self < SIZE; self++) {
      const { command: path, args } = command(ports, self, join(directory, String(self)))
      peers.push(await startPeer(path, args, `http://127.0.0.1:${ports[self]}`, readyPath))
    }
  } catch (error) {
    await stop()
    throw error
  }
  return { clients, stop }
}

function clientOf(clients: readonly HttpClient[], replica: number): HttpClient {
  const client = clients[replica % clients.length]
  if (client === undefined) throw new HearsayError('BENCH_PEER_FAILED', 'a trio without members')
  return client
}

function gossipAddresses(ports: readonly number[]): string[] {
  return ports.slice(SIZE).map((port) => `127.0.0.1:${port}`)
}

function silenceBody(index: number): string {
  const now = Date.now()
  return JSON.stringify({
    matchers: [{ name: 'bench', value: `item-${index}`, isRegex: false, isEqual: true }],
    startsAt: new Date(now).toISOString(),
    endsAt: new Date(now + 3_600_000).toISOString(),
    createdBy: 'bench',
    comment: 'one of many',
  })
}

function silences(label: string, clients: readonly HttpClient[]): Trio {
  return {
    label: `${label}, silences`,
    async write(replica, index) {
      const answer = await clientOf(clients, replica).send('POST', '/api/v2/silences', silenceBody(index))
      if (answer.status !== 200)
        throw new HearsayError('BENCH_WRITE_FAILED', `${answer.status} ${answer.body}`)
      const { silenceID } = JSON.parse(answer.body) as { silenceID: string }
      return silenceID
    },
    async visible(replica, id) {
      return (await clientOf(clients, replica).send('GET', `/api/v2/silence/${id}`)).status === 200
    },
    async count(replica) {
      const { body } = await clientOf(clients, replica).send('GET', '/metrics')
      return Number(/^alertmanager_silences\{state="active"\} (\S+)$/m.exec(body)?.[1] ?? Number.NaN)
    },
  }
}

function keys(label: string, clients: readonly HttpClient[]): Trio {
  const value = 'v'.repeat(100)
  return {
    label: `${label}, keys of 100 B`,
    async write(replica, index) {
      const id = `key-${index}`
      const path = `/api/v1/kv/bench/${id}`
      const answer = await clientOf(clients, replica).send('PUT', path, value, 'text/plain')
      if (answer.status > 201) throw new HearsayError('BENCH_WRITE_FAILED', `${answer.status} ${answer.body}`)
      return id
    },
    async visible(replica, id) {
      return (await clientOf(clients, replica).send('GET', `/api/v1/kv/bench/${id}`)).status === 200
    },
    async count(replica) {
      const { body } = await clientOf(clients, replica).send('GET', '/api/v1/kv')
      const { maps } = JSON.parse(body) as { maps: { name: string; count: number }[] }
      return maps.find((map) => map.name === 'bench')?.count ?? 0
    },
  }
}

/** Default flags but for addresses, directory and peers. */
export async function startHearsayTrio(): Promise<RunningTrio> {
  const main = fileURLToPath(new URL('../cli/main.js', import.meta.url))
  const { clients, stop } = await startThree(
    'hearsay',
    (ports, self, directory) => {
      const gossip = gossipAddresses(ports)
      const args = [
        main,
        'serve',
        `--storage.path=${directory}`,
        `--web.listen-address=127.0.0.1:${ports[self]}`,
      ]
      args.push(`--cluster.listen-address=${gossip[self]}`)
      for (const peer of gossip.slice(0, self)) args.push(`--cluster.peer=${peer}`)
      return { command: process.execPath, args }
    },
    '/-/ready',
  )
  return { kinds: [keys('hearsay', clients), silences('hearsay', clients)], stop }
}

/** @returns undefined when no Alertmanager is installed */
export async function startAlertmanagerTrio(): Promise<RunningTrio | undefined> {
  try {
    execFileSync(ALERTMANAGER, ['--version'], { stdio: 'ignore' })
  } catch {
    return undefined
  }
  const config = join(mkdtempSync(join(tmpdir(), 'hearsay-bench-config-')), 'alertmanager.yml')
  writeFileSync(config, 'route:\n  receiver: none\nreceivers:\n  - name: none\n')
  const { clients, stop } = await startThree(
    'alertmanager',
    (ports, self, directory) => {
      const gossip = gossipAddresses(ports)
      const args = [`--config.file=${config}`, `--storage.path=${directory}`, '--log.level=error']
      args.push(`--web.listen-address=127.0.0.1:${ports[self]}`, `--cluster.listen-address=${gossip[self]}`)
      for (const peer of gossip) args.push(`--cluster.peer=${peer}`)
      return { command: ALERTMANAGER, args }
    },
    '/-/ready',
  )
  return { kinds: [silences('Alertmanager', clients)], stop }
}
