/**
 * Whether a simulated process has heard its peers since it booted, as production asks it (app/settlement.ts): each live
 * member was seen to hold what is held here, and who is not there has had 2 s to appear. Who has not answered by the
 * timeout is not waited for.
 */
import type { Member } from '../gossip/core/delegate.ts'

const GRACE_MS = 2000
const TIMEOUT_MS = 20_000
const ASK_AGAIN_MS = 2000

export interface SimSettlementDeps {
  /** Other nodes of the cluster. */
  readonly others: number
  readonly members: () => readonly Member[]
  readonly syncedWith: (name: string) => boolean
  readonly monotonicMs: () => number
  /** One more push-pull with a member. */
  readonly exchange: (name: string) => void
}

export class SimSettlement {
  readonly #deps: SimSettlementDeps
  readonly #bootedAtMs: number
  #settled = false
  #askedAtMs: number

  constructor(deps: SimSettlementDeps) {
    this.#deps = deps
    this.#bootedAtMs = deps.monotonicMs()
    this.#askedAtMs = this.#bootedAtMs
  }

  get settled(): boolean {
    if (!this.#settled) this.#settled = this.#isDone()
    return this.#settled
  }

  /** Asks those again that gave nothing. */
  tick(): void {
    const nowMs = this.#deps.monotonicMs()
    if (this.settled || nowMs - this.#askedAtMs < ASK_AGAIN_MS) return
    this.#askedAtMs = nowMs
    for (const { name } of this.#missing()) this.#deps.exchange(name)
  }

  #isDone(): boolean {
    const elapsedMs = this.#deps.monotonicMs() - this.#bootedAtMs
    if (elapsedMs >= TIMEOUT_MS) return true
    const isComplete = this.#live().length >= this.#deps.others || elapsedMs >= GRACE_MS
    return isComplete && this.#missing().length === 0
  }

  #missing(): readonly Member[] {
    return this.#live().filter(({ name }) => !this.#deps.syncedWith(name))
  }

  #live(): readonly Member[] {
    return this.#deps.members().filter(({ isSelf, liveness }) => !isSelf && liveness === 'alive')
  }
}
