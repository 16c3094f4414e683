/**
 * One round of gossip: fill packets once, send them to a few peers.
 *
 * Two occasions. A flush follows an enqueue in the same turn and lasts until everything was sent once, so news leaves
 * at once instead of on the next tick. A tick repeats what has transmissions left. Either way the peers come from a
 * rotation, the same packets go to each of them, and a message with one transmission left goes to the first only:
 * memberlist's budget of sends is kept, but they reach distinct peers.
 *
 * Pacing: at most 16 packets of 1,400 bytes a peer and round, then 2 ms of air. That is 11 MB/s a peer.
 */
import type { QueueItem } from './broadcast-queue.ts'
import { type Broadcasts, PEER_CLASSES, packedBytes } from './broadcasts.ts'
import type { GossipConfig } from './config.ts'
import type { PeerClass } from './delegate.ts'
import { isLive, type MemberRecord, type Members } from './members.ts'
import { Rotation } from './node-selection.ts'
import { type Outbox, PACKET_PARTS_MAX } from './outbox.ts'

export const FLUSH_PACKETS_MAX = 16
export const FLUSH_SPACING_MS = 2

export interface RoundOptions {
  /** `flush`: only while something was never sent. `tick`: also what has transmissions left. */
  readonly occasion: 'flush' | 'tick'
  /** Audiences whose messages wait for a stream batch: leave them out. */
  readonly held: readonly PeerClass[]
}

type Packets = QueueItem[][]

export class GossipRound {
  readonly #config: GossipConfig
  readonly #members: Members
  readonly #broadcasts: Broadcasts
  readonly #outbox: Outbox
  readonly #rotation = new Rotation<PeerClass | 'any'>()

  constructor(config: GossipConfig, members: Members, broadcasts: Broadcasts, outbox: Outbox) {
    this.#config = config
    this.#members = members
    this.#broadcasts = broadcasts
    this.#outbox = outbox
  }

  /** Returns true when something never sent is left that a further flush could send. */
  run(nowMs: number, options: RoundOptions): boolean {
    const targets = this.#targets(nowMs, options)
    if (targets.length === 0) return false
    const membership = this.#packMembership(options)
    for (const audience of PEER_CLASSES) {
      const group = targets.filter((peer) => isLive(peer) && peer.peerClass === audience)
      const user = group.length > 0 ? this.#packUser(audience, membership, options) : []
      this.#send(group, targets, membership, user, this.#broadcasts.userLimit(audience))
      for (const item of user.flat()) {
        const limit = this.#broadcasts.userLimit(audience)
        this.#broadcasts.settleUser(audience, item, sendsAllowed(item, limit, group.length))
      }
    }
    const silent = targets.filter((peer) => !isLive(peer))
    this.#send(silent, targets, membership, [], 0)
    this.#settleMembership(membership, targets)
    return this.#unsentLeft(options)
  }

  #targets(nowMs: number, options: RoundOptions): MemberRecord[] {
    const { gossipNodes, gossipToTheDeadMs } = this.#config
    const order = this.#members.order
    const targets: MemberRecord[] = []
    if (this.#pending(this.#broadcasts.membership, options)) {
      // The dead are told in ticks, so that one who is not can refute; a flush would waste its few sends on them.
      const accept = (peer: MemberRecord): boolean =>
        !peer.isSelf &&
        (isLive(peer) ||
          (options.occasion === 'tick' &&
            peer.liveness === 'dead' &&
            nowMs - peer.changedAtMs <= gossipToTheDeadMs))
      targets.push(...this.#rotation.next('any', order, gossipNodes, accept))
    }
    for (const audience of PEER_CLASSES) {
      if (!this.#userPending(audience, options)) continue
      const inClass = (peer: MemberRecord): boolean =>
        !peer.isSelf && isLive(peer) && peer.peerClass === audience
      const missing = gossipNodes - targets.filter(inClass).length
      const accept = (peer: MemberRecord): boolean => inClass(peer) && !targets.includes(peer)
      targets.push(...this.#rotation.next(audience, order, missing, accept))
    }
    return targets
  }

  #pending(queue: { readonly unsent: number; readonly size: number }, options: RoundOptions): boolean {
    return options.occasion === 'flush' ? queue.unsent > 0 : queue.size > 0
  }

  #userPending(audience: PeerClass, options: RoundOptions): boolean {
    if (options.held.includes(audience)) return false
    return this.#pending(this.#broadcasts.user[audience], options)
  }

  #packMembership(options: RoundOptions): Packets {
    const { packetBudget } = this.#broadcasts
    const reserve = this.#broadcasts.hasUserMessages()
    // One packet stays free of membership, so that a user message of any length finds room in every round.
    const packetsMax = reserve ? FLUSH_PACKETS_MAX - 1 : FLUSH_PACKETS_MAX
    const packets: Packets = []
    while (packets.length < packetsMax) {
      if (packets.length > 0 && !this.#pending(this.#broadcasts.membership, options)) break
      const items = this.#broadcasts.takeMembership(packetBudget, PACKET_PARTS_MAX, reserve)
      if (items.length === 0) break
      packets.push(items)
    }
    return packets
  }

  #packUser(audience: PeerClass, membership: Packets, options: RoundOptions): Packets {
    const packets: Packets = []
    while (packets.length < FLUSH_PACKETS_MAX && this.#userPending(audience, options)) {
      const beside = membership[packets.length] ?? []
      const budget = this.#broadcasts.packetBudget - packedBytes(beside)
      const items = this.#broadcasts.takeUser(audience, budget, PACKET_PARTS_MAX - beside.length)
      if (items.length === 0 && beside.length === 0) break
      packets.push(items)
    }
    return packets
  }

  #send(
    group: readonly MemberRecord[],
    targets: readonly MemberRecord[],
    membership: Packets,
    user: Packets,
    userLimit: number,
  ): void {
    const membershipLimit = this.#broadcasts.membershipLimit()
    for (let packet = 0; packet < Math.max(membership.length, user.length); packet++) {
      group.forEach((peer, place) => {
        const rank = targets.indexOf(peer)
        const parts: Uint8Array[] = []
        for (const item of membership[packet] ?? []) {
          if (rank < sendsAllowed(item, membershipLimit, targets.length)) parts.push(item.bytes)
        }
        for (const item of user[packet] ?? []) {
          if (place < sendsAllowed(item, userLimit, group.length)) parts.push(item.bytes)
        }
        if (parts.length > 0) this.#outbox.packet(peer.endpoint, parts)
      })
    }
  }

  #settleMembership(membership: Packets, targets: readonly MemberRecord[]): void {
    const limit = this.#broadcasts.membershipLimit()
    for (const item of membership.flat()) {
      const sends = sendsAllowed(item, limit, targets.length)
      for (const peer of targets.slice(0, sends)) item.notice?.sent(peer.name)
      this.#broadcasts.membership.settle(item, sends, limit)
    }
  }

  #unsentLeft(options: RoundOptions): boolean {
    const { membership, user } = this.#broadcasts
    if (PEER_CLASSES.some((audience) => membership.unsent > 0 && this.#members.livePeers(audience) > 0))
      return true
    return PEER_CLASSES.some(
      (audience) =>
        !options.held.includes(audience) &&
        user[audience].unsent > 0 &&
        this.#members.livePeers(audience) > 0,
    )
  }
}

/** How many of `peers` still get the item: what its limit leaves, at least one. */
function sendsAllowed(item: QueueItem, limit: number, peers: number): number {
  return Math.min(peers, Math.max(1, limit - item.transmits))
}
