/**
 * Calls on the lost and on the configured peers of one simulated node, as gossip/io/reconnect-loop.ts makes them: when
 * core/reconnect.ts says so, and after a knock.
 */
import type { Random } from '../base/random.ts'
import type { Member, MemberEvent } from '../gossip/core/delegate.ts'
import type { Endpoint } from '../gossip/core/endpoint.ts'
import { Reconnect } from '../gossip/core/reconnect.ts'
import { encodeStream } from '../gossip/wire/stream.ts'
import type { NodeClock } from './node-clock.ts'
import type { ProcessGate } from './process-gate.ts'
import type { SimClock } from './sim-clock.ts'
import type { SimNetwork } from './sim-network.ts'
import { configuredPeersOf, type SimOptions } from './sim-options.ts'

const RECONNECT_TIMEOUT_MS = 6 * 3_600_000
const KNOCK_TIMEOUT_MS = 4000

export interface SimReconnectDeps {
  readonly index: number
  readonly options: SimOptions
  readonly clock: SimClock
  readonly nodeClock: NodeClock
  readonly network: SimNetwork
  readonly random: Random
  readonly gate: ProcessGate
  readonly members: () => readonly Member[]
  readonly indexOf: (endpoint: Endpoint) => number
  readonly join: (peer: number) => void
}

export class SimReconnect {
  readonly #deps: SimReconnectDeps
  readonly #reconnect: Reconnect
  #started = false
  /** Of the timer that counts; earlier ones ring in vain. */
  #armed = { atMs: Number.POSITIVE_INFINITY }

  constructor(deps: SimReconnectDeps) {
    this.#deps = deps
    const { reconnectIntervalMs } = deps.options.timing
    const options = {
      reconnectIntervalMs,
      reconnectTimeoutMs: RECONNECT_TIMEOUT_MS,
      refreshIntervalMs: reconnectIntervalMs,
    }
    this.#reconnect = new Reconnect(options, deps.random, deps.nodeClock.monotonicMs())
  }

  start(): void {
    this.#started = true
    this.#arm()
  }

  observe(event: MemberEvent): void {
    this.#reconnect.observe(this.#deps.nodeClock.monotonicMs(), event)
    this.#arm()
  }

  heardFrom(endpoint: Endpoint): void {
    if (this.#reconnect.signOfLife(this.#deps.nodeClock.monotonicMs(), endpoint)) this.#arm()
  }

  #arm(): void {
    const { clock, nodeClock, gate } = this.#deps
    const atMs = this.#reconnect.nextAt()
    if (!this.#started || atMs === this.#armed.atMs) return
    const armed = { atMs }
    this.#armed = armed
    if (atMs === Number.POSITIVE_INFINITY) return
    clock.at(Math.max(clock.nowMs, nodeClock.virtualMs(atMs)), () =>
      gate.run(() => {
        if (this.#armed !== armed) return
        this.#armed = { atMs: Number.POSITIVE_INFINITY }
        this.#round()
      }),
    )
  }

  #round(): void {
    const { nodeClock, options, index, members, indexOf, join } = this.#deps
    const { lost, refresh } = this.#reconnect.due(nodeClock.monotonicMs())
    for (const endpoint of lost) this.#call(endpoint)
    const live = new Set(
      members().flatMap((m) =>
        m.liveness === 'alive' || m.liveness === 'suspect' ? [indexOf(m.endpoint)] : [],
      ),
    )
    if (refresh) for (const peer of configuredPeersOf(options, index)) if (!live.has(peer)) join(peer)
    this.#arm()
  }

  #call(endpoint: Endpoint): void {
    const { clock, network, gate, index, indexOf, join } = this.#deps
    const peer = indexOf(endpoint)
    const knock = encodeStream({ kind: 'ping', seqNo: 1, node: '' })
    network.request(index, peer, knock, clock.nowMs + KNOCK_TIMEOUT_MS, (outcome) =>
      gate.run(() => {
        if (outcome.type === 'answer' || outcome.type === 'closed') join(peer)
        this.#reconnect.ended(endpoint)
        this.#arm()
      }),
    )
  }
}
