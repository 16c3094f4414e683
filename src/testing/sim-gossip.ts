/**
 * The driver of one simulated gossip machine: production machine and wire codec, simulated sockets and timer.
 *
 * It carries effects out as the real driver does: after the call that caused them, in order, datagrams and streams as
 * real bytes. It answers a push-pull before it merges, dials its configured peers on boot, and calls on the lost
 * (sim-reconnect.ts).
 *
 * Left out: name resolution, limits on streams, and the pacing of reliable messages.
 */
import { unreachable } from '../base/assert.ts'
import type { Random } from '../base/random.ts'
import { type GossipConfig, lanDefaults } from '../gossip/core/config.ts'
import type { Broadcast, Broadcaster, GossipDelegate, Member } from '../gossip/core/delegate.ts'
import type { Effect } from '../gossip/core/effects.ts'
import type { Endpoint } from '../gossip/core/endpoint.ts'
import { GossipMachine } from '../gossip/core/machine.ts'
import type { PingMessage, PushPullMessage, StreamMessage } from '../gossip/core/messages.ts'
import { classifyMeta, nativeMeta } from '../gossip/core/native-meta.ts'
import { encodeMessage } from '../gossip/wire/message-codec.ts'
import { openPacket, sealPacket } from '../gossip/wire/packet.ts'
import { encodeStream, StreamReader } from '../gossip/wire/stream.ts'
import { crc32 } from './crc32.ts'
import type { NodeClock } from './node-clock.ts'
import type { ProcessGate } from './process-gate.ts'
import type { SimClock } from './sim-clock.ts'
import type { SimCollaborators } from './sim-collaborators.ts'
import type { SimHost, SimNetwork } from './sim-network.ts'
import { configuredPeersOf, type GossipTiming, type SimOptions } from './sim-options.ts'
import { SimReconnect } from './sim-reconnect.ts'
import type { Trace } from './trace.ts'
import { WakeUp } from './wake-up.ts'

const PORT = 9094

export interface SimGossipDeps {
  readonly index: number
  readonly options: SimOptions
  readonly clock: SimClock
  readonly nodeClock: NodeClock
  readonly network: SimNetwork
  readonly trace: Trace
  readonly random: Random
  /** Of the numbers of pings. */
  readonly sequenceRandom: Random
  readonly gate: ProcessGate
  readonly collaborators: SimCollaborators
  /** Highest incarnation used before this boot. */
  readonly incarnation: number
  /** Hears each own incarnation before anybody else does. */
  readonly announced: (incarnation: number) => void
}

export function nodeName(index: number): string {
  return `node-${index}`
}

export class SimGossip implements Broadcaster, SimHost {
  readonly #deps: SimGossipDeps
  readonly machine: GossipMachine
  readonly #effects: Effect[] = []
  readonly #timing: GossipTiming
  readonly #reconnect: SimReconnect
  #delegate: GossipDelegate | undefined
  #left: () => void = () => {}
  readonly #forgotten: string[] = []
  #draining = false
  readonly #wakeUp: WakeUp

