/** `examples/notifier` as a process of its own on loopback: started from an installed package, read by its lines, ended by its pid. */
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { childEnvironment } from './child-environment.ts'
import { freePort } from './free-port.ts'
import { until } from './until.ts'

export interface NotifierOptions {
  /** Where hearsay and `main.mjs` are (installed-package.ts). */
  readonly folder: string
  readonly name: string
  readonly webhook: string
  /** Gossip addresses. */
  readonly peers?: readonly string[]
  /** Further ones of the example, such as `--group-wait=1s`. */
  readonly args?: readonly string[]
}

/** A flush of a group that is over, as the notifier printed it. */
export interface PrintedFlush {
  readonly groupKey: string
  readonly outcome: string
  readonly reason: string
  /** Such as `1 silenced`; may be empty. */
  readonly detail: string
}

const FLUSH = /^\S+ (.*) (sent|skipped|failed): ([\w-]+)(?: \((.*)\))?$/gm
const START_TIMEOUT_MS = 20_000

export class NotifierProcess {
  readonly name: string
  readonly gossipAddress: string
  /** Of its HTTP interface; without a slash at the end. */
  readonly url: string
  readonly #child: ChildProcess
  #output = ''

  private constructor(name: string, child: ChildProcess, gossipAddress: string, url: string) {
    this.name = name
    this.gossipAddress = gossipAddress
    this.url = url
    this.#child = child
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk) => {
        this.#output += String(chunk)
      })
    }
  }

  /** @throws with its output when it does not say in 20 s that it takes alerts */
  static async start(options: NotifierOptions): Promise<NotifierProcess> {
    const { folder, name, webhook, peers = [], args = [] } = options
    const gossip = `127.0.0.1:${await freePort()}`
    const http = `127.0.0.1:${await freePort()}`
    const given = [`--name=${name}`, `--data=${join(folder, name)}`, `--gossip=${gossip}`, `--http=${http}`]
    const others = [`--webhook=${webhook}`, ...peers.map((peer) => `--peer=${peer}`), ...args]
    const child = spawn(process.execPath, ['main.mjs', ...given, ...others], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: childEnvironment(),
    })
    const notifier = new NotifierProcess(name, child, gossip, `http://${http}`)
    const isUp = (): boolean => notifier.output.includes(`takes alerts at ${notifier.url}`)
    await until(() => isUp() || !notifier.isRunning, START_TIMEOUT_MS).catch(() => undefined)
    if (isUp()) return notifier
    await notifier.kill()
    throw new Error(`the notifier ${name} did not start:\n${notifier.output}`)
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** All it printed, both streams. */
  get output(): string {
    return this.#output
  }

  get flushes(): readonly PrintedFlush[] {
    return [...this.#output.matchAll(FLUSH)].map(
      ([, groupKey = '', outcome = '', reason = '', detail = '']) => {
        return { groupKey, outcome, reason, detail }
      },
    )
  }

  /** Of its flushes, how many came to this; `any` reason unless said. */
  count(outcome: string, reason?: string): number {
    return this.flushes.filter((one) => {
      return one.outcome === outcome && (reason === undefined || one.reason === reason)
    }).length
  }

  /** SIGTERM. @returns the exit code */
  async stop(): Promise<number | null> {
    await this.#end('SIGTERM')
    return this.#child.exitCode
  }

  /** `kill -9`. */
  kill(): Promise<void> {
    return this.#end('SIGKILL')
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    if (!this.isRunning) return
    const gone = new Promise<void>((resolve) => this.#child.once('exit', () => resolve()))
    this.#child.kill(signal)
    await gone
  }
}
