/**
 * One replica: store, gossip, alerting and readiness, wired together. HTTP comes on top of it (web.ts), for `serve` and
 * for embedders alike.
 *
 * Start: the store is opened first, so that nothing is promised to anybody before the own state is read; then gossip
 * binds, then HTTP; only then are peers joined, and settling goes on in the background while reads and writes are served
 * already. How it stops: shutdown-steps.ts.
 */
import { randomBytes } from 'node:crypto'
import type { Logger } from 'pino'
import type { AlertmanagerDelegate } from '../alerting/alertmanager-delegate.ts'
import type { Alerts } from '../alerting/alerts.ts'
import type { NotificationLog } from '../alerting/notification-log.ts'
import { KIND_CLAIM } from '../alerting/notifier/claim-frames.ts'
import type { Silences } from '../alerting/silences.ts'
import type { Clock } from '../base/clock.ts'
import type { HearsayError } from '../base/errors.ts'
import type { HashFunction64 } from '../base/hash-function.ts'
import { seededRandom } from '../base/random.ts'
import { Tally } from '../base/tally.ts'
import { endpointToText } from '../gossip/io/endpoint-text.ts'
import type { Gossip } from '../gossip/io/gossip.ts'
import type { Claims, Readiness } from '../http/facades.ts'
import type { Delta } from '../store/core/delta.ts'
import { openStore } from '../store/open-store.ts'
import { KIND_ACKNOWLEDGE } from '../store/replication/ack-frames.ts'
import type { PeerLook } from '../store/replication/peer-looks.ts'
import type { StateStore } from '../store/state-store.ts'
import { alertingParts } from './alerting-parts.ts'
import { ReplicaClaims } from './claims.ts'
import { ClockFence } from './clock-fence.ts'
import { clockLog } from './clock-log.ts'
import { closeInOrder } from './close-in-order.ts'
import { ClusterEntry } from './cluster-entry.ts'
import { FrameBatcher } from './frame-batcher.ts'
import { hasHeardPeer } from './heard-peer.ts'
import { IncarnationKeeper } from './incarnation-keeper.ts'
import type { KnownPeers } from './known-peers.ts'
import { LatestValues } from './latest-values.ts'
import { limitLog } from './limit-log.ts'
import { MemberNews } from './member-news.ts'
import type { MergeCounts } from './merge-counts.ts'
import type { NotifierDriver } from './notifier-driver.ts'
import { Ownership } from './ownership.ts'
import { peerAddress } from './peer-file.ts'
import { type PeerNote, peerNotes } from './peer-notes.ts'
import { readinessOf } from './readiness.ts'
import { replicaGossip } from './replica-gossip.ts'
import { nameSoFar, openKnownPeers, ownName } from './replica-memory.ts'
import { createNotifierDriver } from './replica-notifier.ts'
import type { ReplicaGossipOptions, ReplicaOptions } from './replica-options.ts'
import { roomLog } from './room-log.ts'
import { Settlement } from './settlement.ts'
import { sharedNameReason } from './shared-name-text.ts'
import { systemClock } from './system-clock.ts'
import { WriteAcks } from './write-acks.ts'
import { loadXxHash64 } from './xx-hash.ts'

/** Time that peers get to hear of our leave. */
const LEAVE_TIMEOUT_MS = 5000
/** As Alertmanager's. */
const PEER_TIMEOUT_MS = 15_000
/** How often anti-entropy looks at its timeouts. */
const SYNC_TICK_MS = 1000

