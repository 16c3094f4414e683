/**
 * The Go program of test/peer as a child process: built once from its sources and kept outside the repository, spoken to in
 * JSON lines. It holds any number of memberlist members, and ends when we close its stdin or die.
 *
 * The first build compiles Go's standard library as well (half a minute on a slow machine); later ones find the binary under
 * the hash of the sources.
 */
import { type ChildProcessByStdio, execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { promisify } from 'node:util'

const GO_LIBRARIES = '/usr/share/gocode'
/** A build that has taken longer was killed. */
const BUILD_MAX_MS = 170_000

/** For `requirement` of test/support. */
export const GO_INSTALL =
  'apt-get install --no-install-recommends golang-go golang-github-hashicorp-memberlist-dev'

export function goLibrariesPresent(): boolean {
  return existsSync(join(GO_LIBRARIES, 'src/github.com/hashicorp/memberlist/memberlist.go'))
}

/** Its folder is looked for upwards, since benchmarks run from a folder of compiled files. */
function sourceFolder(): string {
  for (let folder = import.meta.dirname; ; folder = dirname(folder)) {
    const sources = join(folder, 'test', 'peer')
    if (existsSync(join(sources, 'main.go'))) return sources
    if (folder === dirname(folder)) throw new Error('test/peer/main.go is nowhere above this file')
  }
}

function cacheFolder(): string {
  const wanted = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'hearsay-go-peer')
  try {
    mkdirSync(wanted, { recursive: true })
    return wanted
  } catch {
    const instead = join(tmpdir(), 'hearsay-go-peer')
    mkdirSync(instead, { recursive: true })
    return instead
  }
}

/** @returns the path of the binary; processes that ask at the same time wait for one build */
export async function buildGoProgram(): Promise<string> {
  const sources = sourceFolder()
  const hash = createHash('sha256')
  const files = readdirSync(sources).filter((name) => name.endsWith('.go'))
  for (const name of files.sort((a, b) => (a < b ? -1 : 1))) hash.update(readFileSync(join(sources, name)))
  const binary = join(cacheFolder(), hash.digest('hex').slice(0, 16))
  const lock = `${binary}.lock`
  while (!existsSync(binary)) {
    if (takeLock(lock)) {
      try {
        await compile(sources, binary)
      } finally {
        rmSync(lock, { recursive: true, force: true })
      }
    } else await new Promise((resolve) => setTimeout(resolve, 100))
  }
  return binary
}

function takeLock(lock: string): boolean {
  try {
    mkdirSync(lock)
    return true
  } catch {
    const sinceMs = statSync(lock, { throwIfNoEntry: false })?.mtimeMs
    if (sinceMs !== undefined && Date.now() - sinceMs > BUILD_MAX_MS) {
      rmSync(lock, { recursive: true, force: true })
    }
    return false
  }
}

async function compile(sources: string, binary: string): Promise<void> {
  const unfinished = `${binary}.${process.pid}`
  const env = { ...process.env, GO111MODULE: 'off', GOPATH: GO_LIBRARIES, GOFLAGS: '' }
  await promisify(execFile)('go', ['build', '-o', unfinished, '.'], {
    cwd: sources,
    env,
    timeout: BUILD_MAX_MS,
  })
  renameSync(unfinished, binary)
}

interface Waiter {
  resolve(result: unknown): void
  reject(error: Error): void
}

export class GoProgram {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>
  readonly #waiting = new Map<number, Waiter>()
  readonly #gone: Promise<void>
  #lastId = 0
  #errors = ''

  private constructor(binary: string, prefix: readonly string[]) {
    const [command = '', ...args] = [...prefix, binary]
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] })
    this.#child = child
    child.stderr.on('data', (chunk: Buffer) => {
      this.#errors = (this.#errors + chunk.toString()).slice(-20_000)
    })
    // A request to a program that has just ended is rejected below.
    child.stdin.on('error', () => undefined)
    createInterface({ input: child.stdout }).on('line', (line) => this.#deliver(line))
    this.#gone = new Promise((resolve) => {
      child.once('close', () => {
        const error = new Error(`the Go program has ended:\n${this.#errors}`)
        for (const waiter of this.#waiting.values()) waiter.reject(error)
        this.#waiting.clear()
        resolve()
      })
    })
  }

  /** @param prefix put before the command, such as to run it elsewhere; the process must keep its pid */
  static async start(prefix: readonly string[] = []): Promise<GoProgram> {
    return new GoProgram(await buildGoProgram(), prefix)
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** @throws Error with what the program answered, or with its stderr when it ended */
  ask(op: string, fields: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) {
      return Promise.reject(new Error(`the Go program has ended:\n${this.#errors}`))
    }
    const id = ++this.#lastId
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#child.stdin.write(`${JSON.stringify({ id, op, ...fields })}\n`)
    })
  }

  async end(): Promise<void> {
    this.#child.stdin.end()
    await this.#gone
  }

  /** `kill -9`. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#gone
  }

  #deliver(line: string): void {
    const { id, error, result } = JSON.parse(line) as { id: number; error?: string; result?: unknown }
    const waiter = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (error === undefined) waiter?.resolve(result)
    else waiter?.reject(new Error(error))
  }
}
