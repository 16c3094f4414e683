/**
 * Reconnect: not giving up on peers that vanished.
 *
 * The machine forgets a dead member after half a minute, as memberlist does, and two halves of a healed partition would
 * then never meet again. So we keep the addresses of the lost and call on them, and we look up the configured peers again
 * and again, because a scheduler may have moved them (what Alertmanager does: alertmanager-state.md section 1.6).
 *
 * Each of the lost has calls of its own, first 1 s after it was lost, then after twice as long each time, up to the
 * reconnect interval of 10 s: so when a cable is mended after ten minutes, both sides have called within 10 s. What waits
 * is cut by up to a fifth at random, so that a cluster that failed together does not call together; never lengthened,
 * or the promise would not hold. A sign of life, such as a datagram from there, is answered with a call within 2 s.
 *
 * Numbers: called for 6 h. The configured names are looked up 1 s after the start, then after twice as long each time, up to
 * every 15 s, give or take a tenth: peers that start together find each other soon. At most 32 calls are under way, and who
 * has waited longest goes first; a call that hangs is given up after 4 s, so up to 80 peers that swallow calls are each
 * called every 10 s, and more of them by turns. At most 10,000 are remembered.
 *
 * Data only: the driver asks `nextAt`, calls `due`, does the dialling and tells `ended`. Members that left on purpose are
 * not called. The same list says which replicas count although gossip lists them no more (store/replication/ack-roster.ts),
 * so it is kept when an interval of 0 turns the calls off.
 */
import type { Random } from '../../base/random.ts'
import type { MemberEvent } from './delegate.ts'
import { type Endpoint, placeKey } from './endpoint.ts'

/** After a loss, and after the start. */
const FIRST_CALL_MS = 1000
const CALL_JITTER = 0.2
const REFRESH_JITTER = 0.1
/** Between calls for signs of life, which may be forged. */
const SIGN_GAP_MS = 2000
export const CALLS_AT_ONCE_MAX = 32
const REMEMBERED_MAX = 10_000

export interface ReconnectOptions {
  /** At most this long between calls on each of the lost; 0 turns them off. */
  readonly reconnectIntervalMs: number
  /** A member lost for longer is forgotten. */
  readonly reconnectTimeoutMs: number
  /** At most this long between look-ups of the configured peers; 0 turns them off. */
  readonly refreshIntervalMs: number
}

/** A peer by the name and address it had last. */
export interface KnownPeer {
  readonly name: string
  readonly endpoint: Endpoint
  /** Whether it speaks hearsay's frames and has not left on purpose: write concerns count it until it is met again. */
  readonly isReplica?: boolean
}

export interface LostPeer extends KnownPeer {
  /** Monotonic; of a remembered peer when we began to look for it. */
  readonly sinceMs: number
}

export interface ReconnectRound {
  /** Where the lost used to listen, to be called now. Each is under way until `ended`. */
  readonly lost: readonly Endpoint[]
  /** Whether to look the configured peers up and join those that are no members. */
  readonly refresh: boolean
}

/** One address where somebody was lost; of several names in succession the last. */
interface Lost {
  readonly peer: KnownPeer
  readonly sinceMs: number
  nextAtMs: number
  /** From the next call to the one after it. */
  gapMs: number
  calledAtMs: number
}

export class Reconnect {
  readonly #options: ReconnectOptions
  readonly #random: Random
  /** By endpoint, the last lost at the end. */
  readonly #lost = new Map<string, Lost>()
  readonly #keyByName = new Map<string, string>()
  /** Endpoints that are being called. */
  readonly #underWay = new Set<string>()
  #refreshAt = Number.POSITIVE_INFINITY
  #refreshGapMs: number

  /** @param remembered peers of an earlier life of this process, lost until they are seen */
  constructor(
    options: ReconnectOptions,
    random: Random,
    nowMs: number,
    remembered: readonly KnownPeer[] = [],
  ) {
    this.#options = options
    this.#random = random
    this.#refreshGapMs = Math.min(FIRST_CALL_MS, options.refreshIntervalMs)
    this.#refreshLater(nowMs)
    for (const peer of remembered) this.#lose(nowMs, peer)
  }

  /** Addresses that are called on, if calls are made. */
  get lostCount(): number {
    return this.#lost.size
  }

  isLost(endpoint: Endpoint): boolean {
    return this.#lost.has(placeKey(endpoint))
  }

