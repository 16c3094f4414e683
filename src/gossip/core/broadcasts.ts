/**
 * What waits to be told, and what of it goes into a packet.
 *
 * Three queues: membership (everybody gets it), and user messages for native and for foreign members, because an
 * Alertmanager must never see our private frames. Membership goes first, but leaves a third of each packet to user
 * messages while there are any: a big cluster in turmoil must not silence its users.
 *
 * Not here: when packets are sent and to whom (gossip-round.ts), what is too long for a packet (stream-broadcast.ts).
 */
import { BroadcastQueue, type QueueItem, type QueueMessage } from './broadcast-queue.ts'
import type { GossipConfig } from './config.ts'
import type { PeerClass } from './delegate.ts'
import { membershipSendsBeforeTick, sendsInWaves, WAVE_PACKETS_MAX } from './front-load.ts'
import type { LossEstimate } from './loss-estimate.ts'
import { isLive, type MemberRecord, type Members } from './members.ts'
import { COMPOUND_HEADER_BYTES, COMPOUND_PART_BYTES, PACKET_PARTS_MAX } from './outbox.ts'
import { retransmitLimit } from './scaling.ts'

export const PEER_CLASSES: readonly PeerClass[] = ['native', 'foreign']

/** Bytes that pending membership messages may hold; keyed by member, so bounded by their number as well. */
export const MEMBERSHIP_QUEUE_BYTES_MAX: number = 8 * 1024 * 1024

export class Broadcasts {
  readonly membership: BroadcastQueue
  readonly user: Readonly<Record<PeerClass, BroadcastQueue>>
  /** Bytes that parts and their length entries may take in one packet. */
  readonly packetBudget: number
  readonly #config: GossipConfig
  readonly #members: Members
  readonly #loss: LossEstimate

  constructor(config: GossipConfig, members: Members, loss: LossEstimate) {
    this.#config = config
    this.#members = members
    this.#loss = loss
    this.packetBudget = config.packetBytesMax - COMPOUND_HEADER_BYTES
    this.membership = new BroadcastQueue(this.messageBytesMax, MEMBERSHIP_QUEUE_BYTES_MAX)
    this.user = {
      native: new BroadcastQueue(this.messageBytesMax, config.broadcastQueueBytesMax),
      foreign: new BroadcastQueue(this.messageBytesMax, config.broadcastQueueBytesMax),
    }
  }

  /** Bytes that pending user messages may hold, for each audience. */
  get queueBytesMax(): number {
    return this.#config.broadcastQueueBytesMax
  }

  /** Longest encoded message that a packet can carry. */
  get messageBytesMax(): number {
    return this.packetBudget - COMPOUND_PART_BYTES
  }

  /** Sends that a membership message gets in all. */
  membershipLimit(): number {
    return this.#loss.budget(retransmitLimit(this.#config.retransmitMult, this.#members.size))
  }

  /** Sends that it gets before its first tick. */
  membershipLimitBeforeTick(): number {
    return membershipSendsBeforeTick(this.membershipLimit(), this.#config.gossipNodes)
  }

  /** Sends that a user message gets in all. */
  userLimit(audience: PeerClass): number {
    return this.#loss.budget(
      retransmitLimit(this.#config.retransmitMult, this.#members.livePeers(audience) + 1),
    )
  }

  /** Whether one round reaches all of them: then what is repeated waits for the tick (ADR 8). */
  isSmall(audience: PeerClass): boolean {
    return this.#members.livePeers(audience) <= this.#config.gossipNodes
  }

  /** Whether membership messages are due for another wave (front-load.ts). */
  membershipAwaitsWave(): boolean {
    const peers = this.#members.livePeers('native') + this.#members.livePeers('foreign')
    if (peers <= this.#config.gossipNodes) return false
    return this.#awaitsWave(this.membership, this.membershipLimitBeforeTick())
  }

  userAwaitsWave(audience: PeerClass): boolean {
    return !this.isSmall(audience) && this.#awaitsWave(this.user[audience], this.userLimit(audience))
  }

  #awaitsWave(queue: BroadcastQueue, limit: number): boolean {
    const bytes = queue.bytesSentBelow(sendsInWaves(limit))
    return bytes > 0 && bytes <= WAVE_PACKETS_MAX * this.packetBudget
  }

  /** False when the message is longer than any packet. */
  enqueueMembership(message: QueueMessage): boolean {
    if (message.bytes.length > this.messageBytesMax) return false
    this.membership.enqueue(message)
    return true
  }

  /** Whether user messages wait for somebody who could get them. */
  hasUserMessages(): boolean {
    return PEER_CLASSES.some(
      (audience) => this.user[audience].size > 0 && this.#members.livePeers(audience) > 0,
    )
  }

  /**
   * Membership for one packet; its first message may use the whole packet, so that a long one is never starved.
   * @param sentBelow what was sent so often is left for later; default nothing
   */
  takeMembership(budget: number, partsMax: number, reserveForUser: boolean, sentBelow?: number): QueueItem[] {
    const take = (bytes: number, itemsMax: number): QueueItem[] =>
      this.membership.take({ ...takeOptions(bytes, itemsMax), sentBelow })
    const first = take(budget, Math.min(1, partsMax))
    const share = reserveForUser ? Math.floor((budget * 2) / 3) : budget
    return first.concat(take(share - packedBytes(first), partsMax - first.length))
  }

  takeUser(audience: PeerClass, budget: number, partsMax: number): QueueItem[] {
    return this.user[audience].take(takeOptions(budget, partsMax))
  }

  /**
   * What rides along with a ping, ack or nack: counted as sent to `to` once.
   * @param mainBytes length of the messages that the packet is for
   * @param mainParts their number
   * @param to the receiver's record; without one only membership rides along
   */
  piggyback(mainBytes: number, mainParts: number, to: MemberRecord | undefined): Uint8Array[] {
    let budget = this.packetBudget - mainBytes - mainParts * COMPOUND_PART_BYTES
    let partsMax = PACKET_PARTS_MAX - mainParts
    const audience = to !== undefined && isLive(to) && !to.isSelf ? to.peerClass : undefined
    const reserve = audience !== undefined && this.user[audience].size > 0
    const membership = this.takeMembership(budget, partsMax, reserve)
    budget -= packedBytes(membership)
    partsMax -= membership.length
    const user = audience === undefined ? [] : this.takeUser(audience, budget, partsMax)
    for (const item of membership) {
      if (to !== undefined) item.notice?.sent(to.name)
      this.membership.settle(item, 1, this.membershipLimit())
    }
    for (const item of user) if (audience !== undefined) this.settleUser(audience, item, 1)
    return [...membership, ...user].map((item) => item.bytes)
  }

  settleUser(audience: PeerClass, item: QueueItem, sends: number): void {
    this.user[audience].settle(item, sends, this.userLimit(audience))
  }
}

/** Bytes of the items inside a compound packet. */
export function packedBytes(items: readonly QueueItem[]): number {
  return items.reduce((total, item) => total + item.bytes.length + COMPOUND_PART_BYTES, 0)
}

function takeOptions(
  budget: number,
  itemsMax: number,
): { budget: number; overhead: number; itemsMax: number } {
  return { budget, overhead: COMPOUND_PART_BYTES, itemsMax }
}
