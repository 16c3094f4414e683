/**
 * A few notifiers on a fake clock and a fake network, each with a log of its own: small enough to tell one story a test.
 *
 * Frames, sends and log entries take as long as a test says, may be lost or cut off, and nobody dies or is suspected unless
 * a test says so. A stopped replica keeps what it is sent until it goes on, like a process under SIGSTOP.
 */
import type { Flush, FlushResult, SendOrder, SendOutcome } from '../../src/alerting/core/flush.ts'
import type { Notification } from '../../src/alerting/core/notification.ts'
import { notificationKey, type Receiver } from '../../src/alerting/core/receiver.ts'
import { Notifier } from '../../src/alerting/notifier/notifier.ts'
import type { ClaimResult, NotifierHost, NotifierPeer } from '../../src/alerting/notifier/notifier-host.ts'
import { utf8Decode, utf8Encode } from '../../src/base/bytes.ts'
import { Heap } from '../../src/base/heap.ts'
import { type Random, seededRandom } from '../../src/base/random.ts'
import { rendezvousOrder } from '../../src/base/rendezvous.ts'

export type Liveness = NotifierPeer['liveness']

export const PAGER: Receiver = { groupName: 'pager', integration: 'webhook', idx: 0 }
/** Wall clock at 0 of the fake one. */
export const WALL_NS = 1_700_000_000_000_000_000n

/** What a receiver makes of one attempt: its answer, and when. */
export interface Answer {
  readonly afterMs: number
  readonly outcome: SendOutcome
}

export interface Sent {
  readonly by: string
  readonly work: string
  readonly atMs: number
  readonly order: SendOrder
}

export interface NotifierClusterOptions {
  readonly names: readonly string[]
  /** Alertmanagers: members that run nothing here. */
  readonly foreign?: readonly string[]
  readonly seed?: number
  /** Least and most a frame or log entry takes. */
  readonly latencyMs?: readonly [number, number]
  readonly peerTimeoutMs?: number
  /** What comes of each attempt; at once and well by default. */
  readonly receiver?: (sent: Sent) => Answer
}

export class NotifierReplica {
  readonly name: string
  notifier: Notifier
  readonly cluster: NotifierCluster
  readonly log: Map<string, Notification> = new Map()
  readonly peers: Map<string, NotifierPeer> = new Map()
  readonly results: Map<number, FlushResult> = new Map()
  readonly claims: Map<number, ClaimResult> = new Map()
  readonly claimsLost: number[] = []
  readonly aborted: number[] = []
  readonly notes: string[] = []
  readonly flushes: Map<number, Flush> = new Map()
  isSettled = true
  isUp = true
  /** Its disk takes no more. */
  isDiskFull = false
  inbox: (() => void)[] | undefined
  #boot = 0

  constructor(cluster: NotifierCluster, name: string) {
    this.cluster = cluster
    this.name = name
    this.notifier = this.#made()
  }

  /** Same name and log, new process. */
  restart(): void {
    this.#boot++
    this.isUp = true
    this.inbox = undefined
    this.notifier = this.#made()
  }

  start(flush: Partial<Flush> = {}): number {
    const { nowMs } = this.cluster
    const whole = { ...this.cluster.flush(), ...flush }
    const id = this.notifier.start(whole, nowMs)
    this.flushes.set(id, whole)
    return id
  }

  result(id: number): FlushResult | undefined {
    return this.results.get(id)
  }

  /** Sees another member so from now on. */
  sees(name: string, liveness: Liveness, isNative = true): void {
    this.peers.set(name, { name, isSelf: name === this.name, isNative, liveness })
    this.act(() => this.notifier.membersChanged(this.cluster.nowMs))
  }

  /** Runs now, or when a stopped replica goes on, or never if it is dead. */
  act(action: () => void): void {
    if (!this.isUp) return
    if (this.inbox !== undefined) this.inbox.push(action)
    else action()
  }

  /** A log entry came from somewhere. */
  learn(key: string, entry: Notification): void {
    const held = this.log.get(key)
    if (held !== undefined && held.timestampNs >= entry.timestampNs) return
    this.log.set(key, entry)
    this.act(() => this.notifier.changed(key, this.cluster.nowMs))
  }

