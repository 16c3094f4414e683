/**
 * A real Prometheus Alertmanager as a child process on loopback, and its amtool. Started by `startAlertmanager`, stopped
 * by its pid; whatever happens, the storage goes with the test process' temporary directory.
 */
import { execFile } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './free-port.ts'
import type { NetHost } from './net-namespaces.ts'
import { commandExists, type Requirement } from './requirement.ts'
import { type ServerProcess, startServer } from './server-process.ts'

export const ALERTMANAGER: Requirement = {
  name: 'prometheus-alertmanager',
  present: commandExists('prometheus-alertmanager') && commandExists('amtool'),
  install: 'apt-get install prometheus-alertmanager',
}

export interface AlertmanagerOptions {
  /** `host:port` of cluster peers. */
  readonly peers?: readonly string[]
  /** Kept when given, for a restart; otherwise fresh and removed on stop. */
  readonly storagePath?: string
  /** Default 0: ready at once. */
  readonly settleTimeout?: string
  /** No cluster port at all. */
  readonly standalone?: boolean
  /** Default: free ones. */
  readonly httpPort?: number
  readonly clusterPort?: number
  /** Its configuration, YAML; default: one receiver that does nothing. */
  readonly config?: string
  readonly args?: readonly string[]
  /** Where to run it, on the default ports. Default: this machine's loopback. */
  readonly host?: NetHost
}

/** It logs at level debug; SIGTERM makes it leave its cluster. */
export interface Alertmanager extends ServerProcess {
  /** Without a slash at the end. */
  readonly url: string
  readonly httpPort: number
  readonly clusterPort: number
  readonly clusterAddress: string
}

const HTTP_PORT = 9093
const GOSSIP_PORT = 9094
const CONFIG = 'route: {receiver: none}\nreceivers: [{name: none}]\n'

/** @returns once its HTTP interface answers, which is after it has tried to join its peers */
export async function startAlertmanager(options: AlertmanagerOptions = {}): Promise<Alertmanager> {
  const folder = mkdtempSync(join(tmpdir(), 'hearsay-alertmanager-'))
  const configPath = join(folder, 'alertmanager.yml')
  writeFileSync(configPath, options.config ?? CONFIG)
  const { host } = options
  const httpPort = options.httpPort ?? (host === undefined ? await freePort() : HTTP_PORT)
  const clusterPort = options.clusterPort ?? (host === undefined ? await freePort() : GOSSIP_PORT)
  const httpAddress = `${host?.managementAddress ?? '127.0.0.1'}:${httpPort}`
  const clusterAddress = `${host?.clusterAddress ?? '127.0.0.1'}:${clusterPort}`
  const [command = '', ...prefixArgs] = [...(host?.prefix ?? []), 'prometheus-alertmanager']
  const process = await startServer({
    command,
    args: [
      ...prefixArgs,
      `--config.file=${configPath}`,
      `--storage.path=${options.storagePath ?? join(folder, 'data')}`,
      `--web.listen-address=${httpAddress}`,
      `--cluster.listen-address=${options.standalone === true ? '' : clusterAddress}`,
      `--cluster.settle-timeout=${options.settleTimeout ?? '0s'}`,
      '--log.level=debug',
      ...(options.peers ?? []).map((peer) => `--cluster.peer=${peer}`),
      ...(options.args ?? []),
    ],
    listeningText: 'msg="Listening on"',
    folder,
  })
  return { ...process, url: `http://${httpAddress}`, httpPort, clusterPort, clusterAddress }
}

export interface AmtoolResult {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs amtool against `url`; a failing exit is a result, not an exception. */
export function amtool(url: string, ...args: readonly string[]): Promise<AmtoolResult> {
  return new Promise((resolve) => {
    const flags = [`--alertmanager.url=${url}`, '--no-version-check']
    execFile('amtool', [...flags, ...args], { timeout: 30_000 }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : 1, stdout, stderr })
    })
  })
}
