/**
 * The members of a mixed cluster whose hosts are in network namespaces: hearsay, a real Alertmanager, or HashiCorp's
 * memberlist in the Go program of test/peer, which speaks of silences as an Alertmanager does, and keeps its own until it
 * ends; of those of others, what it was told counts as what it holds.
 *
 * All probe five times as fast as usual and call the lost every second, so that tests take seconds.
 */
import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SILENCE_TABLE } from '../../src/alerting/core/admission.ts'
import { encodeForeignPart, encodeForeignState } from '../../src/alerting/core/foreign-state.ts'
import { nanosFromMs } from '../../src/alerting/core/nanos.ts'
import { encodeSilence } from '../../src/alerting/core/silence-codec.ts'
import type { ForeignRecord } from '../../src/store/core/delta.ts'
import { GoProgram } from '../parity/go-program.ts'
import { startGoPeer } from '../parity/go-subject.ts'
import type { Peer } from '../parity/subject.ts'
import { type Alertmanager, startAlertmanager } from './alertmanager.ts'
import type { TestKey } from './gossip-keys.ts'
import { complaintsIn, fetchJson, postSilence } from './mixed-cluster.ts'
import type { NetHost } from './net-namespaces.ts'
import { ReplicaProcess } from './replica-process.ts'
import { aSilence, HOUR_NS } from './silences.ts'
import { untilAsync } from './until-async.ts'

export type Kind = 'hearsay' | 'Alertmanager' | 'memberlist'

export interface FiveMember {
  readonly kind: Kind
  /** In the cluster network, host:port. */
  readonly address: string
  readonly pid: number
  /** For the first time or after `kill`, on the disk that it had; resolves once it answers. */
  start(peers: readonly string[]): Promise<void>
  /** `kill -9`. */
  kill(): Promise<void>
  /** Addresses of those that it lists as alive or suspect, itself included, in order. */
  listed(): Promise<readonly string[]>
  /** A new silence. @returns its id, once it is acknowledged */
  write(value: string): Promise<string>
  /** Which of these silences it does not have. */
  lacks(ids: readonly string[]): Promise<readonly string[]>
  /** What it logged of which it must log nothing. */
  complaints(): readonly string[]
  addKey(key: TestKey): Promise<void>
  useKey(key: TestKey): Promise<void>
  removeKey(key: TestKey): Promise<void>
}

const GOSSIP_PORT = 9094
const FAST = [
  '--cluster.probe-interval=200ms',
  '--cluster.probe-timeout=100ms',
  '--cluster.reconnect-interval=1s',
]
/** Of members that are not hearsay: memberlist sends so few copies that now and then nobody gets one. */
const PUSH_PULL_MS = 2000

export const byText = (a: string, b: string): number => (a < b ? -1 : 1)

/** What hearsay and Alertmanager answer alike. */
async function listedBy(url: string): Promise<readonly string[]> {
  const { cluster } = await fetchJson<{ cluster: { peers: { address: string }[] } }>(`${url}/api/v2/status`)
  return cluster.peers.map(({ address }) => address).sort(byText)
}

async function lackedBy(url: string, ids: readonly string[]): Promise<readonly string[]> {
  const held = new Set((await fetchJson<{ id: string }[]>(`${url}/api/v2/silences`)).map(({ id }) => id))
  return ids.filter((id) => !held.has(id))
}

export class HearsayMember implements FiveMember {
  readonly kind = 'hearsay'
  readonly address: string
  readonly #host: NetHost
  readonly #folder: string
  readonly #keyFile: string | undefined
  #process: ReplicaProcess | undefined

