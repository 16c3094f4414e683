/**
 * Whether a simulated process has heard its peers since it booted, as production asks it (app/settlement.ts): each live
 * member was seen to hold what is held here, and who is not there has had 2 s to appear. Members are asked one after the
 * other; who does not answer after those 2 s, or has given nothing by the timeout, is not waited for.
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
  readonly exchange: (name: string, ended: (answered: boolean) => void) => void
}

interface Asked {
  readonly atMs: number
  /** Undefined while the exchange is under way. */
  answered: boolean | undefined
}

export class SimSettlement {
  readonly #deps: SimSettlementDeps
  readonly #bootedAtMs: number
  readonly #asked = new Map<string, Asked>()
  #settled = false

  constructor(deps: SimSettlementDeps) {
    this.#deps = deps
    this.#bootedAtMs = deps.monotonicMs()
  }

  get settled(): boolean {
    if (!this.#settled) this.#settled = this.#isDone()
    return this.#settled
  }

  /** Asks the next one that has given nothing; to be called often. */
  tick(): void {
    if (this.settled) return
    const nowMs = this.#deps.monotonicMs()
    const missing = this.#missing()
    const isBusy = missing.some(({ name }) => {
      const asked = this.#asked.get(name)
      if (asked?.answered === undefined) return asked !== undefined
      return asked.answered && nowMs - asked.atMs < ASK_AGAIN_MS
    })
    const next = missing.find(
      ({ name }) => nowMs - (this.#asked.get(name)?.atMs ?? -Infinity) >= ASK_AGAIN_MS,
    )
    if (isBusy || next === undefined) return
    const asked: Asked = { atMs: nowMs, answered: undefined }
    this.#asked.set(next.name, asked)
    this.#deps.exchange(next.name, (answered) => {
      asked.answered = answered
    })
  }

  #isDone(): boolean {
    const elapsedMs = this.#elapsedMs()
    if (elapsedMs >= TIMEOUT_MS) return true
    const isCalled = this.#live().length >= this.#deps.others || elapsedMs >= GRACE_MS
    return isCalled && this.#missing().length === 0
  }

  #missing(): readonly Member[] {
    const isOver = this.#elapsedMs() >= GRACE_MS
    return this.#live().filter(
      ({ name }) => !this.#deps.syncedWith(name) && !(isOver && this.#asked.get(name)?.answered === false),
    )
  }

  #live(): readonly Member[] {
    return this.#deps.members().filter(({ isSelf, liveness }) => !isSelf && liveness === 'alive')
  }

  #elapsedMs(): number {
    return this.#deps.monotonicMs() - this.#bootedAtMs
  }
}
