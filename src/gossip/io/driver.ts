/**
 * The driver: gives the gossip machine its sockets, its clock and its one timer.
 *
 * A shell around the machine that decides nothing about membership. Whatever comes in (a datagram, the end of a
 * stream, a call from the application, the timer) goes into the machine; whatever the machine wants done is carried
 * out in order, after the call, never inside it (machine-pump.ts).
 *
 * Failures come in three kinds. Peers that misbehave are counted. The host refusing a port is a HearsayError of
 * `start`. A broken rule of our own, or a delegate that throws, is not caught and ends the process.
 */
import { assert, unreachable } from '../../base/assert.ts'
import { HearsayError } from '../../base/errors.ts'
import type { Broadcast, GossipDelegate, Member } from '../core/delegate.ts'
import type { Effect } from '../core/effects.ts'
import { type Endpoint, endpointKey } from '../core/endpoint.ts'
import type { StreamMessage } from '../core/messages.ts'
import type { NameConflict } from '../core/name-conflicts.ts'
import type { PeerPaths } from '../core/path-watch.ts'
import type { KnownPeer } from '../core/reconnect.ts'
import { encodeMessage } from '../wire/message-codec.ts'
import { Alarms } from './alarms.ts'
import { Counters } from './counters.ts'
import { assembleParts, type DriverContext, type DriverHooks, type DriverParts } from './driver-parts.ts'
import { driverStats, peerTroubles } from './driver-stats.ts'
import { endpointToText } from './endpoint-text.ts'
import { framingOf } from './framing.ts'
import {
  driverDefaults,
  type Gossip,
  type GossipDeps,
  type GossipOptions,
  type GossipStats,
  type JoinResult,
  type PeerTroubles,
} from './gossip.ts'
import { knockAnswer } from './knock.ts'
import { limitedLog } from './limited-log.ts'
import { PacketCodec } from './packet-codec.ts'
import { parsePeerAddress, resolvePeerAddress, systemLookup } from './peer-addresses.ts'
import { tracedPushPull } from './push-pull-trace.ts'
import type { ReliableStream, StreamListener } from './transport.ts'
import { createUdpTcpTransport } from './udp-tcp-transport.ts'

class Driver implements Gossip {
  readonly name: string
  readonly #context: DriverContext
  readonly #options: GossipOptions
  readonly #delegate: GossipDelegate
  readonly #deps: GossipDeps
  readonly #counters: Counters
  readonly #alarms: Alarms
  readonly #packets: PacketCodec
  readonly #untilTold: (() => void)[] = []
  #parts: DriverParts | undefined
  #starting: Promise<void> | undefined
  #stopping: Promise<void> | undefined
  /** The direct probe under way: a packet that could not be sent to its target is told to the machine. */
  #probe: { readonly target: string; readonly seqNo: number } | undefined
  #leaving = false
  #told = false