  constructor(deps: SimGossipDeps) {
    this.#deps = deps
    this.#wakeUp = new WakeUp(deps, () => this.#step((nowMs) => this.machine.advance(nowMs)))
    this.#timing = deps.options.timing
    this.#reconnect = new SimReconnect({
      ...deps,
      members: () => this.members(),
      indexOf,
      join: (peer) => this.#pushPull(peer, true),
    })
    this.machine = new GossipMachine(
      {
        config: machineConfig(deps.index, deps.options),
        random: deps.random,
        sequenceRandom: deps.sequenceRandom,
        encoder: { encode: encodeMessage },
        sink: { emit: (effect) => this.#effects.push(effect) },
        incarnation: deps.incarnation,
        ackPayload: (peer) => this.#delegate?.ackPayload(peer) ?? new Uint8Array(0),
      },
      deps.nodeClock.monotonicMs(),
    )
  }

  /** Announces the node and calls on its configured peers. */
  start(delegate: GossipDelegate): void {
    this.#delegate = delegate
    this.#deps.network.attach(this.#deps.index, this)
    this.#step((nowMs) => this.machine.start(nowMs))
    for (const peer of configuredPeersOf(this.#deps.options, this.#deps.index)) this.#pushPull(peer, true)
    this.#reconnect.start()
  }

  /** Says goodbye; `left` hears when enough peers were told. */
  leave(left: () => void): void {
    this.#left = left
    this.#step((nowMs) => this.machine.leave(nowMs))
  }

  /** One push-pull with a member, at once. @param ended hears whether it has answered */
  exchange(memberName: string, ended?: (answered: boolean) => void): void {
    const member = this.members().find(({ name }) => name === memberName)
    if (member !== undefined) this.#pushPull(indexOf(member.endpoint), false, ended)
    else ended?.(false)
  }

  broadcast(broadcast: Broadcast): void {
    this.#step((nowMs) => this.machine.broadcast(nowMs, broadcast))
  }

  sendReliable(memberName: string, payload: Uint8Array): void {
    this.#step((nowMs) => this.machine.sendReliable(nowMs, memberName, payload))
  }

  /** Names that were forgotten since this was asked last. */
  takeForgotten(): readonly string[] {
    return this.#forgotten.splice(0)
  }

  members(): readonly Member[] {
    return this.machine.members()
  }

  datagram(from: number, bytes: Uint8Array): void {
    this.#deps.gate.run(() => {
      const { trace, clock, index, collaborators } = this.#deps
      const { messages, drops } = openPacket(bytes, { label: '', crc32 })
      for (const reason of drops) trace.event(clock.nowMs, index, 'drop', reason)
      if (messages.length > 0) this.#reconnect.heardFrom(endpointOf(from))
      for (const message of messages) {
        const heard = collaborators.hear(message, nodeName(index), () => this.members())
        if (heard !== undefined) this.#step((nowMs) => this.machine.receive(nowMs, heard, endpointOf(from)))
      }
    })
  }

  stream(from: number, bytes: Uint8Array, close: (answer: Uint8Array | undefined) => void): void {
    this.#deps.gate.run(() => {
      const message = readStream(bytes)
      switch (message?.kind) {
        case 'ping':
          close(
            message.node === '' || message.node === nodeName(this.#deps.index) ? ackTo(message) : undefined,
          )
          break
        case 'user':
          close(undefined)
          this.#delegate?.userMessage(message.payload)
          break
        case 'push-pull':
          this.#respond(from, message, close)
          break
        default:
          close(undefined)
      }
    })
  }

  #respond(from: number, message: PushPullMessage, close: (answer: Uint8Array) => void): void {
    const { join, userState } = message
    const peer = nodeName(from)
    const exchange = { join, remoteState: userState, peer, peerClass: 'native' } as const
    close(encodeStream(this.#ourHalf(join, userState, peer)))
    this.#mergeNodes(message)
    if (userState.length > 0) this.#delegate?.mergeRemoteState(userState, exchange)
  }

  #ourHalf(join: boolean, remoteState: Uint8Array | undefined, peer: string): PushPullMessage {
    const exchange = { join, remoteState, peer, peerClass: 'native' } as const
    const userState = this.#delegate?.localState(exchange) ?? new Uint8Array(0)
    return { kind: 'push-pull', join, nodes: this.machine.nodeRecords(), userState }
  }

  #pushPull(peer: number, join: boolean, ended: (answered: boolean) => void = () => {}): void {
    const { index, network, clock } = this.#deps
    if (peer === index) return
    const request = encodeStream(this.#ourHalf(join, undefined, nodeName(peer)))
    network.request(index, peer, request, clock.nowMs + this.#timing.streamTimeoutMs, (outcome) => {
      this.#deps.gate.run(() => {
        const answer = outcome.type === 'answer' ? readStream(outcome.bytes) : undefined
        if (answer?.kind !== 'push-pull') {
          ended(false)
          return
        }
        this.#mergeNodes(answer)
        const exchange = {
          join,
          remoteState: undefined,
          peer: nodeName(peer),
          peerClass: 'native',
        } as const
        if (answer.userState.length > 0) this.#delegate?.mergeRemoteState(answer.userState, exchange)
        ended(true)
      })
    })
  }

  #mergeNodes(message: PushPullMessage): void {
    const nodes = this.#deps.collaborators.hearNodes(message.nodes, nodeName(this.#deps.index), () =>
      this.members(),
    )
    this.#step((nowMs) => this.machine.mergeNodes(nowMs, nodes, message.join))
  }

  /** One call into the machine, then everything it wants done, then the timer for what it wants later. */
  #step(call: (nowMs: number) => void): void {
    call(this.#deps.nodeClock.monotonicMs())
    if (this.#draining) return
    this.#draining = true
    for (let effect = this.#effects.shift(); effect !== undefined; effect = this.#effects.shift()) {
      this.#perform(effect)
    }
    this.#draining = false
    this.#wakeUp.set(this.machine.nextWakeAt())
  }

  #perform(effect: Effect): void {
    const { clock, network, trace, index, nodeClock } = this.#deps
    switch (effect.type) {
      case 'packet': {
        const packet = sealPacket(effect.parts, { crc: effect.crc, label: '', compress: false, crc32 })
        network.send(index, indexOf(effect.to), packet)
        return
      }
      case 'stream-ping': {
        const { ping, to } = effect
        const deadlineMs = nodeClock.virtualMs(effect.deadlineMs) - 0.001
        network.request(index, indexOf(to), encodeStream(ping), deadlineMs, (outcome) =>
          this.#deps.gate.run(() => {
            const answer = outcome.type === 'answer' ? readStream(outcome.bytes) : undefined
            const acked = answer?.kind === 'ack' && answer.seqNo === ping.seqNo
            this.#step((nowMs) => this.machine.streamPingDone(nowMs, ping.seqNo, acked))
          }),
        )
        return
      }
      case 'push-pull':
        this.#pushPull(indexOf(effect.to), effect.join)
        return
      case 'stream-user': {
        const bytes = encodeStream({ kind: 'user', payload: effect.payload })
        network.request(
          index,
          indexOf(effect.to),
          bytes,
          clock.nowMs + this.#timing.streamTimeoutMs,
          () => {},
        )
        return
      }
      case 'user-message':
        this.#delegate?.userMessage(effect.payload)
        return
      case 'ack-payload':
        this.#delegate?.ackReceived(effect.peer, effect.payload, effect.rttMs)
        return
      case 'member-event':
        trace.event(clock.nowMs, index, `member-${effect.event.type}`, effect.event.member.name)
        this.#reconnect.observe(effect.event)
        this.#delegate?.memberEvent(effect.event)
        return
      case 'own-incarnation':
        this.#deps.announced(effect.incarnation)
        return
      case 'left':
        this.#left()
        return
      case 'note':
        trace.event(clock.nowMs, index, 'note', effect.event)
        if (effect.event === 'member_reaped') this.#forgotten.push(String(effect.fields.node))
        return
      default:
        unreachable(effect)
    }
  }
}

function machineConfig(index: number, options: SimOptions): GossipConfig {
  const { gossipIntervalMs, probeIntervalMs, probeTimeoutMs, pushPullIntervalMs } = options.timing
  return {
    ...lanDefaults(),
    name: nodeName(index),
    advertise: endpointOf(index),
    meta: nativeMeta(),
    classify: classifyMeta,
    gossipIntervalMs,
    probeIntervalMs,
    probeTimeoutMs,
    pushPullIntervalMs,
    broadcastQueueBytesMax: options.queueBytesMax,
  }
}

function endpointOf(index: number): Endpoint {
  return { addr: Uint8Array.of(10, 0, index >> 8, index & 255), port: PORT }
}

function indexOf(endpoint: Endpoint): number {
  return (endpoint.addr[2] ?? 0) * 256 + (endpoint.addr[3] ?? 0)
}

function readStream(bytes: Uint8Array): StreamMessage | undefined {
  const progress = new StreamReader({ label: '' }).push(bytes)
  return progress === 'need-more' || 'drop' in progress ? undefined : progress
}

function ackTo(ping: PingMessage): Uint8Array {
  return encodeStream({ kind: 'ack', seqNo: ping.seqNo, payload: new Uint8Array(0) })
}