  #made(): Notifier {
    const boot = this.#boot
    const notifier: Notifier = new Notifier(
      this.#host(() => boot === this.#boot),
      {
        name: this.name,
        peerTimeoutMs: this.cluster.options.peerTimeoutMs ?? 15_000,
        bootId: boot + 1,
      },
    )
    return notifier
  }

  #host(isCurrent: () => boolean): NotifierHost {
    const { cluster } = this
    return {
      peers: () => [...this.peers.values()],
      send: (peer, frame) => cluster.carry(this.name, peer, frame),
      wallMs: () => Number(cluster.wallNs() / 1_000_000n),
      settled: () => this.isSettled,
      entry: (key) => this.log.get(key),
      record: (key) => cluster.recordOf(key, this.log.get(key)),
      join: (record) => cluster.joinRecord(this, record),
      order: (id, order) => cluster.order(this, id, order, isCurrent),
      abort: (id) => void this.aborted.push(id),
      log: (id, flush) => cluster.writeEntry(this, id, flush, isCurrent),
      finished: (id, result) => {
        if (this.results.has(id) && isCurrent()) throw new Error(`flush ${id} finished twice`)
        this.results.set(id, result)
      },
      claimed: (id, result) => void this.claims.set(id, result),
      claimLost: (id) => void this.claimsLost.push(id),
      note: (event) => void this.notes.push(event),
    }
  }
}

export class NotifierCluster {
  nowMs = 0
  readonly options: NotifierClusterOptions
  readonly random: Random
  readonly replicas: Map<string, NotifierReplica> = new Map()
  readonly sends: Sent[] = []
  /** Pairs `a>b` whose frames and log entries get lost. */
  readonly cut: Set<string> = new Set()
  /** Share of frames that get lost, and that come twice. */
  loss = 0
  duplication = 0
  /** Whether log entries reach others other than by a denial. */
  spreads = true
  /** For tests that spoil one kind of frame: whether it is to be lost. */
  drops: (frame: Uint8Array, from: string, to: string) => boolean = () => false
  readonly frames: { readonly from: string; readonly to: string; readonly bytes: Uint8Array }[] = []
  readonly #future = new Heap<() => void>()
  readonly #records = new Map<string, Notification>()
  #lastStampNs = 0n

  constructor(options: NotifierClusterOptions) {
    this.options = options
    this.random = seededRandom(options.seed ?? 1)
    for (const name of options.names) this.replicas.set(name, new NotifierReplica(this, name))
    for (const replica of this.replicas.values()) {
      for (const name of options.foreign ?? []) replica.sees(name, 'alive', false)
      for (const name of options.names) replica.sees(name, 'alive')
    }
  }

  replica(name: string): NotifierReplica {
    const replica = this.replicas.get(name)
    if (replica === undefined) throw new Error(`no replica ${name}`)
    return replica
  }

  flush(): Flush {
    return {
      groupKey: '{}:{alertname="Disk"}',
      receiver: PAGER,
      firing: [11n, 12n],
      resolved: [],
      repeatIntervalMs: 4 * 3_600_000,
      sendResolved: true,
      flushedAtNs: this.wallNs(),
      timeoutMs: 60_000,
    }
  }

  wallNs(): bigint {
    return WALL_NS + BigInt(Math.round(this.nowMs * 1e6))
  }

  at(atMs: number, action: () => void): void {
    this.#future.push(Math.max(atMs, this.nowMs), action)
  }

  /** All notify for the one receiver, and know so of each other. */
  introduce(): void {
    for (const { notifier } of this.replicas.values()) notifier.advertise(PAGER, this.nowMs)
    this.run(100)
  }

  /** Lets time pass, and all that is due happen in its order. */
  run(forMs: number): void {
    const untilMs = this.nowMs + forMs
    for (;;) {
      let nextMs = this.#future.peekAt() ?? Number.POSITIVE_INFINITY
      let ticking: NotifierReplica | undefined
      for (const replica of this.replicas.values()) {
        const dueMs = replica.isUp && replica.inbox === undefined ? replica.notifier.dueMs : undefined
        if (dueMs === undefined || dueMs >= nextMs) continue
        nextMs = dueMs
        ticking = replica
      }
      if (nextMs > untilMs) break
      this.nowMs = Math.max(this.nowMs, nextMs)
      if (ticking !== undefined) ticking.notifier.tick(this.nowMs)
      else this.#future.pop()?.value()
    }
    this.nowMs = untilMs
  }

  /** kill -9. */
  kill(name: string): void {
    this.replica(name).isUp = false
  }

  /** All others see a member so. */
  declare(name: string, liveness: Liveness): void {
    for (const replica of this.replicas.values()) if (replica.name !== name) replica.sees(name, liveness)
  }

  stop(name: string): void {
    this.replica(name).inbox ??= []
  }