  /** @param folder kept between starts; the caller removes it */
  constructor(host: NetHost, folder: string, key?: TestKey) {
    this.#host = host
    this.#folder = folder
    this.address = `${host.clusterAddress}:${GOSSIP_PORT}`
    if (key === undefined) return
    this.#keyFile = join(folder, 'keys')
    writeFileSync(this.#keyFile, `${key.text}\n`, { mode: 0o600 })
  }

  async start(peers: readonly string[]): Promise<void> {
    const keys = this.#keyFile === undefined ? [] : [`--cluster.key-file=${this.#keyFile}`]
    this.#process = await ReplicaProcess.start({
      storagePath: join(this.#folder, 'data'),
      host: this.#host,
      peers,
      flags: [...FAST, ...keys, '--log.level=info'],
    })
  }

  get #running(): ReplicaProcess {
    if (this.#process === undefined) throw new Error('not started')
    return this.#process
  }

  get pid(): number {
    return this.#running.pid
  }

  get url(): string {
    return this.#running.url
  }

  get log(): string {
    return this.#process?.output ?? ''
  }

  async kill(): Promise<void> {
    await this.#process?.kill()
  }

  listed(): Promise<readonly string[]> {
    return listedBy(this.url)
  }

  write(value: string): Promise<string> {
    return postSilence(this.url, value)
  }

  lacks(ids: readonly string[]): Promise<readonly string[]> {
    return lackedBy(this.url, ids)
  }

  complaints(): readonly string[] {
    return []
  }

  async #changeKeys(method: string, path: string, body?: object): Promise<void> {
    const headers = { 'content-type': 'application/json' }
    await fetchJson(`${this.url}/api/v1/cluster/keys${path}`, {
      method,
      ...(body !== undefined && { headers, body: JSON.stringify(body) }),
    })
  }

  addKey({ text }: TestKey): Promise<void> {
    return this.#changeKeys('POST', '', { key: text })
  }

  useKey({ fingerprint }: TestKey): Promise<void> {
    return this.#changeKeys('PUT', '/primary', { fingerprint })
  }

  removeKey({ fingerprint }: TestKey): Promise<void> {
    return this.#changeKeys('DELETE', `/${fingerprint}`)
  }
}

export class AlertmanagerMember implements FiveMember {
  readonly kind = 'Alertmanager'
  readonly address: string
  readonly #host: NetHost
  readonly #folder: string
  readonly #everStarted: Alertmanager[] = []

  /** @param folder kept between starts; the caller removes it */
  constructor(host: NetHost, folder: string) {
    this.#host = host
    this.#folder = folder
    this.address = `${host.clusterAddress}:${GOSSIP_PORT}`
  }

  async start(peers: readonly string[]): Promise<void> {
    const args = [...FAST, `--cluster.pushpull-interval=${PUSH_PULL_MS}ms`, '--cluster.tcp-timeout=2s']
    const storagePath = join(this.#folder, 'data')
    this.#everStarted.push(await startAlertmanager({ host: this.#host, storagePath, peers, args }))
  }

  get #running(): Alertmanager {
    const last = this.#everStarted.at(-1)
    if (last === undefined) throw new Error('not started')
    return last
  }

  get pid(): number {
    return this.#running.pid
  }

  async kill(): Promise<void> {
    await this.#everStarted.at(-1)?.kill()
  }

