/**
 * Replication: turns what changed here into messages for the other replicas, and their messages into what changes here.
 *
 * Two ways out, as with every gossip. Quick and lossy: each mutation leaves at once as one small broadcast, and whoever
 * learns something new from one passes it on. Slow and complete: a push-pull compares what two replicas hold, and a session
 * (syncer.ts) exchanges what differs. Both end in the same join, so order, loss and repetition do not matter. Between the
 * two, the ack of each probe tells the peer's root, so that a difference that stands still is repaired within seconds.
 *
 * Frames start with `f1`, the private wire version, and a kind: `D` delta, `S` anti-entropy (frames.ts), `B` batch of user
 * messages (gossip/core/batch-frame.ts). A one-key update of 100 bytes makes a frame of about 170. A frame of a newer
 * version is refused by name and counted; nothing of it is read.
 *
 * Pure: no clock, no socket; the store it joins into and the broadcaster it speaks through are given. Not here: what
 * foreign peers can read (alerting/alertmanager-delegate.ts).
 */
import { compareBytes } from '../../base/bytes.ts'
import { HearsayError } from '../../base/errors.ts'
import type { Random } from '../../base/random.ts'
import { decodeBatch, isBatch, PRIVATE_MAGIC, PRIVATE_VERSION } from '../../gossip/core/batch-frame.ts'
import type { Broadcaster, Exchange, GossipDelegate, MemberEvent } from '../../gossip/core/delegate.ts'
import { type Delta, isEmptyDelta } from '../core/delta.ts'
import { decodeDelta, encodeDelta } from '../core/delta-codec.ts'
import { gatherRecords } from '../core/gather-records.ts'
import { compareRecords } from '../core/record-tables.ts'
import { splitDelta } from '../core/split-delta.ts'
import { stateKeyName } from '../core/state-key.ts'
import { decodeAckPayload, encodeAckPayload } from './ack-payload.ts'
import { contextHash } from './context-hash.ts'
import { DivergenceWatch } from './divergence-watch.ts'
import { decodeSyncFrame, KIND_SYNC, SYNC_FRAME_BYTES_MAX, type SyncFrame } from './frames.ts'
import { type PeerLook, PeerLooks } from './peer-looks.ts'
import { Reunion } from './reunion.ts'
import type { SyncStore } from './sync-store.ts'
import { Syncer, type SyncLimits } from './syncer.ts'

const KIND_DELTA = 0x44
/** News out of a foreign peer's state is passed on up to this many lines; a larger repair reaches the others by their own. */
const RELAY_LINES_MAX = 1000
const DELTA_HEAD = Uint8Array.of(PRIVATE_MAGIC, PRIVATE_VERSION, KIND_DELTA)
const NO_BYTES = new Uint8Array(0)

export interface ReplicatorDeps {
  /** Our member name. */
  readonly name: string
  readonly store: SyncStore
  readonly broadcaster: Broadcaster
  readonly random: Random
  /** Runs a task in a later turn of the event loop: long scans are cut into such tasks. */
  readonly schedule: (task: () => void) => void
  readonly wallMs: () => number
  /** Asks gossip for one push-pull with a member. Called from a message, so it must not act in the same turn. */
  readonly requestExchange: (peer: string) => void
  /** What a member's ack told of its wall clock. */
  readonly heardClock?: (peer: string, wallMs: number, rttMs: number) => void
  /** A member was seen to hold what we hold, or a session with it came to its end. */
  readonly synced?: (peer: string) => void
  /** Frames of other kinds than ours, by their third byte, and who reads them. */
  readonly frames?: ReadonlyMap<number, (frame: Uint8Array) => void>
  /** Hears every delta that is spread, own or relayed, so that foreign peers can be told in their own format. */
  readonly onSpread?: (delta: Delta) => void
  /** Something to count and perhaps log; `event` is a stable code. */
  readonly note?: (event: string, fields: Readonly<Record<string, string | number>>) => void
  readonly syncLimits?: Partial<SyncLimits>
}

export class Replicator implements GossipDelegate {
  readonly #deps: ReplicatorDeps
  readonly #syncer: Syncer
  readonly #divergence = new DivergenceWatch()
  readonly #looks = new PeerLooks()
  readonly #reunion = new Reunion()
  #nowMs = 0

