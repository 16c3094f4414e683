/** One machine on fake time, with what it emitted decoded and sorted. */
import { seededRandom } from '../../../../src/base/random.ts'
import { type GossipConfig, lanDefaults } from '../../../../src/gossip/core/config.ts'
import type { Member, MemberEvent } from '../../../../src/gossip/core/delegate.ts'
import type { Effect } from '../../../../src/gossip/core/effects.ts'
import type { Endpoint } from '../../../../src/gossip/core/endpoint.ts'
import { GossipMachine, type MachineDeps } from '../../../../src/gossip/core/machine.ts'
import type { AliveMessage, NodeRecord, PacketMessage } from '../../../../src/gossip/core/messages.ts'
import type { AckPayloadSource } from '../../../../src/gossip/core/ping-answer.ts'
import { toyDecode, toyEncoder } from './toy-codec.ts'

export const NATIVE_META: Uint8Array = Uint8Array.of(0x68, 0x73)
export const VSN: Uint8Array = Uint8Array.of(1, 5, 2, 0, 0, 0)

export function endpoint(port: number): Endpoint {
  return { addr: Uint8Array.of(127, 0, 0, 1), port }
}

export function testConfig(overrides: Partial<GossipConfig> = {}): GossipConfig {
  return {
    ...lanDefaults(),
    name: 'self',
    advertise: endpoint(1000),
    meta: NATIVE_META,
    classify: (meta) => (meta.length > 0 && meta[0] === NATIVE_META[0] ? 'native' : 'foreign'),
    ...overrides,
  }
}

export function aliveOf(name: string, port: number, extra: Partial<AliveMessage> = {}): AliveMessage {
  return {
    kind: 'alive',
    incarnation: 1,
    node: name,
    endpoint: endpoint(port),
    meta: NATIVE_META,
    vsn: VSN,
    ...extra,
  }
}

export function recordOf(name: string, port: number, extra: Partial<NodeRecord> = {}): NodeRecord {
  return {
    name,
    endpoint: endpoint(port),
    meta: NATIVE_META,
    incarnation: 1,
    liveness: 'alive',
    vsn: VSN,
    ...extra,
  }
}

export interface SentPacket {
  readonly port: number
  readonly atMs: number
  readonly crc: boolean
  readonly probeSeqNo: number | undefined
  readonly bytes: number
  readonly messages: readonly PacketMessage[]
}

export type MessageOf<Kind extends PacketMessage['kind']> = Extract<PacketMessage, { kind: Kind }>

/** What an application may have a say in. */
export type MachineHooks = Pick<
  MachineDeps,
  'coalesce' | 'admitsMember' | 'admitsMerge' | 'allowsAddress' | 'isOwn'
>

export class Solo {
  readonly machine: GossipMachine
  readonly effects: Effect[] = []
  readonly packets: SentPacket[] = []
  nowMs = 0

  constructor(
    overrides: Partial<GossipConfig> = {},
    incarnation = 0,
    seed = 1,
    ackPayload: AckPayloadSource = () => new Uint8Array(0),
    hooks: MachineHooks = {},
  ) {
    const config = testConfig(overrides)
    this.machine = new GossipMachine(
      {
        config,
        random: seededRandom(seed),
        sequenceRandom: seededRandom(seed + 0x5eed),
        encoder: toyEncoder,
        sink: { emit: (effect) => this.#record(effect) },
        incarnation,
        ackPayload,
        ...hooks,
      },
      0,
    )
  }

  #record(effect: Effect): void {
    this.effects.push(effect)
    if (effect.type !== 'packet') return
    this.packets.push({
      port: effect.to.port,
      atMs: this.nowMs,
      crc: effect.crc,
      probeSeqNo: effect.probeSeqNo,
      bytes: effect.parts.reduce((sum, part) => sum + part.length + 2, 2),
      messages: effect.parts.map(toyDecode),
    })
  }

  /** Runs every deadline up to `atMs`, each at its own time. */
  advanceTo(atMs: number): this {
    for (;;) {
      const nextMs = this.machine.nextWakeAt()
      if (nextMs === undefined || nextMs > atMs) break
      this.nowMs = Math.max(this.nowMs, nextMs)
      this.machine.advance(this.nowMs)
    }
    this.nowMs = atMs
    return this
  }

