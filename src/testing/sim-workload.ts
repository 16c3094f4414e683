/**
 * What clients ask of a simulated cluster: a few keys and set members, many writes, so that nearly all of them meet.
 *
 * Gaps are exponential. A third of the time two or more nodes get an operation on the same target in the same instant,
 * which makes ties of time and concurrent adds and removes common instead of rare. Every value is unique and names
 * itself, so that an invented one is recognised.
 */
import { utf8Encode } from '../base/bytes.ts'
import { type Random, shuffle } from '../base/random.ts'
import type { ClientOp } from './ledger.ts'
import { exponential, randomStream } from './random-streams.ts'
import type { SimOptions } from './sim-options.ts'

/** Beyond the end of every run: nothing in it expires. */
const NEVER_MS = 4_000_000_000_000
const CONCURRENT_RATE = 0.33

export interface Request {
  readonly node: number
  readonly op: ClientOp
}

export class SimWorkload {
  readonly #options: SimOptions
  readonly #random: Random
  #values = 0

  constructor(options: SimOptions) {
    this.#options = options
    this.#random = randomStream(options.seed, 'workload')
  }

  /** Milliseconds until the next requests. */
  gapMs(): number {
    return exponential(this.#random, 1000 / this.#options.opsPerSecond)
  }

  /** @param wallMs the right time; record versions are near it */
  next(wallMs: number): readonly Request[] {
    const nodes = shuffle([...Array(this.#options.nodes).keys()], this.#random)
    const count = this.#random.next() < CONCURRENT_RATE ? 2 + this.#random.below(2) : 1
    const kind = this.#random.next()
    const target = this.#random.next()
    return nodes.slice(0, count).map((node) => ({ node, op: this.#operation(kind, target, wallMs) }))
  }

  #operation(kind: number, target: number, wallMs: number): ClientOp {
    const { keys, members, removeRate, ttlRate, ttlMaxMs } = this.#options
    const removes = this.#random.next() < removeRate
    if (kind < 0.45) {
      const cell = { map: 'm', key: `k${Math.floor(target * keys)}` }
      if (removes) return { kind: 'delete', ...cell }
      const put = { kind: 'put', ...cell, value: this.#value() } as const
      return this.#random.next() < ttlRate ? { ...put, ttlMs: 1 + this.#random.below(ttlMaxMs) } : put
    }
    if (kind < 0.9) {
      const cell = { set: 's', member: `e${Math.floor(target * members)}` }
      return { kind: removes ? 'remove' : 'add', ...cell }
    }
    // Versions in steps of 10 ms, so that equal ones with other bytes occur.
    const versionNs = BigInt(Math.floor(wallMs / 10)) * 10_000_000n
    const record = { versionNs, bytes: this.#value().bytes, expiresAtMs: NEVER_MS }
    return { kind: 'record', table: 't', key: `r${Math.floor(target * keys)}`, record }
  }

  #value(): { readonly contentType: string; readonly bytes: Uint8Array } {
    const text = `v${this.#values++};`
    const length = this.#random.below(this.#options.valueBytesMax)
    return { contentType: 'text/plain', bytes: utf8Encode(text.padEnd(length, 'x')) }
  }
}
