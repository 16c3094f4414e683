/**
 * Watches for our own shadow: a peer that knows a write in our name which this process did not issue proves that this
 * identity lived on elsewhere or that we forgot (restored or cloned disk). We then go on as a new actor, at once, and
 * never issue another dot as the old one (peers.md 3b).
 *
 * What counts as issued is what we hold: a number handed out to a batch that is still on its way to the disk is known
 * to nobody else, so a peer that names it made it up or is our clone. Numbers from before this process are not judged:
 * a database may have lost its tail, and gets it back from peers.
 *
 * A new actor costs every replica 20 bytes for ever. So that nobody can make us mint one a frame, only the first frame
 * in ten minutes is believed; the next ones are refused whole, which keeps what they claim out of the context.
 */
import type { ActorId } from '../../base/names.ts'
import type { CausalContext } from '../../crdt/context.ts'
import type { Dot } from '../../crdt/dot.ts'
import type { Delta, FullState } from './delta.ts'
import type { StoreLog } from './store-log.ts'

export const RENOUNCE_INTERVAL_MS = 600_000

/** The actor keeper, as far as it matters here. */
export interface ActingIdentity {
  readonly actor: ActorId
  /** The lowest number that this process may issue. */
  readonly first: number
  renounce(actor: ActorId): void
}

export interface ShadowWatchOptions {
  readonly keeper: ActingIdentity
  /** Of the replica, live. */
  readonly context: CausalContext
  readonly monotonicMs: () => number
  readonly mint: () => ActorId
  readonly log: StoreLog
}

export class ShadowWatch {
  readonly #options: ShadowWatchOptions
  #believesAgainAtMs = Number.NEGATIVE_INFINITY

  constructor(options: ShadowWatchOptions) {
    this.#options = options
  }

  /** To be asked before a join; may make us a new actor. @returns whether the input may be joined */
  admits(input: Delta | FullState): boolean {
    const forged =
      input.puts.some(({ entry }) => this.#isForged(entry.dot)) ||
      input.adds.some(({ dot }) => this.#isForged(dot)) ||
      ('covered' in input ? input.covered.some((dot) => this.#isForged(dot)) : this.#claims(input.context))
    return !forged || this.#renounce()
  }

  /** The same for a context alone. */
  admitsContext(theirs: CausalContext): boolean {
    return !this.#claims(theirs) || this.#renounce()
  }

  #isForged(dot: Dot): boolean {
    const { keeper, context } = this.#options
    return dot.actor === keeper.actor && dot.n >= keeper.first && !context.has(dot)
  }

  #claims(theirs: CausalContext): boolean {
    const { keeper, context } = this.#options
    return theirs
      .intervals(keeper.actor)
      .some(
        ({ first, last }) =>
          last >= keeper.first &&
          !context.hasAll(keeper.actor, { first: Math.max(first, keeper.first), last }),
      )
  }

  /** @returns false while it is too early to give up another identity */
  #renounce(): boolean {
    const { keeper, monotonicMs, mint, log } = this.#options
    const nowMs = monotonicMs()
    if (nowMs < this.#believesAgainAtMs) return false
    this.#believesAgainAtMs = nowMs + RENOUNCE_INTERVAL_MS
    const former = keeper.actor
    keeper.renounce(mint())
    log.warn('store_new_actor', {
      reason: 'a peer knows writes in our name that we did not make',
      former,
      actor: keeper.actor,
    })
    return true
  }
}
