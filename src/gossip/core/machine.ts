/**
 * The gossip machine: a memberlist peer without sockets, clock or dice.
 *
 * A driver feeds it decoded messages and the time, and carries out the effects it emits. One timer is enough: the
 * machine keeps its own deadlines and says which is the earliest.
 *
 *     receive / broadcast / merge  ->  effects, deadlines  ->  nextWakeAt()  ->  advance(now)
 *
 * This file only dispatches. Policy is in the parts: member-rules and self-rules (who is believed), probe and relay
 * (who is there), dissemination (what is told), push-pull and node-exchange (repair).
 */
import type { HistogramView } from '../../base/histogram.ts'
import type { Random } from '../../base/random.ts'
import { Admission } from './admission.ts'
import { Awareness } from './awareness.ts'
import type { PacketEncoder } from './codec.ts'
import type { GossipConfig } from './config.ts'
import type { Broadcast, GossipDelegate, Member } from './delegate.ts'
import type { Dissemination, DisseminationDeps } from './dissemination.ts'
import { EagerDissemination } from './eager-dissemination.ts'
import type { EffectSink } from './effects.ts'
import type { Endpoint } from './endpoint.ts'
import { Incarnation } from './incarnation.ts'
import { MemberRules } from './member-rules.ts'
import { isLive, type MemberRecord, Members, memberView } from './members.ts'
import type { AckMessage, AliveMessage, NodeLiveness, NodeRecord, PacketMessage } from './messages.ts'
import { type NameConflict, NameConflicts } from './name-conflicts.ts'
import { NodeExchange } from './node-exchange.ts'
import { Outbox } from './outbox.ts'
import { PathWatch, type PeerPaths } from './path-watch.ts'
import { type AckPayloadSource, PingAnswer } from './ping-answer.ts'
import { Probe } from './probe.ts'
import { PushPull } from './push-pull.ts'
import { Relay } from './relay.ts'
import { SelfRules } from './self-rules.ts'
import { Sequence } from './sequence.ts'
import { Suspicions } from './suspicions.ts'
import { Timers, type TimerTag } from './timers.ts'

/** Deadlines run in one `advance`: a driver gets its turn back even if everything is due at once. */
export const DEADLINES_PER_ADVANCE_MAX = 256

export interface MachineDeps extends Pick<GossipDelegate, 'coalesce' | 'admitsMember' | 'admitsMerge'> {
  readonly config: GossipConfig
  readonly random: Random
  /** Draws the numbers of our pings, which nobody should foretell; default `random`. */
  readonly sequenceRandom?: Random
  readonly encoder: PacketEncoder
  readonly sink: EffectSink
  /** Persisted incarnation to start above; default 0. */
  readonly incarnation?: number
  /** What acks to native members carry; default nothing. */
  readonly ackPayload?: AckPayloadSource
  /** Whether members may have this address; default any. */
  readonly allowsAddress?: (addr: Uint8Array) => boolean
  /** Whether an address is another one of ours; default any may be. */
  readonly isOwn?: (endpoint: Endpoint) => boolean
  /** Makes the part that spreads news; default EagerDissemination. For simulations of other rules. */
  readonly dissemination?: (deps: DisseminationDeps) => Dissemination
}

export interface QueueStats {
  readonly messages: number
  readonly bytes: number
  /** Dropped for the byte bound since the start. */
  readonly dropped: number
  /** When the oldest of them was given to us, monotonic ms. */
  readonly oldestAtMs: number | undefined
}

/** Numbers for metrics. */
export interface GossipStats {
  readonly healthScore: number
  readonly members: Readonly<Record<NodeLiveness, number>>
  readonly queues: Readonly<Record<'membership' | 'native' | 'foreign', QueueStats>>
  /** Round trips of probes that were answered directly. */
  readonly probeSeconds: HistogramView
}

/**
 * All `nowMs` are monotonic milliseconds. The sink must not call back into the machine: queue effects, then run them.
 * Nothing that arrives from the network makes it throw.
 */
