/**
 * Periodic full-state exchange with one random live member: the repair of whatever gossip missed.
 *
 * The first comes at a random time within the interval, so that a cluster started at once does not exchange at once;
 * above 32 members everybody does it less often. The exchange itself is the driver's.
 */
import type { Random } from '../../base/random.ts'
import type { GossipConfig } from './config.ts'
import type { Members } from './members.ts'
import { pickDistinct } from './node-selection.ts'
import type { Outbox } from './outbox.ts'
import { pushPullScaleMs } from './scaling.ts'
import type { Timers } from './timers.ts'

export class PushPull {
  readonly #config: GossipConfig
  readonly #random: Random
  readonly #members: Members
  readonly #outbox: Outbox
  readonly #timers: Timers

  constructor(config: GossipConfig, random: Random, members: Members, outbox: Outbox, timers: Timers) {
    this.#config = config
    this.#random = random
    this.#members = members
    this.#outbox = outbox
    this.#timers = timers
  }

  start(nowMs: number): void {
    const { pushPullIntervalMs } = this.#config
    if (pushPullIntervalMs <= 0) return
    this.#schedule(nowMs + this.#random.next() * pushPullIntervalMs)
  }

  tick(nowMs: number): void {
    this.#schedule(nowMs)
    const [partner] = pickDistinct(
      this.#members.order,
      1,
      this.#random,
      (peer) => !peer.isSelf && peer.liveness === 'alive',
    )
    if (partner !== undefined) this.#outbox.emit({ type: 'push-pull', to: partner.endpoint, join: false })
  }

  #schedule(fromMs: number): void {
    const delayMs = pushPullScaleMs(this.#config.pushPullIntervalMs, this.#members.size)
    this.#timers.schedule(fromMs + delayMs, { kind: 'push-pull-tick' })
  }
}
