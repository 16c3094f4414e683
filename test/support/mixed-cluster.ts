/**
 * A cluster of real Alertmanagers and real hearsay processes on loopback, and the questions tests ask its members. All that
 * was started is stopped by `stop`, which also gives what the Alertmanagers complained of, dead ones included.
 */
import { type Alertmanager, type AlertmanagerOptions, startAlertmanager } from './alertmanager.ts'
import { type ReplicaOptions, ReplicaProcess } from './replica-process.ts'
import { tempDir } from './temp-dir.ts'
import { untilAsync } from './until-async.ts'

/** What an Alertmanager logs when it was told something that it cannot use. */
const COMPLAINTS = /merge remote state|unknown state key|decode|panic|conflict/i

export function complaintsIn(log: string): string[] {
  return log.split('\n').filter((line) => COMPLAINTS.test(line))
}

export class MixedCluster {
  readonly alertmanagers: Alertmanager[] = []
  readonly replicas: ReplicaProcess[] = []
  readonly #everStarted: Alertmanager[] = []

  /** @param options default peers: every Alertmanager so far */
  async alertmanager(options: AlertmanagerOptions = {}): Promise<Alertmanager> {
    const peers = this.alertmanagers.map(({ clusterAddress }) => clusterAddress)
    const started = await startAlertmanager({ peers, ...options })
    this.alertmanagers.push(started)
    this.#everStarted.push(started)
    return started
  }

  /** @param options default peers: every member so far */
  async replica(options: Partial<ReplicaOptions> = {}): Promise<ReplicaProcess> {
    const peers = [
      ...this.alertmanagers.map(({ clusterAddress }) => clusterAddress),
      ...this.replicas.map(({ gossipAddress }) => gossipAddress),
    ]
    const started = await ReplicaProcess.start({ storagePath: tempDir(), peers, ...options })
    this.replicas.push(started)
    return started
  }

  get urls(): string[] {
    return [...this.alertmanagers, ...this.replicas].map(({ url }) => url)
  }

  /** Until every member lists all that were started and not forgotten. */
  async whole(): Promise<void> {
    for (const url of this.urls) await members(url, this.urls.length)
  }

  /** One that has ended is no member any more; its log still counts. */
  forget(ended: Alertmanager | ReplicaProcess): void {
    for (const list of [this.alertmanagers, this.replicas] as (typeof ended)[][]) {
      const index = list.indexOf(ended)
      if (index >= 0) list.splice(index, 1)
    }
  }

  complaints(): string[] {
    return this.#everStarted.flatMap(({ log }) => complaintsIn(log()))
  }

  /** Kills all: an Alertmanager takes seconds to leave. @returns the complaints of all Alertmanagers that ever were */
  async stop(): Promise<string[]> {
    const running = [...this.replicas.splice(0), ...this.alertmanagers.splice(0)]
    await Promise.all(running.map((member) => member.kill()))
    return this.complaints()
  }
}

/** @throws when the answer is no success */
export async function fetchJson<T>(url: string, init?: RequestInit): Promise<T> {
  const response = await fetch(url, init)
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`)
  return (await response.json()) as T
}

export function postJson<T>(url: string, body: unknown): Promise<T> {
  const headers = { 'content-type': 'application/json' }
  return fetchJson<T>(url, { method: 'POST', headers, body: JSON.stringify(body) })
}

interface ClusterStatus {
  readonly cluster: { readonly peers: readonly { readonly name: string }[] }
}

/** In the order of positions. */
export async function peerNames(url: string): Promise<string[]> {
  return (await fetchJson<ClusterStatus>(`${url}/api/v2/status`)).cluster.peers.map(({ name }) => name)
}

export async function members(url: string, count: number): Promise<void> {
  const complete = async (): Promise<boolean> => (await peerNames(url)).length === count
  await untilAsync(complete, `${count} members at ${url}`, 30_000)
}

/** An active silence on `instance`; `extra` replaces fields of it. */
export async function postSilence(url: string, value: string, extra: object = {}): Promise<string> {
  const now = Date.now()
  const body = {
    matchers: [{ name: 'instance', value, isRegex: false, isEqual: true }],
    startsAt: new Date(now).toISOString(),
    endsAt: new Date(now + 3_600_000).toISOString(),
    createdBy: 'test',
    comment: 'interop',
    ...extra,
  }
  return (await postJson<{ silenceID: string }>(`${url}/api/v2/silences`, body)).silenceID
}

export interface ShownSilence {
  readonly id: string
  readonly status: { readonly state: string }
  readonly comment: string
  readonly startsAt: string
  readonly endsAt: string
  readonly matchers: readonly object[]
}

export async function silenceState(url: string, id: string): Promise<string> {
  const response = await fetch(`${url}/api/v2/silence/${id}`)
  if (response.status === 404) return 'absent'
  return ((await response.json()) as ShownSilence).status.state
}

/** @returns after how many ms */
export function seen(url: string, id: string, state: string, timeoutMs = 15_000): Promise<number> {
  const isThere = async (): Promise<boolean> => (await silenceState(url, id)) === state
  return untilAsync(isThere, `silence ${id} ${state} at ${url}`, timeoutMs)
}

export async function expireSilence(url: string, id: string): Promise<void> {
  const response = await fetch(`${url}/api/v2/silence/${id}`, { method: 'DELETE' })
  if (!response.ok) throw new Error(`${url}: ${response.status}`)
}

/** The sum of a metric over its labels. */
export async function metric(url: string, name: string, labels = ''): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  const lines = text
    .split('\n')
    .filter((line) => line.startsWith(`${name}${labels}`) && !line.startsWith('#'))
  return lines.reduce((total, line) => total + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
}