export class Replica {
  readonly name: string
  readonly clock: Clock
  readonly store: StateStore
  /** Undefined in memory. */
  readonly storagePath: string | undefined
  readonly silences: Silences
  /** Of this replica alone. */
  readonly alerts: Alerts
  /** Tells when alerts have been posted. */
  readonly alertsPosted: LatestValues = new LatestValues()
  readonly gossip: Gossip | undefined
  /** Of what others wrote; undefined without gossip. */
  merges: MergeCounts | undefined
  readonly notificationLog: NotificationLog
  /** Sees to it that one replica sends each notification. */
  readonly notifier: NotifierDriver
  /** Claims of senders outside this process. */
  readonly claims: Claims
  /** xxHash64: see labelHash. */
  readonly hash: HashFunction64
  readonly log: Logger
  /** Frames, records and payloads of peers that were left out, by reason. */
  readonly dropped: Tally = new Tally()
  readonly #fence: ClockFence
  readonly #note: PeerNote
  readonly #memberNews: MemberNews
  /** How many replicas have a write on disk. */
  readonly acks: WriteAcks
  /** Which replica is responsible for what. */
  readonly ownership: Ownership
  /** Of acknowledgements and claims, to hearsay members. */
  readonly #frames: FrameBatcher
  /** Leaving the cluster and entering it again; undefined without clustering. */
  readonly entry: ClusterEntry | undefined
  #settlement: Settlement | undefined
  readonly #incarnations: IncarnationKeeper
  readonly #knownPeers: KnownPeers
  /** The way in for a delta of a peer; nothing comes before gossip runs. */
  #receive: (delta: Delta) => void = () => undefined
  #delegate: AlertmanagerDelegate | undefined
  #syncTicks: NodeJS.Timeout | undefined
  #isDraining = false
  #closing: Promise<void> | undefined