  /** SIGCONT: the timers ring, then what has come meanwhile is read, unless a test wants it the other way round. */
  goOn(name: string, readsFirst = false): void {
    const replica = this.replica(name)
    const { inbox } = replica
    replica.inbox = undefined
    if (!replica.isUp) return
    if (!readsFirst) replica.notifier.tick(this.nowMs)
    for (const action of inbox ?? []) action()
  }

  partition(...sides: readonly (readonly string[])[]): void {
    for (const side of sides) {
      for (const other of sides) {
        if (side === other) continue
        for (const a of side) for (const b of other) this.cut.add(`${a}>${b}`)
      }
    }
  }

  latency(): number {
    const [least, most] = this.options.latencyMs ?? [1, 1]
    return least + this.random.next() * (most - least)
  }

  carry(from: string, to: string, frame: Uint8Array): void {
    const bytes = frame.slice()
    this.frames.push({ from, to, bytes })
    if (this.cut.has(`${from}>${to}`) || this.drops(bytes, from, to)) return
    const copies = this.random.next() < this.duplication ? 2 : 1
    for (let i = 0; i < copies; i++) {
      if (this.random.next() < this.loss) continue
      this.at(this.nowMs + this.latency(), () => {
        const replica = this.replicas.get(to)
        replica?.act(() => replica.notifier.heard(bytes, this.nowMs))
      })
    }
  }

  order(replica: NotifierReplica, id: number, order: SendOrder, isCurrent: () => boolean): void {
    const flush = replica.flushes.get(id)
    if (flush === undefined) throw new Error('an order for no flush')
    const work = notificationKey(flush.groupKey, flush.receiver)
    const sent = { by: replica.name, work, atMs: this.nowMs, order }
    this.sends.push(sent)
    const answer = this.options.receiver?.(sent) ?? { afterMs: 5, outcome: { ok: true } }
    this.at(this.nowMs + answer.afterMs, () =>
      replica.act(() => {
        if (isCurrent()) replica.notifier.sent(id, answer.outcome, this.nowMs)
      }),
    )
  }

  /** An entry as if it had been written now. */
  entry({ groupKey, receiver, firing, resolved }: Flush): Notification {
    const wallNs = this.wallNs()
    this.#lastStampNs = wallNs > this.#lastStampNs ? wallNs : this.#lastStampNs + 1n
    return {
      groupKey,
      receiver,
      timestampNs: this.#lastStampNs,
      expiresAtNs: wallNs + 432_000_000_000_000n,
      firing,
      resolved,
      receiverData: new Map(),
    }
  }

  writeEntry(replica: NotifierReplica, id: number, flush: Flush, isCurrent: () => boolean): void {
    const key = notificationKey(flush.groupKey, flush.receiver)
    this.at(this.nowMs + 1, () =>
      replica.act(() => {
        if (!isCurrent()) return
        if (replica.isDiskFull) {
          replica.notifier.logged(id, false, this.nowMs)
          return
        }
        const entry = this.entry(flush)
        replica.learn(key, entry)
        const acks = this.spreads ? this.#spread(replica.name, key, entry) : []
        this.at(this.nowMs + Math.max(0, ...acks), () =>
          replica.act(() => {
            if (isCurrent()) replica.notifier.logged(id, true, this.nowMs)
          }),
        )
      }),
    )
  }

  /** @returns how long until each live one has said that it has it: a second where it never does */
  #spread(from: string, key: string, entry: Notification): number[] {
    return [...this.replicas.values()]
      .filter(({ name }) => name !== from && this.replica(from).peers.get(name)?.liveness !== 'dead')
      .map((other) => {
        if (this.cut.has(`${from}>${other.name}`)) return 1000
        const thereMs = this.latency()
        this.at(this.nowMs + thereMs, () => other.act(() => other.learn(key, entry)))
        return other.isUp && other.inbox === undefined ? thereMs + this.latency() : 1000
      })
  }

  recordOf(key: string, entry: Notification | undefined): Uint8Array | undefined {
    if (entry === undefined) return undefined
    const name = `${key}#${entry.timestampNs}`
    this.#records.set(name, entry)
    return utf8Encode(name)
  }

  joinRecord(replica: NotifierReplica, record: Uint8Array): void {
    const name = utf8Decode(record)
    const entry = this.#records.get(name)
    if (entry !== undefined) replica.learn(name.slice(0, name.lastIndexOf('#')), entry)
  }
}

/** The work of `NotifierCluster.flush`. */
export const WORK: string = notificationKey('{}:{alertname="Disk"}', PAGER)

/** In which order members shall claim it. */
export function turnOrder(names: readonly string[]): readonly [string, string, string] {
  const [first = '', second = '', third = ''] = rendezvousOrder(WORK, names)
  return [first, second, third]
}
