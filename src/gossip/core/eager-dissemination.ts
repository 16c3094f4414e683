/**
 * Dissemination as hearsay does it: what shall be told leaves at once, to others milliseconds later (front-load.ts), and
 * what then has transmissions left on ticks.
 *
 * An enqueue sets the flush deadline to "now", so the driver's next `advance` in the same turn sends it, together
 * with everything else that the turn produced. Messages for an audience that has no live member are dropped: whoever
 * joins later gets the state by push-pull.
 *
 * Pacing: a token bucket of 11.2 MB/s to each peer. A flush waits for it, a tick sends at least two packets.
 */
import type { Random } from '../../base/random.ts'
import { TokenBucket } from '../../base/token-bucket.ts'
import type { BroadcastNotice } from './broadcast-queue.ts'
import { Broadcasts, PEER_CLASSES } from './broadcasts.ts'
import type { Broadcast, PeerClass } from './delegate.ts'
import type { Dissemination, DisseminationDeps } from './dissemination.ts'
import { WAVE_SPACING_MS } from './front-load.ts'
import { FLUSH_PACKETS_MAX, GossipRound, type RoundOptions } from './gossip-round.ts'
import { LossEstimate } from './loss-estimate.ts'
import type { MemberRecord, Members } from './members.ts'
import type { AliveMessage, DeadMessage, SuspectMessage } from './messages.ts'
import { pickDistinct } from './node-selection.ts'
import type { Outbox } from './outbox.ts'
import { Ring } from './ring.ts'
import { StreamBroadcast } from './stream-broadcast.ts'
import type { Timers } from './timers.ts'

/** Dead members told of one refutation. */
export const DEAD_TOLD_MAX = 8
/** To each peer. */
export const PACE_BYTES_PER_SECOND = 11_200_000
/** Part of the bucket that is waited for once it is empty: fewer and fuller rounds. */
const PACE_RESUMED_SHARE = 0.5

export class EagerDissemination implements Dissemination {
  readonly #random: Random
  readonly #members: Members
  readonly #outbox: Outbox
  readonly #timers: Timers
  readonly #ring: Ring
  readonly #broadcasts: Broadcasts
  readonly #round: GossipRound
  readonly #streams: StreamBroadcast
  readonly #loss = new LossEstimate()
  readonly #pace: TokenBucket
  readonly #burstBytes: number
  #flushAtMs = Number.POSITIVE_INFINITY
  /** Put off by every round, since a round takes along what awaits a wave. */
  #waveAtMs = Number.POSITIVE_INFINITY
  #waveTimerAtMs = Number.POSITIVE_INFINITY
  /** No flush before this: the last one left something for want of air. */
  #pacedUntilMs = Number.NEGATIVE_INFINITY

