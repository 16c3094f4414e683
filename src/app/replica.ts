/**
 * One replica: store, gossip, alerting and readiness, wired together. HTTP comes on top of it (web.ts), for `serve` and
 * for embedders alike.
 *
 * Start: the store is opened first, so that nothing is promised to anybody before the own state is read; then gossip
 * binds, then HTTP; only then are peers joined, and settling goes on in the background while reads and writes are served
 * already. Stop: no longer ready, leave told to the peers, gossip closed, then the store, which finishes what waits.
 */
import { randomBytes, randomUUID } from 'node:crypto'
import type { Logger } from 'pino'
import { AlertmanagerDelegate } from '../alerting/alertmanager-delegate.ts'
import { Alerts } from '../alerting/alerts.ts'
import { NotificationLog } from '../alerting/notification-log.ts'
import { KIND_CLAIM } from '../alerting/notifier/claim-frames.ts'
import { Silences } from '../alerting/silences.ts'
import type { Clock } from '../base/clock.ts'
import type { HearsayError } from '../base/errors.ts'
import type { HashFunction64 } from '../base/hash-function.ts'
import { seededRandom } from '../base/random.ts'
import { Tally } from '../base/tally.ts'
import type { Broadcaster } from '../gossip/core/delegate.ts'
import { classifyMeta, nativeMeta } from '../gossip/core/native-meta.ts'
import { observedDelegate } from '../gossip/core/observed-delegate.ts'
import { createGossip } from '../gossip/io/driver.ts'
import { endpointToText } from '../gossip/io/endpoint-text.ts'
import type { Gossip } from '../gossip/io/gossip.ts'
import type { Claims, Readiness } from '../http/facades.ts'
import type { Delta } from '../store/core/delta.ts'
import { openStore } from '../store/open-store.ts'
import { KIND_ACKNOWLEDGE } from '../store/replication/ack-frames.ts'
import type { StateStore } from '../store/state-store.ts'
import { ReplicaClaims } from './claims.ts'
import { ClockFence } from './clock-fence.ts'
import { clockLog } from './clock-log.ts'
import { FrameBatcher } from './frame-batcher.ts'
import { IncarnationKeeper } from './incarnation-keeper.ts'
import { KnownPeers } from './known-peers.ts'
import { LatestValues } from './latest-values.ts'
import { limitLog } from './limit-log.ts'
import { MemberNews } from './member-news.ts'
import type { NotifierDriver } from './notifier-driver.ts'
import { Ownership } from './ownership.ts'
import { peerAddress } from './peer-file.ts'
import { type PeerNote, peerNotes } from './peer-notes.ts'
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
  readonly silences: Silences
  /** Of this replica alone. */
  readonly alerts: Alerts
  /** Tells when alerts have been posted. */
  readonly alertsPosted: LatestValues = new LatestValues()
  readonly gossip: Gossip | undefined
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
  readonly #settlement: Settlement | undefined
  readonly #incarnations: IncarnationKeeper
  readonly #knownPeers: KnownPeers
  /** The way in for a delta of a peer; nothing comes before gossip runs. */
  #receive: (delta: Delta) => void = () => undefined
  #delegate: AlertmanagerDelegate | undefined
  #syncTicks: NodeJS.Timeout | undefined
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
    const limitReached = limitLog(this.log, this.clock)
    this.silences = new Silences(store.records, this.clock, {
      retentionMs: options.retentionMs,
      newId: randomUUID,
      quarantined: ({ id, reason, endsAt }) => this.#note('silence.quarantined', { id, reason, endsAt }),
      refused: limitReached,
      ...(options.silenceLimits === undefined ? {} : { limits: options.silenceLimits }),
    })
    this.alerts = new Alerts({
      clock: this.clock,
      silencedBy: (labels) => this.silences.matching(labels),
      changed: () => this.alertsPosted.changed(),
      refused: (reason) => limitReached('ALERTS_FULL', reason),
    })
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
      receive: (delta) => this.#receive(delta),
      note: (event, fields) => this.#note(event, fields),
    })
    const { retentionMs, peerTimeoutMs = PEER_TIMEOUT_MS } = options
    this.notificationLog = new NotificationLog(store.records, this.clock, { retentionMs })
    this.notifier = this.#createNotifier(peerTimeoutMs)
    this.claims = new ReplicaClaims({ driver: this.notifier, clock: this.clock })
    this.#memberNews = new MemberNews(this.clock, () => {
      this.ownership.membersChanged()
      this.notifier.membersChanged()
      this.#knownPeers.changed()
    })
    if (options.gossip === undefined) return
    this.gossip = this.#createGossip(options.gossip, options.foreignState)
    this.#settlement = new Settlement(this.gossip, this.clock, {
      peers: knownPeers.seeds,
      remembered: knownPeers.remembered.map(peerAddress),
      timeoutMs: options.settleTimeoutMs,
      syncedWith: (name) => this.syncedWith(name),
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
    const store = await openStore({
      ...(options.storagePath === undefined ? {} : { path: options.storagePath }),
      clock,
      refusal: () => fence.refusal(),
      randomBytes,
      maxClockSkewMs: options.maxClockSkewMs,
      ...(options.limits === undefined ? {} : { limits: options.limits }),
      hasPeers: (options.gossip?.peers ?? []).length > 0,
      log: roomLog(options.log(options.name ?? 'new'), 'store'),
    })
    try {
      const name = await peerName(store, options.name)
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
    const reasons: string[] = []
    if (this.#closing !== undefined) reasons.push('draining: this replica is shutting down')
    const settling = this.#settlement?.reason()
    if (settling !== undefined) reasons.push(settling)
    const { refusing, awaitingPeers } = this.store.status()
    const clockOff = this.#fence.refusal()?.message
    if (clockOff !== undefined) reasons.push(`clock: ${clockOff}`)
    const nameTaken = sharedNameReason(this.gossip?.nameConflicts() ?? [])
    if (nameTaken !== undefined) reasons.push(nameTaken)
    if (refusing !== undefined && refusing !== clockOff) reasons.push(`store: ${refusing}`)
    if (awaitingPeers !== undefined) {
      if (this.#hasHeardPeer()) this.store.heardPeers()
      else reasons.push(`store: waiting for the state of a peer, because ${awaitingPeers}`)
    }
    return { ready: reasons.length === 0, reasons }
  }

  /** Whether what a live member held is here. Where all are Alertmanagers, that is their silences. */
  #hasHeardPeer(): boolean {
    const { gossip } = this
    if (gossip === undefined) return false
    const others = gossip.members().filter((member) => !member.isSelf && member.liveness === 'alive')
    const natives = others.filter((member) => member.peerClass === 'native')
    if (natives.length > 0) return natives.some(({ name }) => this.syncedWith(name))
    return others.some(({ name }) => gossip.exchangedWith(name))
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

  /** From here on `readiness` says no; load balancers may look away before anything closes. Idempotent, as `close`. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  /**
   * Joins the configured peers and settles in the background; for when all that this replica listens on is bound, so that
   * one which cannot serve shows up in no cluster. Resolves when settled, given up, or closed; never rejects.
   */
  async settle(): Promise<void> {
    const phase = await this.#settlement?.run()
    if (phase === undefined || this.#closing !== undefined) return
    this.notifier.membersChanged()
    this.log.info({ component: 'app', event: phase === 'settled' ? 'settled' : 'settle_gave_up' })
  }

  /** Whether this member was seen to hold what we hold, or exchanged everything with us, since the start. */
  syncedWith(peer: string): boolean {
    return this.#delegate?.syncedWith(peer) ?? false
  }

  /** Counters of anti-entropy by name, and `sessions`, those running just now. */
  syncStats(): Readonly<Record<string, number>> {
    return this.#delegate?.syncStats() ?? {}
  }

  async #close(): Promise<void> {
    // While the others still hear us: who is sending comes to its end, and the rest is theirs to take over.
    await this.notifier.close()
    this.#frames.flush()
    clearInterval(this.#syncTicks)
    this.#settlement?.stop()
    this.store.watches.close()
    this.#memberNews.close()
    this.ownership.close()
    this.alertsPosted.close()
    if (this.gossip !== undefined) {
      await this.#knownPeers.close()
      await this.gossip.leave(LEAVE_TIMEOUT_MS)
      await this.gossip.stop()
      await this.#incarnations.idle()
    }
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
      log: this.notificationLog,
      acks: this.acks,
      receive: (delta) => this.#receive(delta),
      dropped: this.dropped,
    })
  }

  #createGossip(options: ReplicaGossipOptions, foreignState: ReplicaOptions['foreignState']): Gossip {
    // The delegate speaks through gossip and gossip through the delegate; neither does before both exist.
    const broadcaster: Broadcaster = {
      broadcast: (broadcast) => gossip.broadcast(broadcast),
      sendReliable: (name, payload) => gossip.sendReliable(name, payload),
      members: () => gossip.members(),
    }
    const delegate = new AlertmanagerDelegate({
      name: this.name,
      store: this.store,
      random: seededRandom(randomBytes(4).readUInt32LE()),
      schedule: (task) => void setImmediate(task),
      wallMs: () => this.clock.wallMs(),
      requestExchange: (peer) => void gossip.pushPullNow(peer),
      heardClock: (peer, wallMs, rttMs) => this.#fence.heard(peer, wallMs, rttMs),
      synced: () => this.store.heardPeers(),
      records: this.store.records,
      broadcaster,
      frames: new Map([
        [KIND_ACKNOWLEDGE, (frame) => this.acks.heard(frame)],
        [KIND_CLAIM, (frame) => this.notifier.heard(frame)],
      ]),
      note: (event, fields) => this.#note(event, fields),
      dropped: (reason, count) => this.dropped.add(reason, count),
      ...(foreignState === undefined ? {} : { foreignState }),
    })
    const gossip = createGossip(
      {
        ...options,
        name: this.name,
        peers: this.#knownPeers.seeds,
        remembered: this.#knownPeers.remembered,
        meta: nativeMeta(),
        classify: classifyMeta,
        incarnation: this.store.identity.incarnation ?? 0,
        onIncarnation: (incarnation) => this.#incarnations.used(incarnation),
      },
      observedDelegate(delegate, () => this.#memberNews.changed()),
      {
        clock: this.clock,
        random: seededRandom(randomBytes(4).readUInt32LE()),
        log: roomLog(this.log, 'gossip'),
      },
    )
    this.#receive = (delta) => delegate.receive(delta)
    this.#delegate = delegate
    delegate.tick(this.clock.monotonicMs())
    this.#syncTicks = setInterval(() => delegate.tick(this.clock.monotonicMs()), SYNC_TICK_MS)
    this.#syncTicks.unref()
    this.store.onCommitted((deltas) => delegate.committed(deltas))
    return gossip
  }
}

async function peerName(store: StateStore, given: string | undefined): Promise<string> {
  const name = given ?? store.identity.name ?? `zz-${randomBytes(6).toString('hex')}`
  if (given === undefined && store.identity.name === undefined) await store.identity.remember({ name })
  return name
}

function openKnownPeers(options: ReplicaOptions, name: string, clock: Clock): Promise<KnownPeers> {
  const { storagePath, gossip } = options
  return KnownPeers.open({
    ...(storagePath === undefined || gossip === undefined ? {} : { storagePath }),
    label: gossip?.label ?? '',
    configured: gossip?.peers ?? [],
    clock,
    log: roomLog(options.log(name), 'app'),
  })
}
