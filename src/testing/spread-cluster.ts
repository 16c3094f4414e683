/**
 * A cluster for measuring how one update spreads: many gossip machines, a network of fixed latency and loss, nothing else.
 *
 * The machines are the production ones and know each other from the start. There is no store and no wire: a datagram
 * carries the messages themselves, only their lengths are those of the wire, so that 1,000 members are simulated in
 * seconds. What a member hears for the first time it relays, as the replicator does. Probes run, because pending
 * messages ride along with them and because they are what a machine judges the network by.
 *
 * Rules are a switch: hearsay's own, or memberlist's (spread-memberlist.ts). Ticks of the members are not in step.
 *
 * Streams arrive always, three trips late: a connection takes one trip each way before it carries anything. Not here:
 * push-pull, members that come and go, bandwidth.
 */
import { type Random, seededRandom } from '../base/random.ts'
import { type GossipConfig, lanDefaults } from '../gossip/core/config.ts'
import type { Dissemination } from '../gossip/core/dissemination.ts'
import { EagerDissemination } from '../gossip/core/eager-dissemination.ts'
import type { Effect } from '../gossip/core/effects.ts'
import type { Endpoint } from '../gossip/core/endpoint.ts'
import { GossipMachine } from '../gossip/core/machine.ts'
import type { NodeRecord, PacketMessage } from '../gossip/core/messages.ts'
import { classifyMeta, nativeMeta } from '../gossip/core/native-meta.ts'
import { encodeMessage } from '../gossip/wire/message-codec.ts'
import { randomStream } from './random-streams.ts'
import { SimClock } from './sim-clock.ts'
import { MemberlistDissemination } from './spread-memberlist.ts'

export type SpreadRules = 'hearsay' | 'memberlist'

export interface SpreadOptions {
  readonly nodes: number
  readonly rules: SpreadRules
  /** Of a datagram, one way. */
  readonly latencyMs: number
  /** Share of datagrams that never arrive. */
  readonly lossRate: number
  readonly seed: number
  /** Default 1 s, as everywhere. Without probes (infinite) no message rides along with one. */
  readonly probeIntervalMs?: number
}

/** A copy of a user message that left. */
export interface SpreadHooks {
  /** By datagram or stream, before it may be lost. */
  sent(from: number, payload: Uint8Array): void
  /** Includes what was heard before. */
  heard(node: number, payload: Uint8Array): void
}

/** The bytes of the wire, for their length; what they say goes along instead of being decoded. */
type Encoded = Uint8Array & { readonly message?: PacketMessage }

interface SpreadNode {
  readonly machine: GossipMachine
  readonly dissemination: Dissemination
  wakesAtMs: number
}

const PORT = 9094
const STREAM_TRIPS = 3

export class SpreadCluster {
  readonly clock: SimClock = new SimClock()
  readonly #options: SpreadOptions
  readonly #hooks: SpreadHooks
  readonly #network: Random
  readonly #nodes: SpreadNode[] = []
  readonly #effects: Effect[] = []
  #introducing = true
  #inFlight = 0
  #datagrams = 0

