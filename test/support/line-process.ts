/** A child process that is spoken to in lines: commands in, one JSON line out each. Killed by pid, never by name. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

export type Answer = Readonly<Record<string, unknown>>

export class LineProcess {
  readonly #child: ChildProcess
  readonly #answers: Answer[] = []
  readonly #waiting: ((answer: Answer | undefined) => void)[] = []
  readonly #gone: Promise<void>
  #errors = ''

  constructor(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    const child = spawn(process.execPath, args, {
      env: { ...process.env, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    this.#child = child
    child.stderr.on('data', (chunk: Buffer) => {
      this.#errors = (this.#errors + chunk.toString()).slice(-10_000)
    })
    // A command to a process that has just died is answered by `undefined`, not by a crash here.
    child.stdin.on('error', () => undefined)
    const lines = createInterface({ input: child.stdout })
    lines.on('line', (line) => this.#deliver(JSON.parse(line) as Answer))
    this.#gone = new Promise((resolve) => {
      child.once('close', () => {
        for (const waiter of this.#waiting.splice(0)) waiter(undefined)
        resolve()
      })
    })
  }

  /** What it wrote to stderr. */
  get errors(): string {
    return this.#errors
  }

  get exitCode(): number | null {
    return this.#child.exitCode
  }

  /** The next line it prints; undefined when it ends first. */
  next(): Promise<Answer | undefined> {
    const answer = this.#answers.shift()
    if (answer !== undefined) return Promise.resolve(answer)
    if (this.#child.exitCode !== null || this.#child.signalCode !== null)
      return this.#gone.then(() => undefined)
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  /** @throws when it ends without an answer, with what it wrote to stderr */
  async ask(command: string): Promise<Answer> {
    this.#child.stdin?.write(`${command}\n`)
    return this.expect(command)
  }

  /** As `next`, but its end is an error. */
  async expect(what: string): Promise<Answer> {
    const answer = await this.next()
    if (answer === undefined)
      throw new Error(`the process ended instead of answering ${what}:\n${this.#errors}`)
    return answer
  }

  /** `kill -9`; resolves when it is gone and everything it printed has been read. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#gone
  }

  #deliver(answer: Answer): void {
    const waiter = this.#waiting.shift()
    if (waiter === undefined) this.#answers.push(answer)
    else waiter(answer)
  }
}
