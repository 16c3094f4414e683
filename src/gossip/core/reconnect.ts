/**
 * Reconnect: not giving up on peers that vanished.
 *
 * The machine forgets a dead member after half a minute, as memberlist does, and two halves of a healed partition would
 * then never meet again. So we keep the addresses of the dead and call on them, and we look up the configured peers again
 * and again, because a scheduler may have moved them (what Alertmanager does: alertmanager-state.md section 1.6).
 *
 * Numbers: every 10 s for each of the dead, for 6 h; the configured names every 15 s. Both intervals are stretched or
 * shrunk by up to a tenth at random, so that a cluster that failed together does not call together. At most 16 of the
 * dead are called on in one round, chosen at random, and at most 10,000 are remembered.
 *
 * Data only: the driver asks `nextAt`, calls `due` and does the dialling. Members that left on purpose are not called.
 */
import { type Random, shuffle } from '../../base/random.ts'
import type { MemberEvent } from './delegate.ts'
import { type Endpoint, endpointKey } from './endpoint.ts'

const JITTER = 0.1
const CALLS_PER_ROUND_MAX = 16
const REMEMBERED_MAX = 10_000

export interface ReconnectOptions {
  /** Between calls on the dead; 0 turns them off. */
  readonly reconnectIntervalMs: number
  /** A member dead for longer is forgotten. */
  readonly reconnectTimeoutMs: number
  /** Between look-ups of the configured peers; 0 turns them off. */
  readonly refreshIntervalMs: number
}

export interface ReconnectRound {
  /** Where the dead used to listen, to be joined again. */
  readonly dead: readonly Endpoint[]
  /** Whether to look the configured peers up and join those that are no members. */
  readonly refresh: boolean
}

export class Reconnect {
  readonly #options: ReconnectOptions
  readonly #random: Random
  readonly #deadByName = new Map<string, { readonly endpoint: Endpoint; readonly sinceMs: number }>()
  #reconnectAt: number
  #refreshAt: number

  constructor(options: ReconnectOptions, random: Random, nowMs: number) {
    this.#options = options
    this.#random = random
    this.#reconnectAt = this.#next(nowMs, options.reconnectIntervalMs)
    this.#refreshAt = this.#next(nowMs, options.refreshIntervalMs)
  }

  #next(nowMs: number, intervalMs: number): number {
    if (intervalMs === 0) return Number.POSITIVE_INFINITY
    return nowMs + intervalMs * (1 - JITTER + 2 * JITTER * this.#random.next())
  }

  /** Members that are remembered as dead. */
  get deadCount(): number {
    return this.#deadByName.size
  }

  observe(nowMs: number, event: MemberEvent): void {
    const { member } = event
    if (member.isSelf) return
    if (event.type === 'join' || event.type === 'update') this.#forget(member.name, member.endpoint)
    if (event.type !== 'leave') return
    this.#deadByName.delete(member.name)
    if (member.liveness !== 'dead') return
    const [oldest] = this.#deadByName.keys()
    if (this.#deadByName.size >= REMEMBERED_MAX && oldest !== undefined) this.#deadByName.delete(oldest)
    this.#deadByName.set(member.name, { endpoint: member.endpoint, sinceMs: nowMs })
  }

  /** A restarted process often comes back under a new name at the old address: that answers for the old name too. */
  #forget(name: string, endpoint: Endpoint): void {
    this.#deadByName.delete(name)
    const key = endpointKey(endpoint)
    for (const [deadName, dead] of this.#deadByName) {
      if (endpointKey(dead.endpoint) === key) this.#deadByName.delete(deadName)
    }
  }

  /** Monotonic time of the next round; infinite when both loops are off. */
  nextAt(): number {
    return Math.min(this.#reconnectAt, this.#refreshAt)
  }

  due(nowMs: number): ReconnectRound {
    const refresh = nowMs >= this.#refreshAt
    if (refresh) this.#refreshAt = this.#next(nowMs, this.#options.refreshIntervalMs)
    if (nowMs < this.#reconnectAt) return { dead: [], refresh }
    this.#reconnectAt = this.#next(nowMs, this.#options.reconnectIntervalMs)
    for (const [name, { sinceMs }] of this.#deadByName) {
      if (nowMs - sinceMs > this.#options.reconnectTimeoutMs) this.#deadByName.delete(name)
    }
    const dead = [...this.#deadByName.values()].map(({ endpoint }) => endpoint)
    return { dead: shuffle(dead, this.#random).slice(0, CALLS_PER_ROUND_MAX), refresh }
  }
}