  constructor(options: SpreadOptions, hooks: SpreadHooks) {
    this.#options = options
    this.#hooks = hooks
    this.#network = randomStream(options.seed, 'network')
    const phases = randomStream(options.seed, 'phases')
    const records = Array.from({ length: options.nodes }, (_, index) => recordOf(index))
    for (const record of records) this.#nodes.push(this.#node(record))
    this.#nodes.forEach((node, index) => {
      node.machine.mergeNodes(0, records, true)
      this.clock.at(phases.next() * lanDefaults().gossipIntervalMs, () =>
        this.#step(index, (nowMs) => node.machine.start(nowMs)),
      )
    })
    this.#effects.length = 0
    this.clock.runUntil(lanDefaults().gossipIntervalMs)
    this.#introducing = false
  }

  /** Datagrams sent so far, of any kind. */
  get datagrams(): number {
    return this.#datagrams
  }

  /** Whether nobody has anything left to tell and nothing is under way but probes. */
  get isIdle(): boolean {
    if (this.#inFlight > 0) return false
    return this.#nodes.every(({ dissemination }) => {
      const { membership, user } = dissemination.queues
      return membership.size === 0 && user.native.size === 0
    })
  }

  say(node: number, payload: Uint8Array, isRelayed = false): void {
    this.#step(node, (nowMs, machine) => machine.broadcast(nowMs, { audience: 'native', payload, isRelayed }))
  }

  #node(record: NodeRecord): SpreadNode {
    const { seed, rules, probeIntervalMs } = this.#options
    const index = indexOf(record.endpoint)
    let dissemination: Dissemination | undefined
    const machine = new GossipMachine(
      {
        config: { ...configOf(record), ...(probeIntervalMs === undefined ? {} : { probeIntervalMs }) },
        random: seededRandom(seed * 65_537 + index),
        encoder: { encode: (message) => this.#encode(message) },
        sink: { emit: (effect) => this.#effects.push(effect) },
        dissemination: (deps) => {
          const made = rules === 'hearsay' ? new EagerDissemination(deps) : new MemberlistDissemination(deps)
          dissemination = made
          // Introducing everybody to everybody is news a million times, and none of what is measured.
          const membership: Dissemination['membership'] = (nowMs, message, notice) => {
            if (!this.#introducing) made.membership(nowMs, message, notice)
          }
          return {
            queues: made.queues,
            membership,
            tellTheDead: (message) => made.tellTheDead(message),
            user: (nowMs, broadcast) => made.user(nowMs, broadcast),
            piggyback: (bytes, parts, to) => made.piggyback(bytes, parts, to),
            probed: (lost) => made.probed(lost),
            tick: (nowMs) => made.tick(nowMs),
            flush: (nowMs) => made.flush(nowMs),
          }
        },
      },
      0,
    )
    if (dissemination === undefined) throw new Error('a machine makes its dissemination')
    return { machine, dissemination, wakesAtMs: Number.POSITIVE_INFINITY }
  }

  #encode(message: PacketMessage): Encoded {
    return Object.assign(encodeMessage(message), { message })
  }

  #step(index: number, work: (nowMs: number, machine: GossipMachine) => void): void {
    const node = this.#nodes[index]
    if (node === undefined) return
    work(this.clock.nowMs, node.machine)
    for (const effect of this.#effects.splice(0)) this.#carryOut(index, effect)
    this.#wake(index, node)
  }

  #wake(index: number, node: SpreadNode): void {
    const atMs = Math.max(this.clock.nowMs, node.machine.nextWakeAt() ?? Number.POSITIVE_INFINITY)
    if (atMs >= node.wakesAtMs) return
    node.wakesAtMs = atMs
    this.clock.at(atMs, () => {
      if (node.wakesAtMs !== atMs) return
      node.wakesAtMs = Number.POSITIVE_INFINITY
      this.#step(index, (nowMs, machine) => machine.advance(nowMs))
    })
  }

  #carryOut(from: number, effect: Effect): void {
    switch (effect.type) {
      case 'packet':
        this.#datagram(from, indexOf(effect.to), effect.parts)
        break
      case 'stream-user': {
        const to = indexOf(effect.to)
        this.#hooks.sent(from, effect.payload)
        this.#later(STREAM_TRIPS, true, () => this.#hooks.heard(to, effect.payload))
        break
      }
      case 'stream-ping':
        this.#later(STREAM_TRIPS + 1, false, () =>
          this.#step(from, (nowMs, machine) => machine.streamPingDone(nowMs, effect.ping.seqNo, true)),
        )
        break
      case 'user-message':
        this.#hooks.heard(from, effect.payload)
        break
      default:
        break
    }
  }

  #datagram(from: number, to: number, parts: readonly Encoded[]): void {
    const messages = parts.flatMap(({ message }) => message ?? [])
    this.#datagrams++
    for (const message of messages) if (message.kind === 'user') this.#hooks.sent(from, message.payload)
    if (this.#network.next() < this.#options.lossRate) return
    this.#later(1, hasUser(messages), () => {
      for (const message of messages) {
        this.#step(to, (nowMs, machine) => machine.receive(nowMs, message, endpointOf(from)))
      }
    })
  }

  /** @param isAwaited whether the cluster is not idle before it arrives */
  #later(trips: number, isAwaited: boolean, arrive: () => void): void {
    if (isAwaited) this.#inFlight++
    this.clock.after(trips * this.#options.latencyMs, () => {
      if (isAwaited) this.#inFlight--
      arrive()
    })
  }
}

function hasUser(messages: readonly PacketMessage[]): boolean {
  return messages.some(({ kind }) => kind === 'user')
}

function endpointOf(index: number): Endpoint {
  return { addr: Uint8Array.of(10, 0, index >> 8, index & 255), port: PORT }
}

function indexOf({ addr }: Endpoint): number {
  return ((addr[2] ?? 0) << 8) | (addr[3] ?? 0)
}

function recordOf(index: number): NodeRecord {
  const { vsn } = lanDefaults()
  const meta = nativeMeta()
  return { name: `node-${index}`, endpoint: endpointOf(index), meta, incarnation: 1, liveness: 'alive', vsn }
}

function configOf({ name, endpoint, meta }: NodeRecord): GossipConfig {
  return { ...lanDefaults(), name, advertise: endpoint, meta, classify: classifyMeta, pushPullIntervalMs: 0 }
}
