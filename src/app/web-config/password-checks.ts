/**
 * Checks passwords against bcrypt hashes on a thread of their own, one after the other: a check takes 75 ms of a core at a
 * cost of 10, in which a main loop would answer no probe and no request.
 *
 * Who waits is bounded, 64 in all and 4 a lane, and lanes take turns, so that one who guesses makes others wait for one of
 * his checks at most. When all places are taken, the longest lane gives one up to a shorter. What gets no answer (no place,
 * the thread died or hangs) is `undefined`, never a yes; the thread is made anew for the next check.
 */
import { createRequire } from 'node:module'
import { Worker } from 'node:worker_threads'
import { PASSWORD_WORKER_TEXT } from './password-worker-text.ts'

export const WAITING_MAX = 64
export const WAITING_IN_LANE_MAX = 4
/** Ten times the costliest check that is let in. */
const CHECK_TIMEOUT_MS = 30_000
const HEAP_MB_MAX = 32

interface Check {
  readonly password: string
  readonly hash: string
  readonly answer: (isRight: boolean | undefined) => void
}

export class PasswordChecks {
  /** Lanes in the order of their turns; none is empty. */
  readonly #lanes = new Map<string, Check[]>()
  readonly #program: string
  #waiting = 0
  #running: { readonly check: Check; readonly timer: NodeJS.Timeout } | undefined
  #worker: Worker | undefined
  #isClosed = false

  /** @param program of the thread; tests have others */
  constructor(program: string = PASSWORD_WORKER_TEXT) {
    this.#program = program
  }

  /** Checks that wait for their turn. */
  get waiting(): number {
    return this.#waiting
  }

  /** @returns undefined when there is no answer to be had just now */
  check(password: string, hash: string, lane: string): Promise<boolean | undefined> {
    if (this.#isClosed || !this.#hasPlaceIn(lane)) return Promise.resolve(undefined)
    return new Promise((answer) => {
      const checks = this.#lanes.get(lane) ?? []
      if (checks.length === 0) this.#lanes.set(lane, checks)
      checks.push({ password, hash, answer })
      this.#waiting += 1
      this.#next()
    })
  }

  /** Ends the thread; what waits gets no answer. */
  async close(): Promise<void> {
    this.#isClosed = true
    for (const check of [...this.#lanes.values()].flat()) check.answer(undefined)
    this.#lanes.clear()
    this.#waiting = 0
    const worker = this.#worker
    this.#lose()
    await worker?.terminate()
  }

  #hasPlaceIn(lane: string): boolean {
    const own = this.#lanes.get(lane)?.length ?? 0
    if (own >= WAITING_IN_LANE_MAX) return false
    if (this.#waiting < WAITING_MAX) return true
    const longest = [...this.#lanes.values()].reduce((a, b) => (b.length > a.length ? b : a), [])
    if (longest.length <= own + 1) return false
    longest.pop()?.answer(undefined)
    this.#waiting -= 1
    return true
  }

  #next(): void {
    const [lane, checks] = this.#lanes.entries().next().value ?? []
    if (this.#running !== undefined || lane === undefined) return
    const check = checks?.shift()
    this.#lanes.delete(lane)
    if (checks !== undefined && checks.length > 0) this.#lanes.set(lane, checks)
    if (check === undefined) return
    this.#waiting -= 1
    const timer = setTimeout(() => void this.#lose()?.terminate(), CHECK_TIMEOUT_MS).unref()
    this.#running = { check, timer }
    this.#thread().postMessage([check.password, check.hash])
  }

  #finish(isRight: boolean | undefined): void {
    const running = this.#running
    this.#running = undefined
    clearTimeout(running?.timer)
    running?.check.answer(isRight)
    this.#next()
  }

  #thread(): Worker {
    if (this.#worker !== undefined) return this.#worker
    const bcrypt = createRequire(import.meta.url).resolve('bcryptjs')
    const worker = new Worker(this.#program, {
      eval: true,
      name: 'passwords',
      workerData: { bcrypt },
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB_MAX },
    })
    worker.unref()
    worker.on('message', (isRight: unknown) => {
      if (worker === this.#worker) this.#finish(isRight === true)
    })
    const isGone = (): void => {
      if (worker === this.#worker) this.#lose()
    }
    // An error is followed by an exit, but must have a listener of its own.
    worker.on('error', isGone)
    worker.on('exit', isGone)
    this.#worker = worker
    return worker
  }

  /** @returns the thread, which is no longer ours */
  #lose(): Worker | undefined {
    const worker = this.#worker
    this.#worker = undefined
    this.#finish(undefined)
    return worker
  }
}
