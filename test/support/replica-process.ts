/**
 * A real `hearsay serve` process for tests from outside: started from dist/, watched until it is ready, killed by pid.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { childEnvironment } from './child-environment.ts'
import { MAIN } from './dist.ts'
import { freePort } from './free-port.ts'
import type { NetHost } from './net-namespaces.ts'

const READY_TIMEOUT_MS = 30_000
const HTTP_PORT = 9093
const GOSSIP_PORT = 9094

export interface ReplicaOptions {
  readonly storagePath: string
  readonly peers?: readonly string[]
  readonly httpPort?: number
  /** False: `--cluster.listen-address=`, no clustering. */
  readonly clustered?: boolean
  readonly gossipPort?: number
  readonly flags?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Where to run it, on the default ports, open to the host's networks. Default: this machine's loopback. */
  readonly host?: NetHost
  /** False: resolve as soon as it is healthy, not ready. */
  readonly awaitReady?: boolean
}

export class ReplicaProcess {
  readonly url: string
  readonly gossipAddress: string
  readonly #child: ChildProcess
  #output = ''

  private constructor(child: ChildProcess, url: string, gossipAddress: string) {
    this.#child = child
    this.url = url
    this.gossipAddress = gossipAddress
    const keep = (chunk: Buffer): void => {
      this.#output = (this.#output + chunk.toString()).slice(-200_000)
    }
    child.stdout?.on('data', keep)
    child.stderr?.on('data', keep)
  }

  /** @throws with its output when it exits or is not ready in 30 s */
  static async start(options: ReplicaOptions): Promise<ReplicaProcess> {
    const replica = await ReplicaProcess.launch(options)
    await replica.#answering(options.awaitReady === false ? '/-/healthy' : '/-/ready')
    return replica
  }

  /** As `start`, without waiting for an answer. */
  static async launch(options: ReplicaOptions): Promise<ReplicaProcess> {
    const { host } = options
    const httpPort = options.httpPort ?? (host === undefined ? await freePort() : HTTP_PORT)
    const gossipPort = options.gossipPort ?? (host === undefined ? await freePort() : GOSSIP_PORT)
    const httpAddress = `${host?.managementAddress ?? '127.0.0.1'}:${httpPort}`
    const gossipAddress = `${host?.clusterAddress ?? '127.0.0.1'}:${gossipPort}`
    const hasKeys = options.flags?.some((flag) => flag.startsWith('--cluster.key-file=')) === true
    const args = [
      MAIN,
      'serve',
      `--storage.path=${options.storagePath}`,
      `--web.listen-address=${httpAddress}`,
      `--cluster.listen-address=${options.clustered === false ? '' : gossipAddress}`,
      ...(host === undefined ? [] : ['--web.allow-anonymous']),
      ...(host === undefined || hasKeys ? [] : ['--cluster.allow-plaintext']),
      ...(options.peers ?? []).map((peer) => `--cluster.peer=${peer}`),
      ...(options.flags ?? []),
    ]
    const [program = '', ...rest] = [...(host?.prefix ?? []), process.execPath, ...args]
    const child = spawn(program, rest, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: childEnvironment(options.env),
    })
    return new ReplicaProcess(child, `http://${httpAddress}`, gossipAddress)
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** Whether it has not ended, by a signal or by itself. */
  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** The end of what it printed, both streams. */
  get output(): string {
    return this.#output
  }

  async #answering(path: string): Promise<void> {
    const deadline = performance.now() + READY_TIMEOUT_MS
    for (;;) {
      if (!this.isRunning || performance.now() > deadline) {
        await this.kill()
        throw new Error(`replica at ${this.url} never answered ${path}:\n${this.#output}`)
      }
      const status = await fetch(this.url + path).then(
        (response) => response.status,
        () => 0,
      )
      if (status === 200) return
      await new Promise((resolve) => setTimeout(resolve, 15))
    }
  }

  /** `kill -9`; resolves when the process is gone. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  /** SIGTERM: the graceful way; resolves with the exit code. */
  async stop(): Promise<number | null> {
    await this.#end('SIGTERM')
    return this.#child.exitCode
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    if (!this.isRunning) return
    const gone = new Promise<void>((resolve) => this.#child.once('exit', () => resolve()))
    this.#child.kill(signal)
    await gone
  }
}