  constructor(deps: ReplicatorDeps) {
    this.#deps = deps
    this.#syncer = new Syncer({
      selfName: deps.name,
      store: deps.store,
      random: deps.random,
      schedule: deps.schedule,
      send: (peer, bytes) => deps.broadcaster.sendReliable(peer, bytes),
      isPeer: (name) => this.#isPeer(name),
      relay: (news) => this.#spreadPieces(news),
      requestExchange: (peer) => deps.requestExchange(peer),
      note: (event, fields) => this.#note(event, fields),
      synced: (peer) => {
        this.#reunion.met(peer)
        this.#looks.saw(peer, true, this.#nowMs)
        deps.synced?.(peer)
      },
      ...(deps.syncLimits === undefined ? {} : { limits: deps.syncLimits }),
    })
  }

  /** Counters of anti-entropy by name, and `sessions`, those running just now. */
  syncStats(): Readonly<Record<string, number>> {
    return { ...this.#syncer.stats.toRecord(), sessions: this.#syncer.sessions }
  }

  /** Whether this member was seen to hold what we hold, or a session with it came to its end, since the start. */
  syncedWith(peer: string): boolean {
    return this.#syncer.syncedWith(peer)
  }

  /** Whether this member was last seen to hold what we hold; undefined when that was never told. */
  lookAt(peer: string): PeerLook | undefined {
    return this.#looks.last(peer)
  }

  /** We have left: what the members hold is not known from here on. */
  departed(): void {
    for (const { name } of this.#deps.broadcaster.members()) this.#forget(name)
  }

  /** @param nowMs monotonic; to be called about once a second */
  tick(nowMs: number): void {
    this.#nowMs = nowMs
    this.#syncer.tick(nowMs)
    const returned = this.#reunion.next(nowMs, this.#deps.random, (name) => this.#syncer.differs(name))
    // While a session runs here it may bring the same; a second one would only compare once more.
    if (returned === undefined || this.#syncer.sessions > 0) return
    this.#syncer.stats.add('reunions')
    this.#deps.requestExchange(returned)
  }

  /** Own mutations, once durable: each leaves as a message of its own, but for records, which share messages. */
  committed(deltas: readonly Delta[]): void {
    for (const delta of gatherRecords(deltas)) this.#spread(delta)
  }

  /** News that came by a foreign peer's message: native peers shall have it from us as well. */
  relay(news: Delta): void {
    const lines = news.puts.length + news.adds.length + news.covered.length + news.records.length
    if (lines > RELAY_LINES_MAX) this.#note('replication_relay_skipped', { lines, limit: RELAY_LINES_MAX })
    else this.#spreadPieces(news)
  }

  localState({ peer, remoteState }: Exchange): Uint8Array {
    if (remoteState === undefined) return this.#syncer.offer(peer)
    const offer = this.#syncFrame(remoteState)
    return offer === undefined ? NO_BYTES : this.#syncer.answer(offer)
  }

  mergeRemoteState(state: Uint8Array, exchange: Exchange): void {
    const frame = this.#syncFrame(state, true)
    if (frame !== undefined) this.#syncer.exchanged(frame, exchange.remoteState !== undefined)
  }

  userMessage(payload: Uint8Array): void {
    if (isBatch(payload)) {
      const entries = decodeBatch(payload)
      if (entries === undefined) this.#note('replication_frame_malformed', { bytes: payload.length })
      // An entry that is itself a batch would nest without end; nobody makes one.
      else for (const entry of entries) if (!isBatch(entry)) this.userMessage(entry)
      return
    }
    const other = isOurVersion(payload) ? this.#deps.frames?.get(payload[2] ?? 0) : undefined
    if (other !== undefined) {
      other(payload)
      return
    }
    if (payload[2] === KIND_SYNC) {
      const frame = this.#syncFrame(payload, true)
      if (frame !== undefined) this.#syncer.receive(frame)
      return
    }
    const body = this.#open(payload, KIND_DELTA)
    if (body === undefined) return
    const delta = this.#decode(() => decodeDelta(body))
    if (delta !== undefined) this.receive(delta, payload)
  }

  /**
   * A delta of another replica, by whatever way it came: joined, and passed on if it was news.
   * @param frame what it was read from: passed on as it is if all of it was news
   */
  receive(delta: Delta, frame?: Uint8Array): void {
    const news = this.#deps.store.join(delta)
    if (isEmptyDelta(news)) return
    const isAll = frame !== undefined && isAllOf(news, delta)
    // What came in a batch is a view that would keep all of it.
    const payload = isAll && frame.length < frame.buffer.byteLength ? frame.slice() : frame
    this.#spread(news, true, isAll ? payload : undefined)
  }

  memberEvent({ type, member }: MemberEvent): void {
    const { name, peerClass, liveness } = member
    if (type === 'join' && peerClass === 'native') this.#reunion.came(name, this.#nowMs)
    if (type !== 'leave') return
    this.#forget(name)
    if (liveness === 'dead') this.#reunion.lost(name)
    else this.#reunion.left(name)
  }

  #forget(name: string): void {
    this.#syncer.gone(name)
    this.#divergence.forget(name)
    this.#looks.forget(name)
  }

  ackPayload(_peer: string): Uint8Array {
    const { store, wallMs } = this.#deps
    return encodeAckPayload({
      root: store.digest.root(),
      count: store.digest.count,
      contextHash: contextHash(store.context),
      wallMs: wallMs(),
    })
  }

  ackReceived(peer: string, payload: Uint8Array, rttMs: number): void {
    const told = decodeAckPayload(payload)
    if (told === undefined) {
      this.#note('replication_ack_malformed', { bytes: payload.length })
      return
    }
    this.#deps.heardClock?.(peer, told.wallMs, rttMs)
    this.#syncer.knows(peer, told)
    const ours = this.#deps.store.digest.root().slice()
    this.#looks.saw(peer, compareBytes(ours, told.root) === 0, this.#nowMs)
    const due = this.#divergence.ack(peer, ours, told.root, this.#nowMs)
    if (!due || this.#syncer.isRunning(peer)) return
    this.#syncer.stats.add('early_repairs')
    this.#deps.requestExchange(peer)
  }

  #isPeer(name: string): boolean {
    const member = this.#deps.broadcaster.members().find((other) => other.name === name)
    if (member === undefined || member.isSelf || member.peerClass !== 'native') return false
    return member.liveness === 'alive' || member.liveness === 'suspect'
  }

  #spreadPieces(news: Delta): void {
    for (const piece of splitDelta(news)) this.#spread(piece)
  }

  #spread(delta: Delta, isRelayed = false, frame?: Uint8Array): void {
    const key = supersedingKey(delta)
    const payload = frame ?? encodeDelta(delta, DELTA_HEAD)
    this.#deps.broadcaster.broadcast({ audience: 'native', key, isRelayed, payload })
    this.#deps.onSpread?.(delta)
  }

  /** @param tells whether what is wrong with it is counted; a state is looked at twice */
  #syncFrame(bytes: Uint8Array, tells = false): SyncFrame | undefined {
    const body = this.#open(bytes, KIND_SYNC, tells)
    // Sessions keep what they read for a while.
    return body === undefined ? undefined : this.#decode(() => decodeSyncFrame(owned(bytes)), tells)
  }

  #open(bytes: Uint8Array, kind: number, tells = true): Uint8Array | undefined {
    const version = bytes[1]
    if (bytes[0] === PRIVATE_MAGIC && version !== undefined && version > PRIVATE_VERSION) {
      if (tells) this.#note('replication_wire_version_newer', { theirs: version, ours: PRIVATE_VERSION })
      return undefined
    }
    if (bytes[0] === PRIVATE_MAGIC && version !== undefined && bytes[2] === kind) return bytes.subarray(3)
    if (tells) this.#note('replication_frame_unknown', { bytes: bytes.length })
    return undefined
  }

  #decode<T>(decode: () => T, tells = true): T | undefined {
    try {
      return decode()
    } catch (error) {
      if (!(error instanceof HearsayError)) throw error
      if (tells) this.#note('replication_frame_malformed', { code: error.code })
      return undefined
    }
  }

  #note(event: string, fields: Readonly<Record<string, string | number>>): void {
    this.#deps.note?.(event, fields)
  }
}

