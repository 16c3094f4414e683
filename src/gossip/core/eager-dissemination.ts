/**
 * Dissemination as hearsay does it: what shall be told leaves at once the first time, on ticks afterwards.
 *
 * An enqueue sets the flush deadline to "now", so the driver's next `advance` in the same turn sends it, together
 * with everything else that the turn produced. Messages for an audience that has no live member are dropped: whoever
 * joins later gets the state by push-pull.
 */
import type { Random } from '../../base/random.ts'
import type { BroadcastNotice } from './broadcast-queue.ts'
import { Broadcasts } from './broadcasts.ts'
import type { GossipConfig } from './config.ts'
import type { Broadcast, PeerClass } from './delegate.ts'
import type { Dissemination, DisseminationDeps } from './dissemination.ts'
import { FLUSH_SPACING_MS, GossipRound } from './gossip-round.ts'
import type { MemberRecord, Members } from './members.ts'
import type { AliveMessage, DeadMessage, SuspectMessage } from './messages.ts'
import { pickDistinct } from './node-selection.ts'
import type { Outbox } from './outbox.ts'
import { StreamBroadcast } from './stream-broadcast.ts'
import type { Timers } from './timers.ts'

/** Dead members told of one refutation. */
export const DEAD_TOLD_MAX = 8

export class EagerDissemination implements Dissemination {
  readonly #config: GossipConfig
  readonly #random: Random
  readonly #members: Members
  readonly #outbox: Outbox
  readonly #timers: Timers
  readonly #broadcasts: Broadcasts
  readonly #round: GossipRound
  readonly #streams: StreamBroadcast
  #flushAtMs = Number.POSITIVE_INFINITY
  /** No flush before this: the last one left something for want of air. */
  #pacedUntilMs = Number.NEGATIVE_INFINITY

  constructor({ config, random, members, outbox, timers, coalesce }: DisseminationDeps) {
    this.#config = config
    this.#random = random
    this.#members = members
    this.#outbox = outbox
    this.#timers = timers
    this.#broadcasts = new Broadcasts(config, members)
    this.#round = new GossipRound(config, members, this.#broadcasts, outbox)
    this.#streams = new StreamBroadcast(members, this.#broadcasts, outbox, coalesce)
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
    if (this.#broadcasts.enqueueMembership({ key: message.node, bytes, notice })) this.#scheduleFlush(nowMs)
    else this.#outbox.note('warn', 'membership-message-too-long', { bytes: bytes.length })
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
      this.#outbox.note('debug', 'broadcast-without-audience', { audience, bytes: payload.length })
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
    queue.enqueue({ key, bytes, payload, isRelayed }, transmits)
    const messages = queue.dropped - droppedBefore
    if (messages > 0) this.#outbox.note('debug', 'broadcast-queue-full', { audience, messages })
    if (transmits === 0) this.#scheduleFlush(nowMs)
  }

  /**
   * How often a message counts as sent because its author sends it as well. In a cluster that one round reaches as a whole,
   * relays are for those whom the author cannot reach, or whose packet was lost: a round on the next tick is enough.
   */
  #sentByAuthor(audience: PeerClass): number {
    const live = this.#members.livePeers(audience)
    return live > this.#config.gossipNodes ? 0 : Math.min(live, this.#broadcasts.userLimit(audience) - 1)
  }

  piggyback(mainBytes: number, mainParts: number, to: MemberRecord | undefined): Uint8Array[] {
    return this.#broadcasts.piggyback(mainBytes, mainParts, to)
  }

  tick(nowMs: number): void {
    this.#streams.repeatBurst()
    this.#run(nowMs, 'tick')
  }

  flush(nowMs: number): void {
    if (nowMs < this.#flushAtMs) return
    this.#flushAtMs = Number.POSITIVE_INFINITY
    this.#run(nowMs, 'flush')
  }

  #run(nowMs: number, occasion: 'flush' | 'tick'): void {
    const backlog = this.#streams.flushBacklog(nowMs)
    const left = this.#round.run(nowMs, { occasion, held: backlog.held })
    if (backlog.atMs !== undefined) this.#scheduleFlush(backlog.atMs)
    if (!left) return
    this.#pacedUntilMs = nowMs + FLUSH_SPACING_MS
    this.#scheduleFlush(nowMs)
  }

  #scheduleFlush(wantedAtMs: number): void {
    const atMs = Math.max(wantedAtMs, this.#pacedUntilMs)
    if (this.#flushAtMs <= atMs) return
    this.#flushAtMs = atMs
    this.#timers.schedule(atMs, { kind: 'flush' })
  }
}
