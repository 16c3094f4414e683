/**
 * A `hearsay` command as a child process: what it printed on each stream, and how it ended. Killed by its pid when the
 * test that started it is over.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { onTestFinished } from 'vitest'
import { childEnvironment } from './child-environment.ts'
import { MAIN } from './dist.ts'
import { until } from './until.ts'

export interface CommandEnd {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** From the start, or from the last signal that was sent here. */
  readonly tookMs: number
}

export interface CommandOptions {
  /** Program and arguments instead of `node main.js`: to run it as somebody else. */
  readonly prefix?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

export class Command {
  readonly ended: Promise<CommandEnd>
  readonly #child: ChildProcess
  #sinceMs = performance.now()
  #hasEnded = false
  #stdout = ''
  #stderr = ''

  constructor(args: readonly string[], options: CommandOptions = {}) {
    const [program = '', ...rest] = [...(options.prefix ?? []), process.execPath, MAIN, ...args]
    const child = spawn(program, rest, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: childEnvironment(options.env),
    })
    this.#child = child
    child.stdout.on('data', (chunk: Buffer) => {
      this.#stdout += chunk.toString()
    })
    child.stderr.on('data', (chunk: Buffer) => {
      this.#stderr += chunk.toString()
    })
    this.ended = new Promise((resolve) => {
      child.once('close', (code, signal) => {
        this.#hasEnded = true
        resolve({ code, signal, tookMs: performance.now() - this.#sinceMs })
      })
    })
    onTestFinished(async () => {
      this.signal('SIGKILL')
      await this.ended
    })
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  get stdout(): string {
    return this.#stdout
  }

  get stderr(): string {
    return this.#stderr
  }

  signal(signal: NodeJS.Signals): void {
    this.#sinceMs = performance.now()
    if (!this.#hasEnded) this.#child.kill(signal)
  }

  /** Waits for a line on stdout. @throws when it ends without it, with what it printed */
  async shows(pattern: RegExp, timeoutMs = 30_000): Promise<RegExpExecArray> {
    await until(() => this.#hasEnded || pattern.test(this.#stdout), timeoutMs)
    const match = pattern.exec(this.#stdout)
    if (match === null) throw new Error(`ended without ${pattern}:\n${this.#stdout}\n${this.#stderr}`)
    return match
  }
}