  constructor({ config, random, members, outbox, timers, coalesce }: DisseminationDeps) {
    this.#random = random
    this.#members = members
    this.#outbox = outbox
    this.#timers = timers
    this.#ring = new Ring(members, config.name)
    this.#broadcasts = new Broadcasts(config, members, this.#loss)
    this.#round = new GossipRound(config, members, this.#broadcasts, outbox, this.#ring)
    this.#streams = new StreamBroadcast({
      members,
      broadcasts: this.#broadcasts,
      outbox,
      ring: this.#ring,
      coalesce,
    })
    this.#burstBytes = FLUSH_PACKETS_MAX * config.packetBytesMax
    this.#pace = new TokenBucket({ tokensPerSecond: PACE_BYTES_PER_SECOND, burstTokens: this.#burstBytes })
  }

  get queues(): Pick<Broadcasts, 'membership' | 'user'> {
    return this.#broadcasts
  }

  membership(
    nowMs: number,
    message: AliveMessage | SuspectMessage | DeadMessage,
    notice?: BroadcastNotice,
  ): void {
    const bytes = this.#outbox.encode(message)
    const pending = { key: message.node, bytes, notice, queuedAtMs: nowMs }
    if (this.#broadcasts.enqueueMembership(pending)) this.#scheduleFlush(nowMs)
    else this.#outbox.note('warn', 'membership_message_too_long', { bytes: bytes.length })
  }

  tellTheDead(message: AliveMessage): void {
    const isDead = (peer: MemberRecord): boolean => peer.liveness === 'dead'
    const bytes = this.#outbox.encode(message)
    for (const peer of pickDistinct(this.#members.order, DEAD_TOLD_MAX, this.#random, isDead)) {
      this.#outbox.packet(peer.endpoint, [bytes])
    }
  }

  user(nowMs: number, broadcast: Broadcast): void {
    const { audience, key, payload } = broadcast
    if (payload.length === 0 || this.#members.livePeers(audience) === 0) {
      this.#outbox.note('debug', 'broadcast_without_audience', { audience, bytes: payload.length })
      return
    }
    const bytes = this.#outbox.encode({ kind: 'user', payload })
    if (this.#streams.isTooLong(audience, payload.length, bytes.length)) {
      if (this.#streams.sendLong(audience, key, payload) === 'waits') this.#scheduleFlush(nowMs)
      return
    }
    if (key !== undefined) this.#streams.forgetLong(audience, key)
    const queue = this.#broadcasts.user[audience]
    const droppedBefore = queue.dropped
    const isRelayed = broadcast.isRelayed === true
    const transmits = isRelayed ? this.#sentByAuthor(audience) : 0
    queue.enqueue({ key, bytes, payload, isRelayed, queuedAtMs: nowMs }, transmits)
    const messages = queue.dropped - droppedBefore
    if (messages > 0) this.#outbox.note('debug', 'broadcast_queue_full', { audience, messages })
    if (transmits === 0) this.#scheduleFlush(nowMs)
  }

  /**
   * How often a message counts as sent because its author sends it as well. In a cluster that one round reaches as a whole,
   * relays are for those whom the author cannot reach, or whose packet was lost: a round on the next tick is enough.
   */
  #sentByAuthor(audience: PeerClass): number {
    if (!this.#broadcasts.isSmall(audience)) return 0
    return Math.min(this.#members.livePeers(audience), this.#broadcasts.userLimit(audience) - 1)
  }

  probed(lost: boolean): void {
    this.#loss.observe(lost)
  }

  piggyback(mainBytes: number, mainParts: number, to: MemberRecord | undefined): Uint8Array[] {
    return this.#broadcasts.piggyback(mainBytes, mainParts, to)
  }

  tick(nowMs: number): void {
    this.#ring.review()
    this.#forgetUnheard()
    this.#run(nowMs, 'tick', this.#streams.repeatBurst() ? ['native'] : [])
  }

  /** Whose last listener has gone: it would be old news to the next. */
  #forgetUnheard(): void {
    for (const audience of PEER_CLASSES) {
      if (this.#members.livePeers(audience) > 0) continue
      this.#broadcasts.user[audience].clear()
      this.#streams.clearLong(audience)
    }
  }

  flush(nowMs: number): void {
    if (nowMs >= this.#waveTimerAtMs) this.#waveTimerAtMs = Number.POSITIVE_INFINITY
    if (nowMs >= this.#waveAtMs) this.#run(nowMs, 'wave')
    else if (nowMs >= this.#flushAtMs) this.#run(nowMs, 'flush')
    else this.#armWave()
  }

  /** @param repeated audiences that were told all by stream just now */
  #run(nowMs: number, occasion: RoundOptions['occasion'], repeated: readonly PeerClass[] = []): void {
    // A wave sends what was never sent as well; a tick may leave some of it.
    if (occasion !== 'tick') this.#flushAtMs = Number.POSITIVE_INFINITY
    const backlog = this.#streams.flushBacklog(nowMs)
    const bytesMax = this.#pace.available(nowMs)
    const held = [...backlog.held, ...repeated]
    const { left, bytes } = this.#round.run(nowMs, { occasion, held, bytesMax })
    this.#pace.take(nowMs, bytes)
    if (backlog.atMs !== undefined) this.#scheduleFlush(backlog.atMs)
    if (left || this.#pace.available(nowMs) <= 0) {
      const resumesAtMs = this.#pace.readyAt(nowMs, this.#burstBytes * PACE_RESUMED_SHARE)
      this.#pacedUntilMs = Math.max(nowMs + 1, resumesAtMs)
    }
    if (left) this.#scheduleFlush(nowMs)
    this.#waveAtMs = this.#awaitsWave(backlog.held)
      ? Math.max(nowMs + WAVE_SPACING_MS, this.#pacedUntilMs)
      : Number.POSITIVE_INFINITY
    this.#armWave()
  }

  #awaitsWave(held: readonly PeerClass[]): boolean {
    if (this.#broadcasts.membershipAwaitsWave()) return true
    return PEER_CLASSES.some(
      (audience) => !held.includes(audience) && this.#broadcasts.userAwaitsWave(audience),
    )
  }

  /** One timer at a time: put off again and again, waves would otherwise leave one behind each time. */
  #armWave(): void {
    if (this.#waveTimerAtMs <= this.#waveAtMs) return
    this.#waveTimerAtMs = this.#waveAtMs
    this.#timers.schedule(this.#waveAtMs, { kind: 'flush' })
  }

  #scheduleFlush(wantedAtMs: number): void {
    const atMs = Math.max(wantedAtMs, this.#pacedUntilMs)
    if (this.#flushAtMs <= atMs) return
    this.#flushAtMs = atMs
    this.#timers.schedule(atMs, { kind: 'flush' })
  }
}