  listed(): Promise<readonly string[]> {
    return listedBy(this.#running.url)
  }

  write(value: string): Promise<string> {
    return postSilence(this.#running.url, value)
  }

  lacks(ids: readonly string[]): Promise<readonly string[]> {
    return lackedBy(this.#running.url, ids)
  }

  complaints(): readonly string[] {
    return this.#everStarted.flatMap(({ log }) => complaintsIn(log()))
  }

  addKey(): Promise<void> {
    throw new Error('an Alertmanager has no keys')
  }

  useKey(): Promise<void> {
    return this.addKey()
  }

  removeKey(): Promise<void> {
    return this.addKey()
  }
}

function silenceRecord(id: string): ForeignRecord {
  const nowNs = nanosFromMs(Date.now())
  const [startsAtNs, endsAtNs] = [nowNs - HOUR_NS, nowNs + HOUR_NS]
  return encodeSilence(
    aSilence({ id, startsAtNs, endsAtNs, updatedAtNs: nowNs, expiresAtNs: endsAtNs + 120n * HOUR_NS }),
  )
}

export class GoMember implements FiveMember {
  readonly kind = 'memberlist'
  readonly address: string
  /** A silence that it tells of in push-pulls alone, from its start. */
  readonly ownId: string = randomUUID()
  readonly #host: NetHost
  readonly #name: string
  readonly #key: TestKey
  readonly #own = new Map<string, ForeignRecord>()
  #program: GoProgram | undefined
  #peer: Peer | undefined

  constructor(host: NetHost, name: string, key: TestKey) {
    this.#host = host
    this.#name = name
    this.#key = key
    this.address = `${host.clusterAddress}:${GOSSIP_PORT}`
  }

  async start(peers: readonly string[]): Promise<void> {
    this.#own.clear()
    this.#own.set(this.ownId, silenceRecord(this.ownId))
    this.#program = await GoProgram.start(this.#host.prefix)
    this.#peer = await startGoPeer(this.#program, this.#name, {
      name: this.#name,
      bindAddr: this.#host.clusterAddress,
      bindPort: GOSSIP_PORT,
      keys: [this.#key.bytes],
      localState: this.#state(),
      gossipIntervalMs: 100,
      probeIntervalMs: 200,
      probeTimeoutMs: 100,
      pushPullIntervalMs: PUSH_PULL_MS,
      tcpTimeoutMs: 2000,
    })
    const joined = async (): Promise<boolean> => ((await this.#peer?.join(peers))?.contacted ?? 0) > 0
    await untilAsync(joined, `${this.#name} joins`)
  }

  #state(): Uint8Array {
    return encodeForeignState((table) => (table === SILENCE_TABLE ? this.#own : []), new Uint8Array(0))
  }

  get #running(): Peer {
    if (this.#peer === undefined) throw new Error('not started')
    return this.#peer
  }

  get pid(): number {
    return this.#program?.pid ?? 0
  }

  async kill(): Promise<void> {
    await this.#program?.kill()
  }

  async listed(): Promise<readonly string[]> {
    return (await this.#running.members()).map(({ addr, port }) => `${addr}:${port}`).sort(byText)
  }

  async write(): Promise<string> {
    const id = randomUUID()
    const record = silenceRecord(id)
    const part = encodeForeignPart({ table: SILENCE_TABLE, key: id, record })
    if (part === undefined) throw new Error('a silence is for everybody')
    this.#own.set(id, record)
    const payload = Buffer.from(this.#state()).toString('base64')
    await this.#program?.ask('setLocalState', { peer: this.#name, payload })
    await this.#running.broadcast(part)
    return id
  }

  lacks(ids: readonly string[]): Promise<readonly string[]> {
    return this.#untold(ids, ['user', 'state'])
  }

  /** Silences told by message, not only in a push-pull. */
  lacksMessages(ids: readonly string[]): Promise<readonly string[]> {
    return this.#untold(ids, ['user'])
  }

  async #untold(ids: readonly string[], ways: readonly ('user' | 'state')[]): Promise<readonly string[]> {
    const told = (await this.#running.events()).flatMap((event) => {
      if (event.type === 'user' && ways.includes('user')) return [event.payload]
      return event.type === 'state' && ways.includes('state') ? [event.state] : []
    })
    const text = Buffer.concat(told).toString('latin1')
    return ids.filter((id) => !this.#own.has(id) && !text.includes(id))
  }

  /** Names of members that it was told have left or are dead. */
  async goodbyes(): Promise<readonly string[]> {
    return (await this.#running.events()).flatMap((event) => (event.type === 'leave' ? [event.name] : []))
  }

  complaints(): readonly string[] {
    return []
  }

  addKey({ bytes }: TestKey): Promise<void> {
    return this.#running.addKey(bytes)
  }

  useKey({ bytes }: TestKey): Promise<void> {
    return this.#running.useKey(bytes)
  }

  removeKey({ bytes }: TestKey): Promise<void> {
    return this.#running.removeKey(bytes)
  }
}