  private constructor(
    store: StateStore,
    name: string,
    fence: ClockFence,
    hash: HashFunction64,
    knownPeers: KnownPeers,
    options: ReplicaOptions,
  ) {
    this.store = store
    this.storagePath = options.storagePath
    this.name = name
    this.clock = options.clock ?? systemClock
    this.#fence = fence
    this.hash = hash
    this.#knownPeers = knownPeers
    this.log = options.log(name)
    this.#incarnations = new IncarnationKeeper(store.identity, (error) => {
      this.log.warn({ component: 'app', event: 'incarnation_not_kept', reason: String(error) })
    })
    this.#note = peerNotes(this.log, this.clock, this.dropped)
    const alerting = alertingParts(store, options, {
      clock: this.clock,
      note: this.#note,
      limitReached: limitLog(this.log, this.clock),
      alertsPosted: () => this.alertsPosted.changed(),
    })
    this.silences = alerting.silences
    this.alerts = alerting.alerts
    this.notificationLog = alerting.notificationLog
    this.ownership = new Ownership(name, () => this.gossip?.members() ?? [])
    this.#frames = new FrameBatcher(this.clock, (peer, payload) => this.gossip?.sendReliable(peer, payload))
    this.acks = new WriteAcks({
      name,
      clock: this.clock,
      random: seededRandom(randomBytes(4).readUInt32LE()),
      store,
      broadcaster: {
        members: () => this.gossip?.members() ?? [],
        sendReliable: (member, payload) => this.#frames.add(member, payload),
      },
      lost: () => this.gossip?.lostPeers() ?? [],
      hasLeft: () => this.entry?.departed ?? false,
      receive: (delta) => this.#receive(delta),
      note: (event, fields) => this.#note(event, fields),
    })
    const { peerTimeoutMs = PEER_TIMEOUT_MS } = options
    this.notifier = this.#createNotifier(peerTimeoutMs)
    this.claims = new ReplicaClaims({ driver: this.notifier, clock: this.clock })
    this.#memberNews = new MemberNews(this.clock, () => {
      this.ownership.membersChanged()
      this.notifier.membersChanged()
      this.#knownPeers.changed()
    })
    if (options.gossip === undefined) return
    this.gossip = this.#createGossip(options.gossip, options.foreignState)
    const { gossip, clock } = this
    const { settleTimeoutMs: timeoutMs } = options
    const syncedWith = (name: string): boolean => this.syncedWith(name)
    const remembered = knownPeers.remembered.map(peerAddress)
    const peers = knownPeers.seeds
    this.#settlement = new Settlement(gossip, clock, { peers, remembered, timeoutMs, syncedWith })
    this.entry = new ClusterEntry({
      gossip,
      seeds: peers,
      leaveTimeoutMs: LEAVE_TIMEOUT_MS,
      finishSends: () => this.notifier.depart(),
      departed: () => {
        this.#settlement?.stop()
        this.#delegate?.departed()
        this.#memberNews.changed()
      },
      entered: (called) => {
        this.#settlement = new Settlement(gossip, clock, { peers: [], called, timeoutMs, syncedWith })
        this.#memberNews.changed()
        void this.settle()
      },
      log: roomLog(this.log, 'app'),
    })
  }

  /**
   * Resolves when the state is read and gossip has bound; peers are not called before `settle`.
   * @throws HearsayError what `openStore` and `Gossip.start` throw; nothing is left open then
   */
  static async open(options: ReplicaOptions): Promise<Replica> {
    const clock = options.clock ?? systemClock
    // The store asks the fence before each write, and the fence asks gossip, which comes after the store.
    let replica: Replica | undefined
    const fence = new ClockFence({
      clock,
      members: () => replica?.gossip?.members() ?? [],
      stamps: () => replica?.store,
      maxLeadMs: options.maxClockSkewMs,
      ...clockLog(() => replica?.log),
    })
    const hash = await loadXxHash64()
    const early = options.log(await nameSoFar(options.name, options.storagePath))
    const store = await openStore({
      ...(options.storagePath === undefined ? {} : { path: options.storagePath }),
      clock,
      refusal: () => fence.refusal(),
      randomBytes,
      maxClockSkewMs: options.maxClockSkewMs,
      ...(options.limits === undefined ? {} : { limits: options.limits }),
      hasPeers: (options.gossip?.peers ?? []).length > 0,
      log: roomLog(() => replica?.log ?? early, 'store'),
    })
    try {
      const name = await ownName(store, options.name)
      const knownPeers = await openKnownPeers(options, name, clock)
      replica = new Replica(store, name, fence, hash, knownPeers, options)
      await replica.gossip?.start()
      if (replica.gossip !== undefined) knownPeers.follow(replica.gossip)
      return replica
    } catch (error) {
      if (replica !== undefined) clearInterval(replica.#syncTicks)
      await replica?.notifier.close()
      await store.close()
      throw error
    }
  }

  readiness(): Readiness {
    const { refusing, awaitingPeers } = this.store.status()
    const isAwaiting = awaitingPeers !== undefined && !hasHeardPeer(this)
    if (awaitingPeers !== undefined && !isAwaiting) this.store.heardPeers()
    return readinessOf({
      isDraining: this.#isDraining,
      hasLeft: this.entry?.left ?? false,
      settling: this.#settlement?.reason(),
      clockOff: this.#fence.refusal()?.message,
      nameTaken: sharedNameReason(this.gossip?.nameConflicts() ?? []),
      refusing,
      awaitingPeers: isAwaiting ? awaitingPeers : undefined,
    })
  }

  /** `host:port` that peers dial; undefined without clustering. */
  get gossipAddress(): string | undefined {
    return this.gossip === undefined ? undefined : endpointToText(this.gossip.advertise())
  }

  get settled(): boolean {
    return this.#settlement?.settled ?? true
  }

  /** Why writes are refused for the clock of this machine, as `STORE_CLOCK_OFF`; undefined when they are not. */
  clockRefusal(): HearsayError | undefined {
    return this.#fence.refusal()
  }

  /** Wall clocks of live hearsay members minus ours, by name. */
  clockOffsetsMs(): ReadonlyMap<string, number> {
    return this.#fence.offsetsMs()
  }

  /** All steps of an orderly stop, for a replica without HTTP; rejects with the first failure. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= closeInOrder({ replica: this }, this.clock)
    return this.#closing
  }

  /**
   * Joins the configured peers and settles in the background; for when all that this replica listens on is bound, so that
   * one which cannot serve shows up in no cluster. Resolves when settled, given up, or closed; never rejects.
   */
  async settle(): Promise<void> {
    const startedMs = this.clock.monotonicMs()
    const settlement = this.#settlement
    const phase = await settlement?.run()
    if (phase === undefined || this.#isDraining || this.entry?.left || settlement !== this.#settlement) return
    this.notifier.membersChanged()
    const tookMs = Math.round(this.clock.monotonicMs() - startedMs)
    this.log.info({ component: 'app', event: phase === 'settled' ? 'settled' : 'settle_gave_up', tookMs })
  }

  /** Whether this member was seen to hold what we hold, or exchanged everything with us, since the start. */
  syncedWith(peer: string): boolean {
    return this.#delegate?.syncedWith(peer) ?? false
  }

  /** Whether this member was last seen to hold what we hold, and since when. */
  lookAt(peer: string): PeerLook | undefined {
    return this.#delegate?.lookAt(peer)
  }

  /** Counters of anti-entropy by name, and `sessions`, those running just now. */
  syncStats(): Readonly<Record<string, number>> {
    return this.#delegate?.syncStats() ?? {}
  }

  /** Whom to call from now on; who is new is called at once, unless we go or have left. No peers at all: those of before stay. */
  changePeers(peers: readonly string[]): void {
    const added = this.#knownPeers.configure(peers)
    const isHere = !this.#isDraining && this.entry?.left !== true
    if (added.length > 0 && isHere) void this.gossip?.join(added)
  }

  drain(): void {
    this.#isDraining = true
  }

  endStreams(): void {
    this.#settlement?.stop()
    this.store.watches.close()
    this.#memberNews.close()
    this.ownership.close()
    this.alertsPosted.close()
  }

  /** While the others still hear us: who is sending comes to its end, and the rest is theirs to take over. */
  async finishSends(): Promise<void> {
    await this.notifier.close()
    this.#frames.flush()
  }

  async leave(): Promise<void> {
    clearInterval(this.#syncTicks)
    if (this.gossip === undefined) return
    await this.#knownPeers.close()
    this.entry?.close()
    await this.gossip.leave(LEAVE_TIMEOUT_MS)
  }

  async shut(): Promise<void> {
    await this.gossip?.stop()
    await this.#incarnations.idle()
    this.acks.close()
    this.#frames.flush()
    this.silences.close()
    await this.store.close()
  }

  #createNotifier(peerTimeoutMs: number): NotifierDriver {
    return createNotifierDriver({
      name: this.name,
      clock: this.clock,
      logger: this.log,
      peerTimeoutMs,
      members: () => this.gossip?.members() ?? [],
      send: (peer, frame) => this.#frames.add(peer, frame),
      settled: () => this.settled,
      hasLeft: () => this.entry?.left ?? false,
      log: this.notificationLog,
      acks: this.acks,
      receive: (delta) => this.#receive(delta),
      dropped: this.dropped,
    })
  }

  #createGossip(options: ReplicaGossipOptions, foreignState: ReplicaOptions['foreignState']): Gossip {
    const { seeds: peers, remembered } = this.#knownPeers
    const { gossip, delegate, merges } = replicaGossip({
      name: this.name,
      clock: this.clock,
      log: roomLog(this.log, 'gossip'),
      store: this.store,
      records: this.store.records,
      options: {
        ...options,
        peers,
        remembered,
        incarnation: this.store.identity.incarnation ?? 0,
        onIncarnation: (incarnation) => this.#incarnations.used(incarnation),
      },
      heardClock: (peer, wallMs, rttMs) => this.#fence.heard(peer, wallMs, rttMs),
      synced: () => this.store.heardPeers(),
      actor: () => this.store.actor,
      offsetsMs: () => this.#fence.offsetsMs(),
      membersChanged: () => this.#memberNews.changed(),
      frames: new Map([
        [KIND_ACKNOWLEDGE, (frame) => this.acks.heard(frame)],
        [KIND_CLAIM, (frame) => this.notifier.heard(frame)],
      ]),
      note: (event, fields) => this.#note(event, fields),
      dropped: (reason, count) => this.dropped.add(reason, count),
      ...(foreignState === undefined ? {} : { foreignState }),
    })
    this.#receive = (delta) => delegate.receive(delta)
    this.#delegate = delegate
    this.merges = merges
    delegate.tick(this.clock.monotonicMs())
    this.#syncTicks = setInterval(() => delegate.tick(this.clock.monotonicMs()), SYNC_TICK_MS)
    this.#syncTicks.unref()
    this.store.onCommitted((deltas) => delegate.committed(deltas))
    return gossip
  }
}