  constructor(options: GossipOptions, delegate: GossipDelegate, deps: GossipDeps) {
    this.name = options.name
    this.#options = options
    this.#delegate = delegate
    this.#deps = { ...deps, log: limitedLog(deps.log, deps.clock) }
    this.#counters = new Counters(deps.clock, this.#deps.log)
    this.#alarms = new Alarms(deps.clock, options.unrefTimer ?? false)
    const limits = { ...driverDefaults(), ...options }
    const framing = framingOf(options)
    this.#packets = new PacketCodec(this.#counters, framing)
    this.#context = {
      options,
      limits,
      framing,
      delegate,
      deps: this.#deps,
      counters: this.#counters,
      alarms: this.#alarms,
    }
  }

  #nowMs(): number {
    return this.#deps.clock.monotonicMs()
  }

  /** The parts while running; undefined before `start` and from `stop` on. */
  #live(): DriverParts | undefined {
    return this.#stopping === undefined ? this.#parts : undefined
  }

  #require(): DriverParts {
    const parts = this.#live()
    if (parts === undefined) throw new HearsayError('GOSSIP_NOT_RUNNING', 'gossip is not running')
    return parts
  }

  // Life.

  start(): Promise<void> {
    assert(this.#starting === undefined && this.#stopping === undefined, 'gossip is started once')
    this.#starting = this.#start()
    return this.#starting
  }

  async #start(): Promise<void> {
    const { lookup = systemLookup, transport: makeTransport = createUdpTcpTransport } = this.#deps
    const listen = parsePeerAddress(this.#options.listen)
    const host = listen.host === '' ? '0.0.0.0' : listen.host
    const [address] = await resolvePeerAddress(
      { ...listen, host },
      lookup,
      this.#context.limits.resolveTimeoutMs,
    )
    assert(address !== undefined, 'a resolved address has an endpoint')
    const transport = makeTransport(address)
    let parts: DriverParts
    try {
      const bound = await transport.bind({
        packet: (bytes, from) => this.#packet(bytes, from),
        packetFailed: (to, error) => this.#packetFailed(to, error),
        accept: (stream) => this.#accept(stream),
      })
      parts = assembleParts(this.#context, this.#hooks(), transport, bound)
    } catch (error) {
      await transport.close()
      throw error
    }
    this.#parts = parts
    if (this.#live() === undefined) return
    parts.pump.machine.start(this.#nowMs())
    parts.reconnectLoop.start()
    parts.pump.settle()
  }

  #hooks(): DriverHooks {
    return {
      carryOut: (effect) => this.#carryOut(effect),
      request: (message, from, reply) => this.#request(message, from, reply),
      joinOne: (endpoint) => this.#exchange(endpoint, true),
      tell: (to, message) => {
        const parts = this.#live()
        if (parts === undefined) return
        this.#sendPacket({ type: 'packet', to, parts: [encodeMessage(message)], crc: false }, parts)
      },
      isRunning: () => this.#live() !== undefined,
      isWanted: () => !this.#leaving && this.#live() !== undefined,
    }
  }

  async leave(timeoutMs: number): Promise<void> {
    const parts = this.#live()
    if (parts === undefined || this.#told) return
    await new Promise<void>((resolve) => {
      const alarm = this.#alarms.at(this.#nowMs() + timeoutMs, resolve)
      this.#untilTold.push(() => {
        alarm.cancel()
        resolve()
      })
      if (!this.#leaving) parts.pump.machine.leave(this.#nowMs())
      this.#leaving = true
      parts.pump.settle()
    })
  }

  rejoin(): void {
    const parts = this.#live()
    if (parts === undefined || !this.#leaving) return
    this.#leaving = false
    parts.exchange.forgetAll()
    parts.pump.machine.rejoin(this.#nowMs())
    parts.pump.settle()
    this.#told = false
    parts.reconnectLoop.start()
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  async #stop(): Promise<void> {
    this.#alarms.stop()
    this.#parts?.pump.stop()
    // A start that fails has told its own caller; here it only means that there is nothing to close.
    await this.#starting?.catch(() => undefined)
    this.#parts?.pump.stop()
    this.#parts?.outbox.clear()
    await this.#parts?.transport.close()
    for (const resolve of this.#untilTold.splice(0)) resolve()
  }

  // What the application asks.

  broadcast(broadcast: Broadcast): void {
    const parts = this.#told ? undefined : this.#live()
    parts?.pump.machine.broadcast(this.#nowMs(), broadcast)
    parts?.pump.settle()
  }

  sendReliable(memberName: string, payload: Uint8Array): void {
    const parts = this.#told ? undefined : this.#live()
    parts?.pump.machine.sendReliable(this.#nowMs(), memberName, payload)
    parts?.pump.settle()
  }

  updateMeta(meta: Uint8Array): void {
    const parts = this.#live()
    parts?.pump.machine.updateMeta(this.#nowMs(), meta)
    parts?.pump.settle()
  }

  members(): readonly Member[] {
    return this.#parts?.pump.machine.members() ?? []
  }

  paths(): ReadonlyMap<string, PeerPaths> {
    return this.#parts?.pump.machine.paths(this.#nowMs()) ?? new Map()
  }

  nameConflicts(): readonly NameConflict[] {
    return this.#parts?.pump.machine.nameConflicts() ?? []
  }

  advertise(): Endpoint {
    if (this.#parts === undefined) throw new HearsayError('GOSSIP_NOT_RUNNING', 'gossip was not started')
    return this.#parts.advertise
  }

  healthScore(): number {
    return this.#parts?.pump.machine.healthScore() ?? 0
  }

  async join(addresses: readonly string[]): Promise<JoinResult> {
    return this.#require().joiner.join(addresses)
  }

  async pushPullNow(memberName?: string): Promise<boolean> {
    if (this.#live() === undefined) return false
    const others = this.members().filter((member) => !member.isSelf)
    const live = others.filter((member) => member.liveness === 'alive')
    const member =
      memberName === undefined
        ? live[live.length === 0 ? 0 : this.#deps.random.below(live.length)]
        : others.find(({ name }) => name === memberName)
    return member !== undefined && (await this.#exchange(member.endpoint, false)) === undefined
  }

  lostPeers(): readonly KnownPeer[] {
    return this.#parts?.reconnect.lost() ?? []
  }

  troubles(): PeerTroubles {
    return peerTroubles(this.#parts, this.#counters)
  }

  exchangedWith(memberName: string): boolean {
    return this.#parts?.exchange.exchangedWith(memberName) ?? false
  }

  stats(): GossipStats {
    return driverStats(this.#parts, this.#counters, this.#context.framing.encryption)
  }

  // What comes in.

  #packet(bytes: Uint8Array, from: Endpoint): void {
    const parts = this.#live()
    if (parts === undefined) return
    const messages = this.#packets.open(bytes, from)
    if (messages.length > 0) parts.reconnectLoop.heardFrom(from)
    for (const message of messages) parts.pump.machine.receive(this.#nowMs(), message, from)
    if (messages.length > 0) parts.pump.settle()
  }

  #accept(stream: ReliableStream): StreamListener {
    const parts = this.#live()
    if (parts !== undefined) return parts.server.accept(stream)
    stream.destroy()
    return { data: () => undefined, closed: () => undefined }
  }

  #packetFailed(to: Endpoint, error: Error): void {
    const parts = this.#live()
    if (parts === undefined) return
    this.#counters.packets.add('send-failed')
    this.#deps.log.debug('packet_send_failed', { to: endpointToText(to), reason: error.message })
    if (this.#probe?.target !== endpointKey(to)) return
    parts.pump.machine.sendFailed(this.#nowMs(), this.#probe.seqNo)
    parts.pump.settle()
  }

  #request(message: StreamMessage, from: Endpoint, reply: (message: StreamMessage) => void): void {
    const parts = this.#live()
    if (parts === undefined) return
    switch (message.kind) {
      case 'push-pull':
        parts.exchange.respond(message, from, reply)
        break
      case 'ping': {
        const ack = knockAnswer(message, this.name, this.#context.delegate)
        if (ack !== undefined) reply(ack)
        break
      }
      case 'user':
        if (message.payload.length > 0) parts.pump.machine.receive(this.#nowMs(), message, from)
        break
      case 'ack':
      case 'error':
        this.#counters.drop('unasked-reply', from)
        break
      default:
        unreachable(message)
    }
    parts.pump.settle()
  }

  // What the machine wants.

  #carryOut(effect: Effect): void {
    const parts = this.#live()
    if (parts === undefined) return
    switch (effect.type) {
      case 'packet':
        this.#sendPacket(effect, parts)
        break
      case 'stream-ping':
        void this.#pingByStream(effect, parts)
        break
      case 'push-pull':
        void this.#exchange(effect.to, effect.join)
        break
      case 'stream-user':
        parts.outbox.add(effect.to, effect.payload)
        break
      case 'user-message':
        this.#delegate.userMessage(effect.payload)
        break
      case 'ack-payload':
        this.#delegate.ackReceived(effect.peer, effect.payload, effect.rttMs)
        break
      case 'member-event':
        this.#counters.memberEvents.add(effect.event.type)
        parts.reconnectLoop.observe(effect.event)
        parts.unjoined.observe(effect.event)
        if (effect.event.type === 'leave') parts.exchange.forget(effect.event.member.name)
        this.#delegate.memberEvent(effect.event)
        break
      case 'own-incarnation':
        this.#options.onIncarnation?.(effect.incarnation)
        break
      case 'left':
        this.#told = true
        for (const resolve of this.#untilTold.splice(0)) resolve()
        break
      case 'note':
        this.#counters.events.add(effect.event)
        this.#deps.log[effect.level](effect.event, effect.fields)
        break
      default:
        unreachable(effect)
    }
  }

  #sendPacket(effect: Extract<Effect, { type: 'packet' }>, parts: DriverParts): void {
    const bytes = this.#packets.seal(effect.parts, effect.crc)
    if (effect.probeSeqNo !== undefined) {
      this.#probe = { target: endpointKey(effect.to), seqNo: effect.probeSeqNo }
    }
    parts.transport.sendPacket(effect.to, bytes)
  }

  async #pingByStream(effect: Extract<Effect, { type: 'stream-ping' }>, parts: DriverParts): Promise<void> {
    const { ping, to, deadlineMs } = effect
    const outcome = await parts.client.ask(to, ping, deadlineMs)
    if (this.#live() === undefined) return
    if (outcome.type === 'failed' && outcome.wasAccepted === true) parts.reconnectLoop.surprisedBy(to)
    const reply = outcome.type === 'reply' ? outcome.message : undefined
    const acked = reply?.kind === 'ack' && reply.seqNo === ping.seqNo
    parts.pump.machine.streamPingDone(this.#nowMs(), ping.seqNo, acked)
    parts.pump.settle()
  }

  /** A push-pull, counted. @returns undefined on success, or why there was none */
  async #exchange(to: Endpoint, join: boolean): Promise<string | undefined> {
    const parts = this.#live()
    if (parts === undefined) return 'stopped'
    const startedMs = this.#nowMs()
    const reason = await tracedPushPull(to, join, () => parts.exchange.initiate(to, join))
    this.#counters.exchanged(startedMs, reason === undefined)
    if (reason !== undefined) this.#deps.log.debug('push_pull_failed', { to: endpointToText(to), reason })
    return reason
  }
}

/** Nothing is opened before `start`. */
export function createGossip(options: GossipOptions, delegate: GossipDelegate, deps: GossipDeps): Gossip {
  return new Driver(options, delegate, deps)
}
