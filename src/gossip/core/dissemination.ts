/**
 * Dissemination: what takes in news and makes it leave. The machine and its parts know only this face of it.
 *
 * A machine uses EagerDissemination unless it is built with another: the simulator measures memberlist's own rules with
 * the same machines, so that the two are compared and not two models of them.
 */
import type { Random } from '../../base/random.ts'
import type { BroadcastNotice } from './broadcast-queue.ts'
import type { Broadcasts } from './broadcasts.ts'
import type { GossipConfig } from './config.ts'
import type { Broadcast, GossipDelegate } from './delegate.ts'
import type { MemberRecord, Members } from './members.ts'
import type { AliveMessage, DeadMessage, SuspectMessage } from './messages.ts'
import type { Outbox } from './outbox.ts'
import type { Timers } from './timers.ts'

export interface DisseminationDeps {
  readonly config: GossipConfig
  readonly random: Random
  readonly members: Members
  readonly outbox: Outbox
  readonly timers: Timers
  /** See GossipDelegate. */
  readonly coalesce: GossipDelegate['coalesce']
}

export interface Dissemination {
  /** What waits, for metrics. */
  readonly queues: Pick<Broadcasts, 'membership' | 'user'>
  /** Spreads a membership message; it replaces the pending one about the same member. */
  membership(
    nowMs: number,
    message: AliveMessage | SuspectMessage | DeadMessage,
    notice?: BroadcastNotice,
  ): void
  /**
   * Sends a message once, directly, to some members thought dead. After a partition both sides think so of each other,
   * and a refutation that only travels among the living would never cross.
   */
  tellTheDead(message: AliveMessage): void
  /** Spreads a user message; it replaces the pending one of its audience and key. */
  user(nowMs: number, broadcast: Broadcast): void
  /**
   * What rides along with a ping, ack or nack; counted as sent once.
   * @param mainBytes length of the messages that the packet is for
   * @param mainParts their number
   * @param to the receiver's record; without one only membership rides along
   */
  piggyback(mainBytes: number, mainParts: number, to: MemberRecord | undefined): Uint8Array[]
  /** A direct probe was answered in time, or was lost: its target, though there, did not answer it (loss-estimate.ts). */
  probed(lost: boolean): void
  /** The gossip interval is over. */
  tick(nowMs: number): void
  /** A flush timer surfaced. */
  flush(nowMs: number): void
}
