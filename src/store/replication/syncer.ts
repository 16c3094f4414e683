/**
 * The sessions of this replica: who may have one, when it ends, and what became of it.
 *
 * An offer opens nothing by itself: the side that got it decides by it whether the states differ and opens the session as
 * the comparing side; for the side that offered it begins with the first frame that names the number it gave out. So nobody
 * can open a session here without having seen our offer, except by an offer of its own.
 *
 * One session a peer: a new offer means that the peer knows of none, so it replaces what there is. When both called at
 * once, the session of the member whose name sorts first stays. Four at once in all; whoever comes fifth is refused by name and
 * tries again at its next exchange. 30 s without a frame end a session, and the next one finds only the rest.
 * A newcomer is filled by one peer at a time: of others that also hold thousands of items more it asks for an exchange when
 * the first has given what it has, and then there is next to nothing left to send.
 *
 * Without a clock: time is what the last `tick` said.
 */
import { compareBytes } from '../../base/bytes.ts'
import { HearsayError } from '../../base/errors.ts'
import type { Random } from '../../base/random.ts'
import { Tally } from '../../base/tally.ts'
import type { Delta } from '../core/delta.ts'
import { contextHash } from './context-hash.ts'
import { EarlyFrames } from './early-frames.ts'
import { encodeSyncFrame, type StateSummary, type SyncBody, type SyncFrame } from './frames.ts'
import { sameState, summaryOf } from './state-summary.ts'
import { SyncSession } from './sync-session.ts'
import type { SyncStore } from './sync-store.ts'

export interface SyncLimits {
  readonly sessionsMax: number
  /** Without a frame from the peer or work of our own. */
  readonly idleTimeoutMs: number
  /** News of one session up to this many lines is passed on; a larger repair reaches the others by their own. */
  readonly relayLinesMax: number
  /** A peer that holds so many items more than we do fills us: no two of them at once. */
  readonly fillingItemsMin: number
}

export const DEFAULT_SYNC_LIMITS: SyncLimits = {
  sessionsMax: 4,
  idleTimeoutMs: 30_000,
  relayLinesMax: 100,
  fillingItemsMin: 2500,
}

/** How long we wait for the first frame of a peer that is to compare, before a new offer may ask it again. */
export const FIRST_FRAME_TIMEOUT_MS = 5000
/** Session numbers given out that may still be answered. */
const OFFERED_MAX = 64

export interface SyncerDeps {
  readonly selfName: string
  readonly store: SyncStore
  readonly random: Random
  readonly schedule: (task: () => void) => void
  readonly send: (peer: string, frame: Uint8Array) => void
  /** Whether a live member of this name speaks our private wire. */
  readonly isPeer: (name: string) => boolean
  /** Small news, to be passed on. */
  readonly relay: (news: Delta) => void
  /** Asks for an exchange with a peer that had to wait for another one. */
  readonly requestExchange: (peer: string) => void
  readonly note: (event: string, fields: Readonly<Record<string, string | number>>) => void
  /** A member was seen to hold what we hold, or a session with it came to its end. */
  readonly synced?: (peer: string) => void
  readonly limits?: Partial<SyncLimits>
}

interface Running {
  readonly number: number
  /** Whether the number is ours: the peer answered our offer. */
  readonly ours: boolean
  readonly session: SyncSession
  wasActive: boolean
  idleSinceMs: number
}

/** What a peer was last seen to hold. */
interface KnownState {
  readonly root: Uint8Array
  readonly contextHash: Uint8Array
  readonly count: number
}

export class Syncer {
  /** By name: `sessions_*`, `exchanges_*`, `frames_*`, `chunks_*`, `lines_*`, `bytes_sent`, `retired`, `early_repairs`, `reunions`. */
  readonly stats: Tally = new Tally()
  readonly #deps: SyncerDeps
  readonly #limits: SyncLimits
  readonly #running = new Map<string, Running>()
  readonly #known = new Map<string, KnownState>()
  readonly #synced = new Set<string>()
  /** Session numbers given out, with how many items we held then. */
  readonly #offered = new Map<number, number>()
  /** Peers that were told enough to compare and have not begun, with when they were told. */
  readonly #awaited = new Map<string, number>()
  /** Peers that would fill us, while another one does. */
  readonly #postponed = new Set<string>()
  readonly #early = new EarlyFrames()
  #nowMs = 0

  constructor(deps: SyncerDeps) {
    this.#deps = deps
    this.#limits = { ...DEFAULT_SYNC_LIMITS, ...deps.limits }
  }

  get sessions(): number {
    return this.#running.size
  }

  isRunning(peer: string): boolean {
    return this.#running.has(peer)
  }

  /** Whether this peer was seen to hold what we hold, or a session with it came to its end, since the start. */
  syncedWith(peer: string): boolean {
    return this.#synced.has(peer)
  }

