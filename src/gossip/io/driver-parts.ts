/** What a running driver consists of, and how it is put together once the port is known. */
import { networkInterfaces } from 'node:os'
import { type GossipConfig, lanDefaults } from '../core/config.ts'
import type { GossipDelegate, Member } from '../core/delegate.ts'
import type { Effect, EffectSink } from '../core/effects.ts'
import type { Endpoint } from '../core/endpoint.ts'
import { GossipMachine, type MachineDeps } from '../core/machine.ts'
import type { PacketMessage, StreamMessage } from '../core/messages.ts'
import { Reconnect } from '../core/reconnect.ts'
import { BLOCK_OVERHEAD_BYTES } from '../wire/encrypted-block.ts'
import { labelHeader } from '../wire/label.ts'
import { encodeMessage } from '../wire/message-codec.ts'
import { advertiseEndpoint } from './advertise-address.ts'
import type { Alarms } from './alarms.ts'
import { allowedNetworks } from './allowed-networks.ts'
import { Arena } from './arena.ts'
import type { Counters } from './counters.ts'
import { cryptoRandom } from './crypto-random.ts'
import type { Framing } from './framing.ts'
import type { DriverLimits, GossipDeps, GossipOptions } from './gossip.ts'
import { Joiner } from './joiner.ts'
import { Knock } from './knock.ts'
import { MachinePump } from './machine-pump.ts'
import { memberAddressTest } from './member-addresses.ts'
import { NameClaim, type NameClaimDeps } from './name-claim.ts'
import { ownAddressTest } from './own-address.ts'
import { systemLookup } from './peer-addresses.ts'
import { systemServiceLookup } from './peer-names.ts'
import { PushPullExchange } from './push-pull-exchange.ts'
import { ReconnectLoop } from './reconnect-loop.ts'
import { StreamClient } from './stream-client.ts'
import { StreamMemory } from './stream-memory.ts'
import { StreamOutbox } from './stream-outbox.ts'
import { StreamServer } from './stream-server.ts'
import type { Transport } from './transport.ts'
import { Turns } from './turns.ts'
import { UnjoinedPeers } from './unjoined-peers.ts'

export interface DriverParts {
  readonly transport: Transport
  readonly advertise: Endpoint
  readonly pump: MachinePump
  readonly client: StreamClient
  readonly server: StreamServer
  readonly memory: StreamMemory
  readonly answerMemory: StreamMemory
  readonly outbox: StreamOutbox
  readonly exchange: PushPullExchange
  readonly joiner: Joiner
  readonly reconnect: Reconnect
  readonly reconnectLoop: ReconnectLoop
  readonly unjoined: UnjoinedPeers
}

export interface DriverContext {
  readonly options: GossipOptions
  readonly limits: DriverLimits
  readonly framing: Framing
  readonly delegate: GossipDelegate
  readonly deps: GossipDeps
  readonly counters: Counters
  readonly alarms: Alarms
}

/** What the parts ask of the driver. */
export interface DriverHooks {
  carryOut(effect: Effect): void
  request(message: StreamMessage, from: Endpoint, reply: (message: StreamMessage) => void): void
  /** Answers with undefined on success, else with the reason. */
  joinOne(endpoint: Endpoint): Promise<string | undefined>
  /** One datagram with one message. */
  tell(to: Endpoint, message: PacketMessage): void
  isRunning(): boolean
  /** False from our leave on: nobody is called any more. */
  isWanted(): boolean
}

function machineConfig(options: GossipOptions, advertise: Endpoint): GossipConfig {
  const { name, meta, classify } = options
  const merged = { ...lanDefaults(), ...options.config }
  const labelBytes = labelHeader(options.label ?? '').length
  const blockBytes = options.keyring === undefined ? 0 : BLOCK_OVERHEAD_BYTES
  const packetBytesMax = merged.packetBytesMax - labelBytes - blockBytes
  return { ...merged, packetBytesMax, name, advertise, meta, classify }
}

/** What the machine itself asks of the delegate. */
function askedDelegate(
  delegate: GossipDelegate,
): Pick<MachineDeps, 'ackPayload' | 'coalesce' | 'admitsMember' | 'admitsMerge'> {
  const { coalesce, admitsMember, admitsMerge } = delegate
  return {
    ackPayload: (peer) => delegate.ackPayload(peer),
    ...(coalesce && { coalesce: coalesce.bind(delegate) }),
    ...(admitsMember && { admitsMember: admitsMember.bind(delegate) }),
    ...(admitsMerge && { admitsMerge: admitsMerge.bind(delegate) }),
  }
}

