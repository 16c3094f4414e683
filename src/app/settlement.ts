/**
 * When a replica may call itself ready: on evidence, not on a count of peers.
 *
 * A replica that has just started may have missed anything while it was away, so it first exchanges whole states with
 * every peer it can reach, once. With nobody to ask it is ready at once. The timeout bounds only the waiting for peers
 * that exist but do not answer; when it strikes, the replica is ready all the same and says that it gave up, because a
 * silence that may be missing is better than an alerting service that never starts.
 */
import type { Clock } from '../base/clock.ts'
import type { Gossip } from '../gossip/io/gossip.ts'

export interface SettlementOptions {
  readonly peers: readonly string[]
  readonly timeoutMs: number
}

type Phase = 'settling' | 'settled' | 'gave-up'

export class Settlement {
  readonly #gossip: Gossip
  readonly #clock: Clock
  readonly #options: SettlementOptions
  #phase: Phase = 'settling'
  readonly #exchanged = new Set<string>()

  constructor(gossip: Gossip, clock: Clock, options: SettlementOptions) {
    this.#gossip = gossip
    this.#clock = clock
    this.#options = options
  }

  get settled(): boolean {
    return this.#phase !== 'settling'
  }

  /** One sentence while settling; undefined after. */
  reason(): string | undefined {
    if (this.settled) return undefined
    const missing = this.#unasked().length
    return missing === 0
      ? `settling: joining ${this.#options.peers.length} configured peers`
      : `settling: no state exchanged yet with ${missing} members`
  }

  /** Joins the configured peers, then asks every member for its state once. Resolves when done, or when gossip stops. */
  async run(): Promise<Phase> {
    const deadlineMs = this.#clock.monotonicMs() + this.#options.timeoutMs
    let timer: NodeJS.Timeout | undefined
    const timeout = new Promise<'gave-up'>((resolve) => {
      timer = setTimeout(() => resolve('gave-up'), this.#options.timeoutMs)
      timer.unref()
    })
    this.#phase = await Promise.race([this.#exchangeWithAll(deadlineMs), timeout])
    clearTimeout(timer)
    return this.#phase
  }

  async #exchangeWithAll(deadlineMs: number): Promise<'settled' | 'gave-up'> {
    if (this.#options.peers.length > 0) await this.#gossip.join(this.#options.peers)
    // The join told us of members that were not configured; an exchange with each may tell of more.
    for (;;) {
      const next = this.#unasked()[0]
      if (next === undefined) return 'settled'
      if (this.#clock.monotonicMs() > deadlineMs) return 'gave-up'
      // Asked once: one that does not answer is not reachable, and its return is the reconnect loop's business.
      this.#exchanged.add(next)
      await this.#gossip.pushPullNow(next)
    }
  }

  #unasked(): string[] {
    return this.#gossip
      .members()
      .filter((member) => !member.isSelf && member.liveness === 'alive' && !this.#exchanged.has(member.name))
      .map((member) => member.name)
  }
}