  /** Whether this peer was last seen to hold something else than we hold now; undefined when it was not seen. */
  differs(peer: string): boolean | undefined {
    const known = this.#known.get(peer)
    return known && compareBytes(known.root, this.#deps.store.digest.root()) !== 0
  }

  /** Our half of an exchange that we start. @param peer the other side, where it is known */
  offer(peer: string | undefined): Uint8Array {
    const { store } = this.#deps
    if (peer !== undefined && (this.#running.has(peer) || this.#awaited.has(peer))) {
      return this.#frame(0, summaryOf(store, 'nothing'))
    }
    const known = peer === undefined ? undefined : this.#known.get(peer)
    const brief = summaryOf(store, 'nothing')
    const session = this.#newNumber()
    if (known !== undefined && isKnown(known, brief)) return this.#frame(session, brief)
    return this.#frame(session, summaryOf(store, 'sketch'))
  }

  /** Our half of an exchange that a peer started with this offer. */
  answer({ session, body }: SyncFrame): Uint8Array {
    if (body.kind !== 'offer') return new Uint8Array(0)
    const { store } = this.#deps
    const brief = summaryOf(store, 'nothing')
    if (sameState(store, body.state)) {
      const same = compareBytes(brief.contextHash, body.state.contextHash) === 0
      return this.#frame(session, same ? brief : summaryOf(store, 'context'))
    }
    // Without their symbols it is for them to compare.
    const theyCompare = body.state.sketch === undefined && session !== 0
    return this.#frame(session, theyCompare ? summaryOf(store, 'sketch') : brief)
  }

  /** The peer's half of an exchange. @param started whether the peer started it */
  exchanged(frame: SyncFrame, started: boolean): void {
    this.#compareHalves(frame, started)
    for (const early of this.#early.take(frame.sender)) this.receive(early)
  }

  #compareHalves(frame: SyncFrame, started: boolean): void {
    const { sender, session, body } = frame
    if (body.kind !== 'offer' || !this.#fromPeer(sender)) return
    const { store } = this.#deps
    this.knows(sender, body.state)
    if (sameState(store, body.state)) {
      this.stats.add('exchanges_equal')
      if (body.state.context !== undefined) store.unite(body.state.context)
      this.#isSynced(sender)
      return
    }
    this.stats.add('exchanges_different')
    if (session === 0 || (!started && !this.#offered.has(session))) return
    if (body.state.sketch === undefined || body.state.context === undefined) {
      // They have our symbols and compare; for us it begins with their first frame.
      if (started) this.#gaveOut(session)
      if (!this.#running.has(sender)) this.#awaited.set(sender, this.#nowMs)
      return
    }
    if (started) this.#close(sender, 'sessions_replaced')
    else if (this.#running.has(sender)) return
    this.#open(sender, session, !started)?.compareWith(body.state)
  }

  /** A frame of a session. */
  receive(frame: SyncFrame): void {
    const { sender, session: number, body } = frame
    if (body.kind === 'offer') return
    if (this.#offered.has(number) && !this.#deps.isPeer(sender)) {
      this.#early.keep(frame)
      return
    }
    if (!this.#fromPeer(sender)) return
    const running = this.#running.get(sender)
    if (running?.number === number) {
      this.#handle(sender, running, body)
      return
    }
    const heldThen = this.#offered.get(number)
    if (heldThen === undefined) {
      this.stats.add('frames_of_no_session')
      return
    }
    this.#awaited.delete(sender)
    if (body.kind === 'refuse') return
    if (running !== undefined && !running.ours && sender < this.#deps.selfName) {
      this.#send(sender, number, { kind: 'refuse', reason: 'superseded' })
      return
    }
    this.#close(sender, 'sessions_replaced')
    this.#offered.delete(number)
    if (this.#deps.store.digest.count - heldThen >= this.#limits.fillingItemsMin) {
      // They compare with what we held before another peer filled us.
      this.#postpone(sender, number)
      if (!this.#isBeingFilled()) this.#askPostponed()
      return
    }
    if (this.#open(sender, number, true) === undefined) return
    const opened = this.#running.get(sender)
    if (opened !== undefined) this.#handle(sender, opened, body)
  }

  /** What a peer holds, by whatever way it was told. */
  knows(peer: string, { root, contextHash, count }: KnownState): void {
    this.#known.set(peer, { root, contextHash, count })
  }

  /** The peer left or died. */
  gone(peer: string): void {
    this.#close(peer, 'sessions_broken')
    this.#awaited.delete(peer)
    this.#postponed.delete(peer)
    this.#known.delete(peer)
    this.#synced.delete(peer)
  }

  /** @param nowMs monotonic; to be called about once a second */
  tick(nowMs: number): void {
    this.#nowMs = nowMs
    for (const [peer, sinceMs] of this.#awaited) {
      if (nowMs - sinceMs >= FIRST_FRAME_TIMEOUT_MS) this.#awaited.delete(peer)
    }
    for (const [peer, running] of [...this.#running]) {
      if (running.wasActive) {
        running.wasActive = false
        running.idleSinceMs = nowMs
      } else if (nowMs - running.idleSinceMs >= this.#limits.idleTimeoutMs) {
        this.#close(peer, 'sessions_timed_out')
      }
    }
  }

  #open(peer: string, number: number, ours: boolean): SyncSession | undefined {
    if (this.#fills(peer) && this.#isBeingFilled()) {
      this.#postpone(peer, number)
      return undefined
    }
    if (this.#running.size >= this.#limits.sessionsMax) {
      this.stats.add('sessions_refused_busy')
      this.#send(peer, number, { kind: 'refuse', reason: 'busy' })
      return undefined
    }
    this.#postponed.delete(peer)
    this.stats.add('sessions_opened')
    const running: Running = {
      number,
      ours,
      wasActive: true,
      idleSinceMs: this.#nowMs,
      session: this.#session(peer, number, () => {
        running.wasActive = true
      }),
    }
    this.#running.set(peer, running)
    return running.session
  }

  #session(peer: string, number: number, active: () => void): SyncSession {
    const { store, schedule, relay } = this.#deps
    let relayed = 0
    return new SyncSession({
      store,
      schedule,
      active,
      send: (body) => this.#send(peer, number, body),
      sent: (lines) => {
        this.stats.add('chunks_sent')
        this.stats.add('lines_sent', lines)
      },
      retired: (count) => this.stats.add('retired', count),
      joined: (news, lines) => {
        this.stats.add('chunks_received')
        this.stats.add('lines_received', lines)
        relayed += linesOf(news)
        if (relayed <= this.#limits.relayLinesMax) relay(news)
      },
      completed: (equal, theirs) => {
        this.#running.delete(peer)
        this.#askPostponed()
        this.stats.add(equal ? 'sessions_equal' : 'sessions_moved_on')
        // Both have united their contexts, so that the peer's is ours now.
        this.knows(peer, equal ? { ...theirs, contextHash: contextHash(store.context) } : theirs)
        this.#isSynced(peer)
      },
    })
  }

  #handle(peer: string, running: Running, body: SyncBody): void {
    running.wasActive = true
    if (body.kind === 'refuse') {
      this.stats.add('sessions_refused_by_peer')
      this.#close(peer, 'sessions_broken')
      return
    }
    try {
      if (running.session.receive(body)) return
    } catch (error) {
      if (!(error instanceof HearsayError)) throw error
      this.#deps.note('replication_frame_malformed', { code: error.code })
    }
    this.#close(peer, 'sessions_broken')
  }

  #close(peer: string, outcome: string): void {
    const running = this.#running.get(peer)
    if (running === undefined) return
    running.session.close()
    this.#running.delete(peer)
    this.#askPostponed()
    this.stats.add(outcome)
    this.#deps.note('replication_session_ended', { peer, outcome })
  }

  /** Whether a session with this peer brings thousands of items here, or may: its frames can overtake its offer. */
  #fills(peer: string): boolean {
    const known = this.#known.get(peer)
    return known === undefined || known.count - this.#deps.store.digest.count >= this.#limits.fillingItemsMin
  }

  #isBeingFilled(): boolean {
    return [...this.#running.keys()].some((peer) => this.#fills(peer))
  }

  #postpone(peer: string, number: number): void {
    this.stats.add('sessions_postponed')
    this.#postponed.add(peer)
    this.#send(peer, number, { kind: 'refuse', reason: 'busy' })
  }

  /** Each of them is asked: should they still hold much more, the first to answer fills us next. */
  #askPostponed(): void {
    const peers = [...this.#postponed]
    this.#postponed.clear()
    for (const peer of peers) this.#deps.requestExchange(peer)
  }

  #isSynced(peer: string): void {
    this.#synced.add(peer)
    this.#deps.synced?.(peer)
  }

  #fromPeer(sender: string): boolean {
    if (sender !== this.#deps.selfName && this.#deps.isPeer(sender)) return true
    this.stats.add('frames_of_strangers')
    return false
  }

  #newNumber(): number {
    const number = 1 + this.#deps.random.below(0xffff_fffe)
    this.#gaveOut(number)
    return number
  }

  #gaveOut(number: number): void {
    this.#offered.set(number, this.#deps.store.digest.count)
    for (const oldest of this.#offered.keys()) {
      if (this.#offered.size <= OFFERED_MAX) break
      this.#offered.delete(oldest)
    }
  }

  #frame(session: number, state: StateSummary): Uint8Array {
    return encodeSyncFrame({ sender: this.#deps.selfName, session, body: { kind: 'offer', state } })
  }

  #send(peer: string, session: number, body: SyncBody): void {
    const frame = encodeSyncFrame({ sender: this.#deps.selfName, session, body })
    this.stats.add('frames_sent')
    this.stats.add('bytes_sent', frame.length)
    this.#deps.send(peer, frame)
  }
}

function isKnown(known: KnownState, { root, contextHash }: StateSummary): boolean {
  return compareBytes(known.root, root) === 0 && compareBytes(known.contextHash, contextHash) === 0
}

function linesOf(news: Delta): number {
  return news.puts.length + news.adds.length + news.covered.length + news.records.length
}