/** @throws HearsayError as `allowedNetworks` */
function makeMachine(
  { options, delegate, deps: { clock, random } }: DriverContext,
  config: GossipConfig,
  isOwn: (endpoint: Endpoint) => boolean,
  sink: EffectSink,
): GossipMachine {
  const { incarnation = 0 } = options
  const allowsAddress = allowedNetworks(options.allowedNetworks ?? [])
  const asked = { ...askedDelegate(delegate), ...(allowsAddress && { allowsAddress }) }
  const encoder = { encode: encodeMessage }
  return new GossipMachine(
    { config, random, sequenceRandom: cryptoRandom(), encoder, sink, incarnation, isOwn, ...asked },
    clock.monotonicMs(),
  )
}

/** What whoever calls on others by himself needs. */
function callsOf(
  { limits, deps: { clock }, alarms, counters: { events } }: DriverContext,
  hooks: DriverHooks,
  client: StreamClient,
): Omit<NameClaimDeps, 'name' | 'advertise' | 'tell' | 'namesakeAnswers'> {
  const knock = new Knock({ clock, client, tcpTimeoutMs: limits.tcpTimeoutMs })
  const exchange = (endpoint: Endpoint): Promise<string | undefined> => hooks.joinOne(endpoint)
  return { clock, alarms, events, knock, exchange, isWanted: () => hooks.isWanted() }
}

function streamParts(
  { limits, framing, deps: { clock }, counters, alarms }: DriverContext,
  hooks: DriverHooks,
  transport: Transport,
  members: () => readonly Member[],
): Pick<DriverParts, 'client' | 'server' | 'memory' | 'answerMemory'> {
  const timeoutMs = limits.tcpTimeoutMs
  const { streamMemoryBytesMax: bytesMax, answerMemoryBytesMax } = limits
  const memory = new StreamMemory(clock, alarms, { bytesMax, timeoutMs, arena: new Arena(bytesMax) })
  const answerMemory = new StreamMemory(clock, alarms, { bytesMax: answerMemoryBytesMax, timeoutMs })
  const turns = new Turns()
  const client = new StreamClient(transport, alarms, counters, framing, memory, turns)
  const isMemberAddress = memberAddressTest(clock, members)
  const options = { ...limits, ...framing }
  const serving = { clock, alarms, counters, options, turns, memory, answerMemory, isMemberAddress }
  return { client, server: new StreamServer({ ...serving, requests: hooks }), memory, answerMemory }
}

/**
 * @param bound where `transport` listens
 * @throws HearsayError as `advertiseEndpoint` and `allowedNetworks`
 */
export function assembleParts(
  context: DriverContext,
  hooks: DriverHooks,
  transport: Transport,
  bound: Endpoint,
): DriverParts {
  const { options, limits, delegate, deps, counters, alarms } = context
  const { clock, random, lookup = systemLookup, lookupService = systemServiceLookup } = deps
  const interfaces = networkInterfaces()
  const advertise = advertiseEndpoint(bound, options.advertise, interfaces)
  const isOwn = ownAddressTest(bound, advertise, interfaces)
  const nowMs = (): number => clock.monotonicMs()
  const pump = new MachinePump(
    clock,
    alarms,
    (sink) => makeMachine(context, machineConfig(options, advertise), isOwn, sink),
    (effect) => hooks.carryOut(effect),
  )
  const members = (): readonly Member[] => pump.machine.members()
  const { client, server, memory, answerMemory } = streamParts(context, hooks, transport, members)
  const outbox = new StreamOutbox(clock, client, counters, limits, (to, reached) => {
    if (!hooks.isRunning()) return
    pump.machine.streamDone(nowMs(), to, reached)
    pump.settle()
  })
  const calls = callsOf(context, hooks, client)
  const tell = (to: Endpoint, message: PacketMessage): void => hooks.tell(to, message)
  const namesakeAnswers = (at: Endpoint): boolean => pump.machine.namesakeAnswers(at)
  const nameClaim = new NameClaim({ ...calls, name: options.name, advertise, tell, namesakeAnswers })
  const exchange = new PushPullExchange({
    selfName: options.name,
    classify: options.classify,
    machine: pump.machine,
    delegate,
    client,
    nowMs,
    tcpTimeoutMs: limits.tcpTimeoutMs,
    isRunning: () => hooks.isRunning(),
    isMember: () => hooks.isWanted(),
    answered: (peer, nodes) => nameClaim.answered(peer, nodes),
    merged: () => pump.settle(),
  })
  const unjoined = new UnjoinedPeers(clock, deps.log, calls.isWanted)
  const joiner = new Joiner({
    ...limits,
    lookup,
    lookupService,
    ownPort: advertise.port,
    isOwn,
    exchange: calls.exchange,
    unjoined,
  })
  const reconnect = new Reconnect(limits, random, nowMs(), options.remembered)
  const loop = { reconnect, joiner, unjoined, peers: options.peers ?? [], members, isOwn }
  const reconnectLoop = new ReconnectLoop({ ...calls, ...loop })
  return {
    transport,
    advertise,
    pump,
    client,
    server,
    memory,
    answerMemory,
    outbox,
    exchange,
    joiner,
    reconnect,
    reconnectLoop,
    unjoined,
  }
}