export class GossipMachine {
  readonly #config: GossipConfig
  readonly #members: Members
  readonly #self: MemberRecord
  /** Whether our own address is within the allowed networks. */
  readonly #isListed: boolean
  readonly #conflicts: NameConflicts
  readonly #paths: PathWatch
  readonly #incarnation: Incarnation
  readonly #awareness: Awareness
  readonly #timers = new Timers()
  readonly #outbox: Outbox
  readonly #dissemination: Dissemination
  readonly #selfRules: SelfRules
  readonly #rules: MemberRules
  readonly #exchange: NodeExchange
  readonly #pingAnswer: PingAnswer
  readonly #probe: Probe
  readonly #relay: Relay
  readonly #pushPull: PushPull

  /** @throws HearsayError `GOSSIP_META_TOO_LONG` when the configured meta is above 512 bytes */
  constructor(deps: MachineDeps, nowMs: number) {
    const { config, random, encoder, sink, allowsAddress, admitsMember, admitsMerge } = deps
    const timers = this.#timers
    const members = new Members(config.classify)
    const incarnation = new Incarnation(deps.incarnation ?? 0)
    const awareness = new Awareness(config.awarenessMaxMultiplier)
    const outbox = new Outbox(encoder, sink, members)
    const spreading = { config, random, members, outbox, timers, coalesce: deps.coalesce }
    const dissemination = deps.dissemination?.(spreading) ?? new EagerDissemination(spreading)
    const { name, advertise: endpoint, meta, vsn } = config
    const first = { name, endpoint, meta, vsn, incarnation: incarnation.raise(), liveness: 'alive' } as const
    const record = members.insert(first, true, nowMs, random)
    const admission = new Admission({ members, outbox, allowsAddress, ...(admitsMember && { admitsMember }) })
    const isListed = admission.allowsEndpoint(endpoint)
    const sequence = new Sequence(deps.sequenceRandom ?? random)
    const selfAlive = (): AliveMessage | undefined =>
      isListed && !self.leaving ? self.aliveMessage() : undefined
    const memberCount = (): number => members.size
    const isOwn = deps.isOwn ?? ((): boolean => true)
    const conflicts = new NameConflicts({
      config,
      sequence,
      outbox,
      timers,
      admission,
      isOwn,
      selfAlive,
      memberCount,
    })
    const paths = new PathWatch(outbox)
    const common = { config, random, members, sequence, dissemination, outbox, timers, conflicts, paths }
    const self = new SelfRules({ ...common, record, incarnation, awareness, isListed })
    const rules = new MemberRules({ ...common, suspicions: new Suspicions(timers), self, admission })
    this.#config = config
    this.#members = members
    this.#self = record
    this.#incarnation = incarnation
    this.#awareness = awareness
    this.#outbox = outbox
    this.#dissemination = dissemination
    this.#selfRules = self
    this.#rules = rules
    this.#isListed = isListed
    this.#conflicts = conflicts
    this.#paths = paths
    this.#exchange = new NodeExchange({
      ...common,
      rules,
      selfName: name,
      isSelfListed: isListed,
      ...(admitsMerge && { admitsMerge }),
    })
    const ackPayload = deps.ackPayload ?? ((): Uint8Array => new Uint8Array(0))
    this.#pingAnswer = new PingAnswer({ ...common, ackPayload })
    this.#probe = new Probe({ ...common, awareness, rules })
    this.#relay = new Relay(common)
    this.#pushPull = new PushPull(config, random, members, outbox, timers)
  }

  /** Announces self and starts the probe, gossip and push-pull timers; the first probe and push-pull at random times. */
  start(nowMs: number): void {
    this.#selfRules.announce(nowMs)
    this.#probe.start(nowMs)
    this.#pushPull.start(nowMs)
    this.#timers.schedule(nowMs + this.#config.gossipIntervalMs, { kind: 'gossip-tick' })
  }

  /** @param from the datagram's source */
  receive(nowMs: number, message: PacketMessage, from: Endpoint): void {
    switch (message.kind) {
      case 'ping':
        this.#pingAnswer.answer(nowMs, message, from)
        this.#pushPull.pinged(nowMs, message.node, message.sourceNode)
        break
      case 'indirect-ping':
        this.#relay.request(nowMs, message, from)
        break
      case 'ack':
        this.#ack(nowMs, message, from)
        break
      case 'nack':
        this.#probe.nack(message.seqNo)
        break
      case 'alive':
        this.#rules.alive(nowMs, message, from)
        break
      case 'suspect':
        this.#rules.suspect(nowMs, message)
        break
      case 'dead':
        this.#rules.dead(nowMs, message)
        break
      case 'user':
        this.#outbox.emit({ type: 'user-message', payload: message.payload })
        break
    }
    this.#selfRules.reviewLeave()
  }

  #ack(nowMs: number, ack: AckMessage, from: Endpoint): void {
    if (this.#probe.ack(nowMs, ack, from) || this.#relay.ack(ack.seqNo)) return
    if (this.#conflicts.ack(nowMs, ack.seqNo, from)) return
    this.#outbox.note('debug', 'ack_unexpected', { seqNo: ack.seqNo })
  }

  /** Earliest internal deadline; the driver arms one timer for it. Ask again after every call into the machine. */
  nextWakeAt(): number | undefined {
    return this.#timers.nextAt()
  }

  /** Runs what is due, at most `DEADLINES_PER_ADVANCE_MAX` deadlines a call: ask `nextWakeAt` again. */
  advance(nowMs: number): void {
    for (let ran = 0; ran < DEADLINES_PER_ADVANCE_MAX; ran++) {
      const due = this.#timers.takeDue(nowMs)
      if (due === undefined) break
      this.#run(nowMs, due.at, due.tag)
    }
    this.#selfRules.reviewLeave()
  }

  /** The result of a 'stream-ping' effect. */
  streamPingDone(nowMs: number, seqNo: number, acked: boolean): void {
    this.#paths.streamPingDone(nowMs, seqNo, acked)
    this.#probe.streamPingDone(nowMs, seqNo, acked)
  }

  /** Any other stream that we dialled is over. @param reached whether the other side took it */
  streamDone(nowMs: number, to: Endpoint, reached: boolean): void {
    const peer = this.#members.atSource(to)
    if (peer !== undefined && !peer.isSelf && isLive(peer)) this.#paths.streamed(nowMs, peer, reached)
  }

  /** A stream came from this member. */
  streamHeard(nowMs: number, memberName: string): void {
    const peer = this.#members.get(memberName)
    if (peer !== undefined && !peer.isSelf && isLive(peer)) this.#paths.heardStream(nowMs, peer)
  }

  /** A 'packet' effect with this `probeSeqNo` could not be sent: the probe goes on to its indirect phase. */
  sendFailed(nowMs: number, probeSeqNo: number): void {
    this.#probe.sendFailed(nowMs, probeSeqNo)
  }

  /** Our half of a push-pull, self included, in random order. */
  nodeRecords(): NodeRecord[] {
    return this.#exchange.records()
  }

  /**
   * Their half of a push-pull. Unfit records are skipped, counted, and do not spoil the rest.
   * @returns false when the application refused a joining one: nothing of it was taken, nor may its user state be
   */
  mergeNodes(nowMs: number, nodes: readonly NodeRecord[], join: boolean): boolean {
    if (!this.#exchange.merge(nowMs, nodes, join)) return false
    this.#outbox.note('debug', 'nodes_merged', { nodes: nodes.length, join: join ? 1 : 0 })
    this.#selfRules.reviewLeave()
    return true
  }

  /** The list with which a peer answered our push-pull, to be given beside `mergeNodes`. */
  listedBy(nowMs: number, peer: Endpoint, nodes: readonly NodeRecord[]): void {
    const record = nodes.find(({ name }) => name === this.#self.name)
    if (record !== undefined) this.#conflicts.listed(nowMs, peer, this.#self, record)
  }

  /** Spreads a user message to its audience: first transmission in the next `advance`, which is due at once. */
  broadcast(nowMs: number, broadcast: Broadcast): void {
    this.#dissemination.user(nowMs, broadcast)
  }

  /** One stream user message to a live member; an unknown or dead name is counted and dropped. */
  sendReliable(_nowMs: number, memberName: string, payload: Uint8Array): void {
    const record = this.#members.get(memberName)
    if (record === undefined || record.isSelf || !isLive(record)) {
      this.#outbox.note('debug', 'send_to_unknown_member', { node: memberName })
      return
    }
    this.#outbox.emit({ type: 'stream-user', to: record.endpoint, payload })
  }

  /** Says goodbye; emits 'left' once enough peers were sent it, at once when alone. Goes on answering probes. */
  leave(nowMs: number): void {
    this.#selfRules.leave(nowMs)
  }

  /** Takes a leave back: announces us anew, above the incarnation that left. Peers are not called; join them. */
  rejoin(nowMs: number): void {
    this.#selfRules.rejoin(nowMs)
  }

  /** @throws HearsayError `GOSSIP_META_TOO_LONG` above 512 bytes */
  updateMeta(nowMs: number, meta: Uint8Array): void {
    this.#selfRules.updateMeta(nowMs, meta)
  }

  /** All known, self and the not yet reaped included; without self when its address is outside the allowed networks. */
  members(): Member[] {
    return this.#members.order.filter(({ isSelf }) => this.#isListed || !isSelf).map(memberView)
  }

  /** Which ways to each live peer work, by name. */
  paths(nowMs: number): ReadonlyMap<string, PeerPaths> {
    const peers = this.#members.order.filter((peer) => !peer.isSelf && isLive(peer))
    return new Map(peers.map((peer) => [peer.name, this.#paths.paths(nowMs, peer)]))
  }

  /** Names that two processes go by. */
  nameConflicts(): readonly NameConflict[] {
    return this.#conflicts.list()
  }

  /** Whether somebody there has answered to our name by UDP of late. */
  namesakeAnswers(at: Endpoint): boolean {
    return this.#conflicts.hasAnswered(at)
  }

  /** Alive and suspect members, self included while it has not left. */
  memberCount(): number {
    const peers = this.#members.livePeers('native') + this.#members.livePeers('foreign')
    return peers + (this.#isListed && isLive(this.#self) ? 1 : 0)
  }

  /** 0 is healthy; awarenessMaxMultiplier - 1 is the worst. */
  healthScore(): number {
    return this.#awareness.score
  }

  /** To be persisted and given to the next machine of this name. */
  selfIncarnation(): number {
    return this.#incarnation.value
  }

  stats(): GossipStats {
    const members = { alive: 0, suspect: 0, dead: 0, left: 0 }
    for (const record of this.#members.order) members[record.liveness]++
    const { membership, user } = this.#dissemination.queues
    const queue = ({ size, bytes, dropped, oldestAtMs }: typeof membership): QueueStats => ({
      messages: size,
      bytes,
      dropped,
      oldestAtMs,
    })
    return {
      healthScore: this.#awareness.score,
      members,
      queues: { membership: queue(membership), native: queue(user.native), foreign: queue(user.foreign) },
      probeSeconds: this.#probe.seconds,
    }
  }

  #run(nowMs: number, dueAtMs: number, tag: TimerTag): void {
    switch (tag.kind) {
      case 'probe-tick':
        this.#probe.tick(nowMs)
        break
      case 'probe-timeout':
        this.#probe.timeout(nowMs, tag.seqNo)
        break
      case 'probe-end':
        this.#probe.end(nowMs, tag.seqNo)
        break
      case 'gossip-tick':
        this.#timers.schedule(nowMs + this.#config.gossipIntervalMs, tag)
        this.#dissemination.tick(nowMs)
        break
      case 'flush':
        this.#dissemination.flush(nowMs)
        break
      case 'push-pull-tick':
        this.#pushPull.tick(nowMs)
        break
      case 'suspicion':
        this.#rules.suspicionTimer(nowMs, dueAtMs, tag.name)
        break
      case 'relay-end':
        this.#relay.expire(tag.seqNo)
        break
      case 'name-conflict-tick':
        this.#conflicts.tick(nowMs)
        break
    }
  }
}
