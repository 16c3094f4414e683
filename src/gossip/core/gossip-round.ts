/**
 * One round of gossip: fill packets once, send them to a few peers.
 *
 * Three occasions. A flush follows an enqueue in the same turn and lasts until everything was sent once, so news leaves
 * at once instead of on the next tick. A wave follows milliseconds later and goes to others (front-load.ts). A tick
 * repeats what has transmissions left. Each time the peers come from a rotation, the same packets go to each of them, and
 * a message with one transmission left goes to the first only: memberlist's budget of sends is kept, but they reach
 * distinct peers.
 *
 * A round is at most 16 packets to each peer: what the socket of a receiver holds of several senders at once.
 */
import type { QueueItem } from './broadcast-queue.ts'
import { type Broadcasts, PEER_CLASSES, packedBytes } from './broadcasts.ts'
import type { GossipConfig } from './config.ts'
import type { PeerClass } from './delegate.ts'
import { WAVE_PEERS } from './front-load.ts'
import { isLive, type MemberRecord, type Members } from './members.ts'
import { Rotation } from './node-selection.ts'
import { type Outbox, PACKET_PARTS_MAX } from './outbox.ts'
import type { Ring, RingScope } from './ring.ts'

export const FLUSH_PACKETS_MAX = 16
/** Below this a round could not carry membership and user messages side by side. */
const PACKETS_MIN = 2

export interface RoundOptions {
  /** `flush`: only while something was never sent. `wave`: or awaits a wave. `tick`: or has transmissions left. */
  readonly occasion: 'flush' | 'wave' | 'tick'
  /** Audiences whose messages wait for a stream batch: leave them out. */
  readonly held: readonly PeerClass[]
  /** What may go to each peer now; a round may exceed it by two packets. */
  readonly bytesMax: number
}

export interface RoundResult {
  /** Whether something never sent is left that a further flush could send. */
  readonly left: boolean
  /** The most that went to one peer. */
  readonly bytes: number
}

type Packets = QueueItem[][]

interface Load {
  readonly membership: Packets
  readonly user: Packets
  readonly userLimit: number
  readonly options: RoundOptions
}

export class GossipRound {
  readonly #config: GossipConfig
  readonly #members: Members
  readonly #broadcasts: Broadcasts
  readonly #outbox: Outbox
  readonly #ring: Ring
  readonly #rotation = new Rotation<RingScope>()

  constructor(config: GossipConfig, members: Members, broadcasts: Broadcasts, outbox: Outbox, ring: Ring) {
    this.#ring = ring
    this.#config = config
    this.#members = members
    this.#broadcasts = broadcasts
    this.#outbox = outbox
  }