function isOurVersion(payload: Uint8Array): boolean {
  return payload[0] === PRIVATE_MAGIC && payload[1] === PRIVATE_VERSION
}

/** Whether what was new is all that was said, to the byte. What is not a record is new as a whole or not at all. */
function isAllOf(news: Delta, said: Delta): boolean {
  return (
    news.puts.length === said.puts.length &&
    news.adds.length === said.adds.length &&
    news.covered.length === said.covered.length &&
    news.records.length === said.records.length &&
    news.records.every(({ table, key, record }, i) => {
      const other = said.records[i]
      return (
        other !== undefined &&
        table === other.table &&
        key === other.key &&
        compareRecords(record, other.record) === 0
      )
    })
  )
}

/**
 * A newer write to the same map key or record makes the pending one needless: LWW keeps only the newest. Of a map key
 * that goes for one writer's own writes, which come in order; a relayed write of another may be older than the one that
 * is pending. Records are passed on only when they have won. Set deltas supersede nothing: a removal covers exactly the
 * dots it saw, so dropping an earlier one would lose its dots.
 */
function supersedingKey(delta: Delta): string | undefined {
  if (delta.adds.length > 0 || delta.puts.length + delta.records.length !== 1) return undefined
  const put = delta.puts[0]
  if (put !== undefined) {
    return `${stateKeyName({ kind: 'entry', map: put.map, key: put.key })}@${put.entry.dot.actor}`
  }
  const record = delta.records[0]
  if (delta.covered.length > 0 || record === undefined) return undefined
  return stateKeyName({ kind: 'record', table: record.table, key: record.key })
}

/** A copy, unless it is all of its memory, or too long to be read. */
function owned(bytes: Uint8Array): Uint8Array {
  const isView = bytes.length < bytes.buffer.byteLength
  return isView && bytes.length <= SYNC_FRAME_BYTES_MAX ? bytes.slice() : bytes
}