  /** Runs one deadline after the other until `reached`; throws when that takes longer than a minute. */
  advanceUntil(reached: () => boolean): this {
    while (!reached()) {
      const nextMs = this.machine.nextWakeAt() ?? Number.POSITIVE_INFINITY
      if (nextMs > this.nowMs + 60_000) throw new Error('nothing of the kind happens within a minute')
      this.advanceTo(Math.max(this.nowMs, nextMs))
    }
    return this
  }

  /** Runs what is due now: the first transmission of what was just queued. */
  flush(): this {
    return this.advanceTo(this.nowMs)
  }

  receive(message: PacketMessage, fromPort = 1): this {
    this.machine.receive(this.nowMs, message, endpoint(fromPort))
    return this
  }

  /** Makes `name` an alive member. */
  peer(name: string, port: number, extra: Partial<AliveMessage> = {}): this {
    return this.receive(aliveOf(name, port, extra), port)
  }

  /** Forgets what was emitted so far. */
  forget(): this {
    this.effects.length = 0
    this.packets.length = 0
    return this
  }

  member(name: string): Member | undefined {
    return this.machine.members().find((member) => member.name === name)
  }

  liveness(name: string): string | undefined {
    return this.member(name)?.liveness
  }

  sent<Kind extends PacketMessage['kind']>(kind: Kind): MessageOf<Kind>[] {
    return this.packets
      .flatMap((packet) => packet.messages)
      .filter((message): message is MessageOf<Kind> => message.kind === kind)
  }

  portsSent(kind: PacketMessage['kind']): number[] {
    return this.packets
      .filter((packet) => packet.messages.some((message) => message.kind === kind))
      .map((packet) => packet.port)
  }

  events(type?: MemberEvent['type']): MemberEvent[] {
    return this.effects
      .flatMap((effect) => (effect.type === 'member-event' ? [effect.event] : []))
      .filter((event) => type === undefined || event.type === type)
  }

  notes(event?: string): string[] {
    return this.effects
      .flatMap((effect) => (effect.type === 'note' ? [effect.event] : []))
      .filter((name) => event === undefined || name === event)
  }

  ofType<Type extends Effect['type']>(type: Type): Extract<Effect, { type: Type }>[] {
    return this.effects.filter((effect): effect is Extract<Effect, { type: Type }> => effect.type === type)
  }
}

/** Several machines joined by a fake network of 1 ms delay. */
export class Cluster {
  readonly nodes: ClusterNode[] = []
  nowMs = 0
  /** Datagrams from one port to another that are lost. */
  udpLost: (fromPort: number, toPort: number) => boolean = () => false
  tcpLost: (fromPort: number, toPort: number) => boolean = () => false
  packetsSent = 0
  readonly #flights: { readonly atMs: number; readonly run: () => void }[] = []

  add(name: string, port: number, overrides: Partial<GossipConfig> = {}, incarnation = 0): ClusterNode {
    const node = new ClusterNode(this, name, port, overrides, incarnation)
    this.nodes.push(node)
    node.machine.start(this.nowMs)
    return node
  }

  /** A crash: nothing reaches it any more, and it does nothing. */
  kill(node: ClusterNode): void {
    this.nodes.splice(this.nodes.indexOf(node), 1)
  }

  atPort(port: number): ClusterNode | undefined {
    return this.nodes.find((node) => node.port === port)
  }

  /** What a driver does for a push-pull: the responder answers before it merges. */
  join(node: ClusterNode, toPort: number, join = true): void {
    const other = this.atPort(toPort)
    if (other === undefined || this.tcpLost(node.port, toPort)) return
    const ours = node.machine.nodeRecords()
    const theirs = other.machine.nodeRecords()
    other.machine.mergeNodes(this.nowMs, ours, join)
    node.machine.mergeNodes(this.nowMs, theirs, join)
  }

  later(delayMs: number, run: () => void): void {
    this.#flights.push({ atMs: this.nowMs + delayMs, run })
  }

