/**
 * The clock fence: no writes here while our wall clock is the one that is wrong.
 *
 * The skew watch decides (store/core/skew-watch.ts); this is its place in a replica: acks feed it, the store asks it
 * before each write, readiness and status show what it says. Reads, gossip and merging go on, for what others wrote is
 * stamped by their clocks and not by ours.
 *
 * What a replica wrote while its clock was ahead, before anybody could tell, has also carried its stamps ahead, and peers
 * hold back what lies in their future. So when the wall is right again, by the word of the peers, the stamps are taken
 * back to it; else a clock set right after an hour would leave the replica's writes unseen for another.
 *
 * Each write asks, so the answer is kept for a second, unless the wall clock has stepped since.
 */
import type { Clock } from '../base/clock.ts'
import { HearsayError } from '../base/errors.ts'
import type { Member } from '../gossip/core/delegate.ts'
import { SkewWatch, type SkewWatchOptions } from '../store/core/skew-watch.ts'
import type { StateStore } from '../store/state-store.ts'

export interface ClockFenceDeps {
  readonly clock: Clock
  /** All members known just now. */
  readonly members: () => readonly Member[]
  /** Hears when writes stop for the clock, with the reason, and with undefined when they go on. */
  readonly changed: (reason: string | undefined) => void
  /** The clock of the stamps; undefined before the store is open. */
  readonly stamps: () => StampClock | undefined
  /** Stamps further ahead of their wall than this are held back by peers. */
  readonly maxLeadMs: number
  /** Hears that the stamps were taken back, and by how much; or why their bound on disk was not. */
  readonly turnedBack: (leadMs: number, error?: unknown) => void
  readonly options?: SkewWatchOptions
}

/** The clock that writes are stamped with, as the store has it. */
export type StampClock = Pick<StateStore, 'clockLeadMs' | 'turnBackClock'>

/** For so long an answer is repeated; also the step of the wall clock that makes it stale at once. */
const ANSWER_MS = 1000

export class ClockFence {
  readonly #deps: ClockFenceDeps
  readonly #watch: SkewWatch
  #refusal: HearsayError | undefined
  #answeredAtMs = Number.NEGATIVE_INFINITY
  /** Wall minus monotonic clock at the last answer. */
  #wallAtZeroMs = 0

  constructor(deps: ClockFenceDeps) {
    this.#deps = deps
    this.#watch = new SkewWatch(deps.options)
  }

  /** A peer's ack told its wall clock. */
  heard(peer: string, theirWallMs: number, rttMs: number): void {
    const { clock } = this.#deps
    const [nowMs, ourWallMs] = [clock.monotonicMs(), clock.wallMs()]
    this.#watch.setPeers(this.#peers())
    this.#watch.heard(peer, { theirWallMs, ourWallMs, rttMs }, nowMs)
    this.#review(ourWallMs, nowMs)
  }

  /** Why a write is refused now, as `STORE_CLOCK_OFF`; undefined when it is not. */
  refusal(): HearsayError | undefined {
    const { clock } = this.#deps
    const [nowMs, ourWallMs] = [clock.monotonicMs(), clock.wallMs()]
    const steppedMs = Math.abs(ourWallMs - nowMs - this.#wallAtZeroMs)
    if (nowMs - this.#answeredAtMs < ANSWER_MS && steppedMs < ANSWER_MS) return this.#refusal
    this.#watch.setPeers(this.#peers())
    this.#review(ourWallMs, nowMs)
    return this.#refusal
  }

  /** Wall clocks of peers minus ours, by name: live members of our own kind that were heard in the last 5 minutes. */
  offsetsMs(): ReadonlyMap<string, number> {
    const { clock } = this.#deps
    this.#watch.setPeers(this.#peers())
    return this.#watch.offsetsMs(clock.wallMs(), clock.monotonicMs())
  }

  #review(ourWallMs: number, nowMs: number): void {
    this.#answeredAtMs = nowMs
    this.#wallAtZeroMs = ourWallMs - nowMs
    const verdict = this.#watch.verdict(ourWallMs, nowMs)
    const wasFenced = this.#refusal !== undefined
    this.#refusal = verdict.fenced ? new HearsayError('STORE_CLOCK_OFF', verdict.reason) : undefined
    if (verdict.fenced !== wasFenced) this.#deps.changed(this.#refusal?.message)
    this.#turnBack(ourWallMs, nowMs)
  }

  #turnBack(ourWallMs: number, nowMs: number): void {
    const { stamps, maxLeadMs, turnedBack } = this.#deps
    const clock = stamps()
    const leadMs = clock?.clockLeadMs() ?? 0
    if (clock === undefined || leadMs <= maxLeadMs || !this.#watch.confirms(maxLeadMs, ourWallMs, nowMs))
      return
    turnedBack(leadMs)
    // The next life would begin ahead again, and be taken back again.
    clock.turnBackClock().catch((error: unknown) => turnedBack(leadMs, error))
  }

  #peers(): string[] {
    return this.#deps
      .members()
      .filter(
        ({ isSelf, peerClass, liveness }) =>
          !isSelf && peerClass === 'native' && (liveness === 'alive' || liveness === 'suspect'),
      )
      .map(({ name }) => name)
  }
}
