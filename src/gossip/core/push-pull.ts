/**
 * Periodic full-state exchange with one random live member: the repair of whatever gossip missed.
 *
 * It comes early when a process pings us by our name that we know nothing of: it knows us, so others know it, and one of them
 * is asked; once in 5 s at most, and never the stranger, who may be anybody. Two processes that join through a third in the
 * same millisecond can miss each other so, and nothing else would tell them for a minute or two. Of some nobody can tell,
 * since they are admitted nowhere and go on pinging, so each time the gap doubles, up to a minute, until none came for five.
 *
 * The first comes at a random time after the first interval, so that a cluster started at once does not exchange at once;
 * above 32 members everybody does it less often. The exchange itself is the driver's.
 */
import type { Random } from '../../base/random.ts'
import type { GossipConfig } from './config.ts'
import type { Members } from './members.ts'
import { pickDistinct } from './node-selection.ts'
import type { Outbox } from './outbox.ts'
import { pushPullScaleMs } from './scaling.ts'
import type { Timers } from './timers.ts'

/** Between exchanges for strangers' sakes: pings are easily forged. */
const STRANGER_GAP_MS = 5000
const STRANGER_GAP_MS_MAX = 60_000
const STRANGERS_FORGOTTEN_MS = 300_000

export class PushPull {
  readonly #config: GossipConfig
  readonly #random: Random
  readonly #members: Members
  readonly #outbox: Outbox
  readonly #timers: Timers
  #strangerAtMs = Number.NEGATIVE_INFINITY
  #strangerGapMs = STRANGER_GAP_MS

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
    this.#ask()
  }

  /** A ping came. @param addressee whom it is for @param sender who says he sent it */
  pinged(nowMs: number, addressee: string, sender: string | undefined): void {
    if (addressee !== this.#config.name || sender === undefined || this.#members.get(sender)) return
    const sinceMs = nowMs - this.#strangerAtMs
    if (sinceMs < this.#strangerGapMs) return
    const isFirst = sinceMs > STRANGERS_FORGOTTEN_MS
    this.#strangerGapMs = isFirst ? STRANGER_GAP_MS : Math.min(2 * this.#strangerGapMs, STRANGER_GAP_MS_MAX)
    this.#strangerAtMs = nowMs
    this.#ask()
  }

  #ask(): void {
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
