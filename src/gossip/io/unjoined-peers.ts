/**
 * Peers that cannot be joined, each with the last reason: what a person has to know of a replica that finds nobody.
 *
 * Whoever calls configured or remembered peers tells the outcome here. A line is logged for each address at once, again
 * after a minute, then ever less often up to once an hour, and sooner when somebody turns out to be there after all, or no more; one
 * more tells that it works. In the first second of a replica only those that are there get a line: replicas that start
 * together find nobody at first. Who left in order is no trouble, and is called on quietly (left-peers.ts); nor is anybody
 * once we leave ourselves.
 *
 * Numbers: 256 addresses, the oldest gone first; one that nobody has called for 60 s is forgotten, since it may be in
 * no configuration and no answer of a resolver any more.
 */
import type { Clock } from '../../base/clock.ts'
import type { MemberEvent } from '../core/delegate.ts'
import type { GossipLog } from './gossip-log.ts'
import { type JoinTrouble, STOPPED } from './join-trouble.ts'
import { LeftPeers } from './left-peers.ts'

export const UNJOINED_MAX = 256
const FORGOTTEN_MS = 60_000
const PATIENCE_MS = 1000
const FIRST_GAP_MS = 60_000
const GAP_MS_MAX = 3_600_000

export interface UnjoinedPeer extends JoinTrouble {
  /** `host:port`, or the name as configured where that is not found. */
  readonly address: string
  /** Monotonic. */
  readonly sinceMs: number
}

interface Entry extends UnjoinedPeer {
  readonly seenMs: number
  readonly nextLineMs: number
  readonly gapMs: number
  readonly wasTold: boolean
}

export class UnjoinedPeers {
  readonly #clock: Clock
  readonly #log: Pick<GossipLog, 'info' | 'warn'>
  readonly #startedMs: number
  readonly #isWanted: () => boolean
  readonly #entries = new Map<string, Entry>()
  readonly #left = new LeftPeers()

  /** @param isWanted false once we leave */
  constructor(clock: Clock, log: Pick<GossipLog, 'info' | 'warn'>, isWanted: () => boolean = () => true) {
    this.#clock = clock
    this.#log = log
    this.#isWanted = isWanted
    this.#startedMs = clock.monotonicMs()
  }

  /** @param trouble undefined: the peer was joined, or is a member */
  note(address: string, trouble: JoinTrouble | undefined): void {
    if (trouble !== undefined && (trouble.reason === STOPPED || !this.#isWanted())) return
    const nowMs = this.#clock.monotonicMs()
    const before = this.#entries.get(address)
    this.#entries.delete(address)
    if (trouble === undefined) {
      if (before?.wasTold === true) this.#log.info('peer_joined', { peer: address })
      return
    }
    if (this.#left.explains(nowMs, address, trouble)) return
    const [oldest] = this.#entries.keys()
    if (this.#entries.size >= UNJOINED_MAX && oldest !== undefined) this.#entries.delete(oldest)
    const known = before?.isThere === trouble.isThere ? before : undefined
    const sinceMs = before?.sinceMs ?? nowMs
    const { nextLineMs, gapMs } = known ?? { nextLineMs: nowMs, gapMs: FIRST_GAP_MS }
    const isEarly = !trouble.isThere && nowMs - this.#startedMs < PATIENCE_MS
    const isDue = nowMs >= nextLineMs && !isEarly
    if (isDue) this.#log.warn('peer_not_joined', { peer: address, reason: trouble.reason })
    this.#entries.set(address, {
      ...trouble,
      address,
      sinceMs,
      seenMs: nowMs,
      nextLineMs: isDue ? nowMs + gapMs : nextLineMs,
      gapMs: isDue ? Math.min(2 * gapMs, GAP_MS_MAX) : gapMs,
      wasTold: isDue || before?.wasTold === true,
    })
  }

  /**
   * The name is found: its endpoints speak for themselves.
   * @param addresses `host:port` of those that are not ours
   */
  found(name: string, addresses: readonly string[]): void {
    this.#entries.delete(name)
    this.#left.found(name, addresses)
  }

  observe(event: MemberEvent): void {
    const left = this.#left.observe(this.#clock.monotonicMs(), event)
    if (left !== undefined) this.#entries.delete(left)
  }

  /** The last one noted at the end. */
  list(): readonly UnjoinedPeer[] {
    const nowMs = this.#clock.monotonicMs()
    for (const [address, { seenMs }] of this.#entries) {
      if (nowMs - seenMs > FORGOTTEN_MS) this.#entries.delete(address)
    }
    return [...this.#entries.values()].map(({ address, reason, isThere, sinceMs }) => ({
      address,
      reason,
      isThere,
      sinceMs,
    }))
  }
}
