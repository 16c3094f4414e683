/**
 * The skew watch: whether our own wall clock is the one that is wrong.
 *
 * Think of somebody who enters a room with clocks on every wall. If one of them disagrees with his watch, that clock is
 * wrong; if most of them disagree, and all in the same direction, it is the watch. A replica in that position would
 * stamp its writes so that they win, or lose, for no reason that a user could see, so it stops writing until the time
 * is right again (DESIGN.md section 5).
 *
 * How: each ack of a peer says what its wall clock showed; half the round trip is added for the way back. What is kept
 * is the peer's clock as a function of our *monotonic* one, so that a step of our own wall clock shows at once, with
 * all peers, and not only when each has been heard again. (A machine that was suspended looks the same, for the monotonic
 * clock slept with it: writes then wait for the next acks, a second or two.)
 *
 * Numbers: fenced above 60 s off more than half of the known peers, of which at least two; free again below 50 s, so
 * that a clock on the edge does not flap. With three replicas that takes both others: two that disagree cannot tell
 * who is right. A reading counts for 5 minutes; the 128 last heard are kept, and in a larger cluster those vote.
 *
 * Pure. Not here: who asks (app/clock-fence.ts), and stamps of others that are too far ahead (replica-state.ts parks them).
 */

/** Readings that took longer, because somebody stood still meanwhile, say nothing of when they were made. */
export const READING_RTT_MAX_MS = 2000
export const READING_FRESH_MS: number = 5 * 60_000
export const WATCHED_PEERS_MAX = 128
/** One opinion is not a majority: either of the two clocks may be wrong. */
const VOTES_MIN = 2

export interface SkewWatchOptions {
  /** Further away than this from the majority we are fenced. Default 60 s. */
  readonly fenceAboveMs?: number
  /** Not further away than this we are free again. Default 50 s; at most `fenceAboveMs`. */
  readonly freeBelowMs?: number
  readonly peersMax?: number
}

/** What one ack told. */
export interface ClockReading {
  readonly theirWallMs: number
  /** Ours when the ack came in. */
  readonly ourWallMs: number
  readonly rttMs: number
}

export type SkewVerdict =
  | { readonly fenced: false }
  /** `reason` is one sentence for a person. */
  | { readonly fenced: true; readonly reason: string }

interface PeerClock {
  /** Their wall clock minus our monotonic one. */
  readonly wallAtZeroMs: number
  readonly heardAtMs: number
}

const FREE: SkewVerdict = { fenced: false }

/** All `nowMs` are monotonic milliseconds. */
export class SkewWatch {
  readonly #fenceAboveMs: number
  readonly #freeBelowMs: number
  readonly #peersMax: number
  /** Least recently heard first. */
  readonly #clocks = new Map<string, PeerClock>()
  #known: ReadonlySet<string> = new Set()
  /** Direction in which we are off: 1 when the others are ahead; 0 while not fenced. */
  #fencedBy: -1 | 0 | 1 = 0

  constructor(options: SkewWatchOptions = {}) {
    this.#fenceAboveMs = options.fenceAboveMs ?? 60_000
    this.#freeBelowMs = options.freeBelowMs ?? 50_000
    this.#peersMax = options.peersMax ?? WATCHED_PEERS_MAX
  }

  /** The peers whose clocks count: live members of our own kind. All others are forgotten. */
  setPeers(peers: Iterable<string>): void {
    this.#known = new Set(peers)
    for (const peer of this.#clocks.keys()) if (!this.#known.has(peer)) this.#clocks.delete(peer)
  }

  heard(peer: string, { theirWallMs, ourWallMs, rttMs }: ClockReading, nowMs: number): void {
    const wallMs = theirWallMs + rttMs / 2
    const useful = this.#known.has(peer) && rttMs <= READING_RTT_MAX_MS && Number.isFinite(wallMs - ourWallMs)
    if (!useful) return
    this.#clocks.delete(peer)
    this.#clocks.set(peer, { wallAtZeroMs: wallMs - nowMs, heardAtMs: nowMs })
    const [oldest] = this.#clocks.keys()
    if (this.#clocks.size > this.#peersMax && oldest !== undefined) this.#clocks.delete(oldest)
  }

  /** Their wall clock minus ours, by peer; only of readings that count. */
  offsetsMs(ourWallMs: number, nowMs: number): ReadonlyMap<string, number> {
    const offsets = new Map<string, number>()
    for (const [peer, { wallAtZeroMs, heardAtMs }] of this.#clocks) {
      if (nowMs - heardAtMs <= READING_FRESH_MS) offsets.set(peer, wallAtZeroMs + nowMs - ourWallMs)
    }
    return offsets
  }

  /** The verdict now; remembered, for being fenced and being free end at different offsets. */
  verdict(ourWallMs: number, nowMs: number): SkewVerdict {
    const offsets = [...this.offsetsMs(ourWallMs, nowMs).values()].sort((a, b) => a - b)
    for (const direction of [1, -1] as const) {
      const limitMs = this.#fencedBy === direction ? this.#freeBelowMs : this.#fenceAboveMs
      const agreeing = offsets.filter((offset) => offset * direction > limitMs)
      if (!this.#isMajority(agreeing.length)) continue
      this.#fencedBy = direction
      return { fenced: true, reason: this.#reason(agreeing) }
    }
    this.#fencedBy = 0
    return FREE
  }

  /** Whether a majority of the peers, or the only one, shows our time to within `withinMs`. */
  confirms(withinMs: number, ourWallMs: number, nowMs: number): boolean {
    const offsets = [...this.offsetsMs(ourWallMs, nowMs).values()]
    const agreeing = offsets.filter((offset) => Math.abs(offset) <= withinMs)
    return agreeing.length * 2 > Math.min(this.#known.size, this.#peersMax)
  }

  #isMajority(votes: number): boolean {
    const voters = Math.min(this.#known.size, this.#peersMax)
    return votes >= VOTES_MIN && votes * 2 > voters
  }

  #reason(offsets: readonly number[]): string {
    const middle = offsets[Math.floor(offsets.length / 2)] ?? 0
    const seconds = Math.round(Math.abs(middle) / 1000)
    const where = middle > 0 ? 'behind' : 'ahead of'
    const voters = Math.min(this.#known.size, this.#peersMax)
    return `the clock of this machine is ${seconds} s ${where} ${offsets.length} of ${voters} peers; set it right`
  }
}