  run(nowMs: number, options: RoundOptions): RoundResult {
    const targets = this.#targets(nowMs, options)
    if (targets.length === 0) return { left: false, bytes: 0 }
    let bytes = 0
    const membership = this.#packMembership(options)
    for (const audience of PEER_CLASSES) {
      const group = targets.filter((peer) => isLive(peer) && peer.peerClass === audience)
      const user = group.length > 0 ? this.#packUser(audience, membership, options) : []
      const limit = this.#broadcasts.userLimit(audience)
      bytes = Math.max(bytes, this.#send(group, targets, { membership, user, userLimit: limit, options }))
      for (const item of user.flat()) {
        this.#broadcasts.settleUser(audience, item, sendsAllowed(item, limit, group.length))
      }
    }
    const silent = targets.filter((peer) => !isLive(peer))
    bytes = Math.max(bytes, this.#send(silent, targets, { membership, user: [], userLimit: 0, options }))
    this.#settleMembership(membership, targets, options)
    return { left: this.#unsentLeft(options), bytes }
  }

  #targets(nowMs: number, options: RoundOptions): MemberRecord[] {
    const { gossipNodes, gossipToTheDeadMs } = this.#config
    const targets: MemberRecord[] = []
    const peersMax = options.occasion === 'tick' ? gossipNodes : Math.max(gossipNodes, WAVE_PEERS)
    if (this.#membershipPending(options)) {
      // The dead are told in ticks, so that one who is not can refute; a flush would waste its few sends on them.
      const accept = (peer: MemberRecord): boolean =>
        !peer.isSelf &&
        (isLive(peer) ||
          (options.occasion === 'tick' &&
            peer.liveness === 'dead' &&
            nowMs - peer.changedAtMs <= gossipToTheDeadMs))
      targets.push(...this.#choose('any', this.#broadcasts.membership.unsent, peersMax, accept))
    }
    for (const audience of PEER_CLASSES) {
      if (!this.#userPending(audience, options)) continue
      const inClass = (peer: MemberRecord): boolean =>
        !peer.isSelf && isLive(peer) && peer.peerClass === audience
      const missing = peersMax - targets.filter(inClass).length
      const accept = (peer: MemberRecord): boolean => inClass(peer) && !targets.includes(peer)
      targets.push(...this.#choose(audience, this.#broadcasts.user[audience].unsent, missing, accept))
    }
    return targets
  }

  /** What was never sent goes to the next in the ring first; what was goes to others, while there are any. */
  #choose(
    scope: RingScope,
    unsent: number,
    count: number,
    accept: (peer: MemberRecord) => boolean,
  ): MemberRecord[] {
    if (count <= 0) return []
    const next = this.#ring.next(scope)
    const others = (peer: MemberRecord): boolean => peer !== next && accept(peer)
    const withNext = next !== undefined && accept(next)
    const wanted = withNext && unsent > 0 ? count - 1 : count
    const picked = this.#rotation.next(scope, this.#members.order, wanted, others)
    if (!withNext || picked.length === count) return picked
    return [next, ...picked]
  }

  #membershipPending({ occasion }: RoundOptions): boolean {
    const queue = this.#broadcasts.membership
    if (occasion === 'tick') return queue.size > 0
    return queue.unsent > 0 || (occasion === 'wave' && this.#broadcasts.membershipAwaitsWave())
  }

  #userPending(audience: PeerClass, { occasion, held }: RoundOptions): boolean {
    if (held.includes(audience)) return false
    const queue = this.#broadcasts.user[audience]
    if (occasion === 'tick') return queue.size > 0
    return queue.unsent > 0 || (occasion === 'wave' && this.#broadcasts.userAwaitsWave(audience))
  }

  #packetsMax({ bytesMax }: RoundOptions): number {
    const fit = Math.floor(bytesMax / this.#config.packetBytesMax)
    return Math.min(FLUSH_PACKETS_MAX, Math.max(PACKETS_MIN, fit))
  }

  #packMembership(options: RoundOptions): Packets {
    const { packetBudget } = this.#broadcasts
    const reserve = this.#broadcasts.hasUserMessages()
    // One packet stays free of membership, so that a user message of any length finds room in every round.
    const packetsMax = this.#packetsMax(options) - (reserve ? 1 : 0)
    // Else user messages would take along what is to be told to the dead as well.
    const sentBelow = options.occasion === 'tick' ? undefined : this.#membershipLimit(options)
    const packets: Packets = []
    while (packets.length < packetsMax) {
      if (packets.length > 0 && !this.#membershipPending(options)) break
      const items = this.#broadcasts.takeMembership(packetBudget, PACKET_PARTS_MAX, reserve, sentBelow)
      if (items.length === 0) break
      packets.push(items)
    }
    return packets
  }

  #packUser(audience: PeerClass, membership: Packets, options: RoundOptions): Packets {
    const packets: Packets = []
    while (packets.length < this.#packetsMax(options) && this.#userPending(audience, options)) {
      const beside = membership[packets.length] ?? []
      const budget = this.#broadcasts.packetBudget - packedBytes(beside)
      const items = this.#broadcasts.takeUser(audience, budget, PACKET_PARTS_MAX - beside.length)
      if (items.length === 0 && beside.length === 0) break
      packets.push(items)
    }
    return packets
  }

  /** @returns the most bytes that went to one peer of the group */
  #send(group: readonly MemberRecord[], targets: readonly MemberRecord[], load: Load): number {
    const { membership, user, userLimit, options } = load
    const membershipLimit = this.#membershipLimit(options)
    const sent = group.map(() => 0)
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
        if (parts.length === 0) return
        this.#outbox.packet(peer.endpoint, parts)
        sent[place] = parts.reduce((sum, part) => sum + part.length, sent[place] ?? 0)
      })
    }
    return Math.max(0, ...sent)
  }

  #membershipLimit({ occasion }: RoundOptions): number {
    return occasion === 'tick'
      ? this.#broadcasts.membershipLimit()
      : this.#broadcasts.membershipLimitBeforeTick()
  }

  #settleMembership(membership: Packets, targets: readonly MemberRecord[], options: RoundOptions): void {
    const limit = this.#membershipLimit(options)
    for (const item of membership.flat()) {
      const sends = sendsAllowed(item, limit, targets.length)
      for (const peer of targets.slice(0, sends)) item.notice?.sent(peer.name)
      this.#broadcasts.membership.settle(item, sends, this.#broadcasts.membershipLimit())
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
