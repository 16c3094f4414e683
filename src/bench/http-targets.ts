/**
 * What is measured over HTTP, each a process of its own with a fresh directory: the stub, hearsay alone, hearsay as one of
 * three, etcd by its HTTP gateway, and for silences Alertmanager.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePorts, type Peer, startPeer } from './process.ts'
import type { Requests } from './wrk.ts'

export type Work = 'PUT' | 'GET' | 'POST silence'

export interface Target {
  readonly label: string
  readonly url: string
  /** Of the process that answers. */
  readonly pid: number
  /** What it can be asked for. */
  readonly works: ReadonlyMap<Work, Requests>
  stop(): Promise<void>
}

export interface StartOptions {
  /** For its data; emptied by the caller. */
  readonly directory: string
  /** Beside what this process has in its environment. */
  readonly env: Readonly<Record<string, string>>
}

const KEYS = 10_000
const VALUE = 'v'.repeat(100)
const SILENCE_MS = 3_600_000

export async function startStub({ directory, env }: StartOptions): Promise<Target> {
  const [port = 0] = await freePorts(1)
  const args = [here('./stub-server.js'), String(port), join(directory, 'stub')]
  const peer = await startPeer(process.execPath, args, urlOf(port), '/-/ready', env)
  return { label: 'fastify + group-commit stub', ...peer, works: valueWorks('/kv/') }
}

/** @param replicas 1 without clustering, or 3 on loopback of which one is asked */
export async function startHearsay(
  { directory, env }: StartOptions,
  { label, replicas }: { readonly label: string; readonly replicas: number },
): Promise<Target> {
  const ports = await freePorts(2 * replicas)
  const gossip = ports.slice(replicas).map((port) => `127.0.0.1:${port}`)
  const peers: Peer[] = []
  const stop = async (): Promise<void> => void (await Promise.all(peers.map((peer) => peer.stop())))
  try {
    for (let self = 0; self < replicas; self++) {
      const args = [here('../cli/main.js'), 'serve', `--storage.path=${join(directory, `${label}-${self}`)}`]
      args.push(`--web.listen-address=127.0.0.1:${ports[self]}`)
      args.push(`--cluster.listen-address=${replicas === 1 ? '' : gossip[self]}`)
      for (const address of gossip.slice(0, self)) args.push(`--cluster.peer=${address}`)
      peers.push(await startPeer(process.execPath, args, urlOf(ports[self] ?? 0), '/-/ready', env))
    }
  } catch (error) {
    await stop()
    throw error
  }
  const works = new Map([...valueWorks('/api/v1/kv/bench/'), ...silenceWorks()])
  return { label, url: urlOf(ports[0] ?? 0), pid: peers[0]?.pid ?? 0, works, stop }
}

/** Durable like the others: etcd syncs its log before it answers. */
export async function startEtcd({ directory, env }: StartOptions): Promise<Target> {
  const [client = 0, between = 0] = await freePorts(2)
  const args = ['--name=bench', `--data-dir=${join(directory, 'etcd')}`, '--log-level=error']
  args.push(`--listen-client-urls=${urlOf(client)}`, `--advertise-client-urls=${urlOf(client)}`)
  args.push(`--listen-peer-urls=${urlOf(between)}`, `--initial-advertise-peer-urls=${urlOf(between)}`)
  args.push(`--initial-cluster=bench=${urlOf(between)}`)
  const peer = await startPeer('etcd', args, urlOf(client), '/health', env)
  const keys = names().map((name) => Buffer.from(name).toString('base64'))
  const value = Buffer.from(VALUE).toString('base64')
  const post = (path: string, body: (key: string) => object): Requests => ({
    method: 'POST',
    contentType: 'application/json',
    list: keys.map((key) => ({ path, body: JSON.stringify(body(key)) })),
  })
  const works = new Map<Work, Requests>([
    ['PUT', post('/v3/kv/put', (key) => ({ key, value }))],
    ['GET', post('/v3/kv/range', (key) => ({ key }))],
  ])
  return { label: 'etcd, HTTP gateway', ...peer, works }
}

/** Not durable: it answers before anything is on disk. */
export async function startAlertmanager({ directory, env }: StartOptions): Promise<Target> {
  const [port = 0] = await freePorts(1)
  const storage = join(directory, 'alertmanager')
  mkdirSync(storage, { recursive: true })
  const config = join(storage, 'alertmanager.yml')
  writeFileSync(config, 'route:\n  receiver: none\nreceivers:\n  - name: none\n')
  const args = [`--config.file=${config}`, `--storage.path=${storage}`, '--log.level=error']
  args.push(`--web.listen-address=127.0.0.1:${port}`, '--cluster.listen-address=')
  const peer = await startPeer('prometheus-alertmanager', args, urlOf(port), '/-/ready', env)
  return { label: 'Alertmanager (not durable)', ...peer, works: silenceWorks() }
}

function valueWorks(path: string): Map<Work, Requests> {
  const paths = names().map((name) => path + name)
  return new Map<Work, Requests>([
    ['PUT', { method: 'PUT', contentType: 'text/plain', list: paths.map((path) => ({ path, body: VALUE })) }],
    ['GET', { method: 'GET', list: paths.map((path) => ({ path })) }],
  ])
}

function silenceWorks(): Map<Work, Requests> {
  const startsAt = new Date().toISOString()
  const endsAt = new Date(Date.now() + SILENCE_MS).toISOString()
  const list = names().map((value) => {
    const matchers = [{ name: 'bench', value, isRegex: false, isEqual: true }]
    const body = JSON.stringify({ matchers, startsAt, endsAt, createdBy: 'bench', comment: 'one of many' })
    return { path: '/api/v2/silences', body }
  })
  return new Map<Work, Requests>([
    ['POST silence', { method: 'POST', contentType: 'application/json', list }],
  ])
}

function names(): string[] {
  return Array.from({ length: KEYS }, (_, i) => `key-${i}`)
}

function urlOf(port: number): string {
  return `http://127.0.0.1:${port}`
}

function here(file: string): string {
  return fileURLToPath(new URL(file, import.meta.url))
}