  /** Who is missed, the last lost first. */
  lost(): readonly LostPeer[] {
    return [...this.#lost.values()].map(({ peer, sinceMs }) => ({ ...peer, sinceMs })).reverse()
  }

  observe(nowMs: number, event: MemberEvent): void {
    const { member } = event
    if (member.isSelf || event.type === 'conflict') return
    this.#forgetName(member.name)
    // A restarted process often comes back under a new name at the old address: that answers for the old name too.
    if (event.type !== 'leave') this.#forget(placeKey(member.endpoint))
    else if (member.liveness === 'dead') {
      const { name, endpoint, peerClass } = member
      this.#lose(nowMs, { name, endpoint, isReplica: peerClass === 'native' })
    }
  }

  #lose(nowMs: number, peer: KnownPeer): void {
    const { reconnectIntervalMs, reconnectTimeoutMs } = this.#options
    const key = placeKey(peer.endpoint)
    this.#forget(key)
    const [oldest] = this.#lost.keys()
    if (this.#lost.size >= REMEMBERED_MAX && oldest !== undefined) this.#forget(oldest)
    const gapMs = Math.min(FIRST_CALL_MS, reconnectIntervalMs)
    const calledAtMs = Number.NEGATIVE_INFINITY
    const lost: Lost = { peer, sinceMs: nowMs, nextAtMs: nowMs, gapMs, calledAtMs }
    // Without calls its next turn is to be forgotten.
    if (reconnectIntervalMs === 0) lost.nextAtMs = nowMs + reconnectTimeoutMs + 1
    else this.#postpone(nowMs, lost)
    this.#lost.set(key, lost)
    this.#keyByName.set(peer.name, key)
  }

  #forgetName(name: string): void {
    const key = this.#keyByName.get(name)
    if (key !== undefined) this.#forget(key)
  }

  #forget(key: string): void {
    const lost = this.#lost.get(key)
    if (lost === undefined) return
    this.#lost.delete(key)
    this.#keyByName.delete(lost.peer.name)
  }

  #postpone(nowMs: number, lost: Lost): void {
    lost.nextAtMs = nowMs + lost.gapMs * (1 - CALL_JITTER * this.#random.next())
    lost.gapMs = Math.min(2 * lost.gapMs, this.#options.reconnectIntervalMs)
  }

  /**
   * Something came from this endpoint, or claims to: whoever was lost there is called soon. Strangers are not.
   * @returns whether `nextAt` may have changed: to ask it costs a look at all of the lost
   */
  signOfLife(nowMs: number, endpoint: Endpoint): boolean {
    if (this.#lost.size === 0 || this.#options.reconnectIntervalMs === 0) return false
    const lost = this.#lost.get(placeKey(endpoint))
    if (lost === undefined) return false
    const soonMs = Math.max(nowMs, lost.calledAtMs + SIGN_GAP_MS)
    if (soonMs >= lost.nextAtMs) return false
    lost.nextAtMs = soonMs
    return true
  }

  /** Monotonic time of the next round; infinite when there is nobody to call and nothing to look up. */
  nextAt(): number {
    let earliestMs = this.#refreshAt
    if (this.#underWay.size >= CALLS_AT_ONCE_MAX) return earliestMs
    for (const [key, { nextAtMs }] of this.#lost) {
      if (nextAtMs < earliestMs && !this.#underWay.has(key)) earliestMs = nextAtMs
    }
    return earliestMs
  }

  due(nowMs: number): ReconnectRound {
    const refresh = nowMs >= this.#refreshAt
    if (refresh) this.#refreshLater(nowMs)
    const waiting: [string, Lost][] = []
    for (const [key, lost] of this.#lost) {
      if (nowMs - lost.sinceMs > this.#options.reconnectTimeoutMs) this.#forget(key)
      else if (lost.nextAtMs <= nowMs && !this.#underWay.has(key)) waiting.push([key, lost])
    }
    waiting.sort(([, a], [, b]) => a.nextAtMs - b.nextAtMs)
    const called = waiting.slice(0, CALLS_AT_ONCE_MAX - this.#underWay.size)
    for (const [key, lost] of called) {
      this.#underWay.add(key)
      lost.calledAtMs = nowMs
      this.#postpone(nowMs, lost)
    }
    return { lost: called.map(([, { peer }]) => peer.endpoint), refresh }
  }

  /** The call that `due` asked for is over, whatever came of it. */
  ended(endpoint: Endpoint): void {
    this.#underWay.delete(placeKey(endpoint))
  }

  #refreshLater(nowMs: number): void {
    const { refreshIntervalMs } = this.#options
    if (refreshIntervalMs === 0) return
    const stretch = 1 - REFRESH_JITTER + 2 * REFRESH_JITTER * this.#random.next()
    this.#refreshAt = nowMs + this.#refreshGapMs * stretch
    this.#refreshGapMs = Math.min(2 * this.#refreshGapMs, refreshIntervalMs)
  }
}
