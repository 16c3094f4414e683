/**
 * One replica of `hearsay dev` as a child process: started in a process group of its own, so that Ctrl-C reaches only
 * the parent, and with an IPC channel, so that it stops when the parent is gone. Its log lines pass with its name.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { DevReplica } from './dev-plan.ts'

export interface DevExit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export class DevProcess {
  readonly replica: DevReplica
  readonly exited: Promise<DevExit>
  readonly #child: ChildProcess
  #isRunning = true

  /**
   * @param entry path of the program (main.js)
   * @param environment of the child
   * @param onLine gets each line that the replica writes on stderr
   */
  constructor(
    replica: DevReplica,
    entry: string,
    environment: NodeJS.ProcessEnv,
    onLine: (line: string) => void,
  ) {
    this.replica = replica
    this.#child = spawn(process.execPath, [entry, ...replica.serveArguments], {
      detached: true,
      env: environment,
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    if (this.#child.stderr) createInterface({ input: this.#child.stderr }).on('line', onLine)
    this.exited = new Promise((resolve) => {
      this.#child.once('close', (code, signal) => {
        this.#isRunning = false
        resolve({ code, signal })
      })
      this.#child.once('error', () => resolve({ code: 1, signal: null }))
    })
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  get isRunning(): boolean {
    return this.#isRunning
  }

  kill(signal: 'SIGTERM' | 'SIGKILL'): void {
    if (this.#isRunning) this.#child.kill(signal)
  }

  /** One question, answered within a second or taken as no. */
  async isReady(): Promise<boolean> {
    try {
      const response = await fetch(`${this.replica.url}/-/ready`, { signal: AbortSignal.timeout(1000) })
      await response.arrayBuffer()
      return response.ok
    } catch {
      return false
    }
  }
}