  carryOut(from: ClusterNode, effect: Effect): void {
    switch (effect.type) {
      case 'packet':
        this.packetsSent++
        if (this.udpLost(from.port, effect.to.port)) return
        this.later(1, () => {
          const receiver = this.atPort(effect.to.port)
          for (const part of effect.parts) {
            receiver?.machine.receive(this.nowMs, toyDecode(part), endpoint(from.port))
          }
        })
        break
      case 'stream-ping':
        this.later(2, () => {
          const acked = this.#streams(from.port, effect.to.port)
          from.machine.streamPingDone(this.nowMs, effect.ping.seqNo, acked)
        })
        break
      case 'push-pull':
        this.later(1, () => {
          const reached = this.#streams(from.port, effect.to.port)
          from.machine.streamDone(this.nowMs, effect.to, reached)
          this.join(from, effect.to.port, effect.join)
        })
        break
      case 'stream-user':
        this.later(1, () => {
          const reached = this.#streams(from.port, effect.to.port)
          from.machine.streamDone(this.nowMs, effect.to, reached)
          if (reached) this.atPort(effect.to.port)?.streamed.push(effect.payload)
        })
        break
      default:
        from.heard.push(effect)
    }
  }

  #streams(fromPort: number, toPort: number): boolean {
    return this.atPort(toPort) !== undefined && !this.tcpLost(fromPort, toPort)
  }

  runTo(atMs: number): void {
    for (;;) {
      const deadlines = this.nodes.map((node) => node.machine.nextWakeAt() ?? Number.POSITIVE_INFINITY)
      const nextMs = Math.min(...deadlines, ...this.#flights.map((flight) => flight.atMs))
      if (nextMs > atMs) break
      this.nowMs = Math.max(this.nowMs, nextMs)
      const due = this.#flights.filter((flight) => flight.atMs <= this.nowMs)
      this.#flights.splice(
        0,
        this.#flights.length,
        ...this.#flights.filter((flight) => flight.atMs > this.nowMs),
      )
      for (const flight of due) flight.run()
      for (const node of [...this.nodes]) node.machine.advance(this.nowMs)
    }
    this.nowMs = atMs
  }

  /** Every node lists exactly these names as alive. */
  agreesOn(names: readonly string[]): boolean {
    const wanted = [...names].sort((a, b) => a.localeCompare(b)).join()
    return this.nodes.every((node) => node.alive().join() === wanted)
  }
}

export class ClusterNode {
  readonly machine: GossipMachine
  readonly heard: Effect[] = []
  readonly streamed: Uint8Array[] = []
  readonly port: number
  readonly name: string

  constructor(
    cluster: Cluster,
    name: string,
    port: number,
    overrides: Partial<GossipConfig>,
    incarnation: number,
  ) {
    this.name = name
    this.port = port
    this.machine = new GossipMachine(
      {
        config: testConfig({ name, advertise: endpoint(port), ...overrides }),
        random: seededRandom(port),
        sequenceRandom: seededRandom(port + 0x5eed),
        encoder: toyEncoder,
        sink: { emit: (effect) => cluster.carryOut(this, effect) },
        incarnation,
      },
      cluster.nowMs,
    )
  }

  alive(): string[] {
    return this.machine
      .members()
      .filter((member) => member.liveness === 'alive')
      .map((member) => member.name)
      .sort((a, b) => a.localeCompare(b))
  }

  liveness(name: string): string | undefined {
    return this.machine.members().find((member) => member.name === name)?.liveness
  }

  /** First bytes of the user messages received by packet. */
  userMessages(): number[] {
    return this.heard.flatMap((effect) => (effect.type === 'user-message' ? [effect.payload[0] ?? -1] : []))
  }

  /** Notes of this event, as `level field=value ...`. */
  noted(event: string): string[] {
    return this.heard.flatMap((effect) => {
      if (effect.type !== 'note' || effect.event !== event) return []
      const fields = Object.entries(effect.fields).map(([name, value]) => `${name}=${value}`)
      return [[effect.level, ...fields].join(' ')]
    })
  }

  events(): string[] {
    return this.heard.flatMap((effect) =>
      effect.type === 'member-event' ? [`${effect.event.type} ${effect.event.member.name}`] : [],
    )
  }
}
