/**
 * memberlist's dissemination, for comparison: the same machine with these rules instead of hearsay's.
 *
 * Nothing leaves at once. A member waits for its own tick of 200 ms, whose phase is its own; picks three members at
 * random, live or lately dead; drains the transmit-limited queue for each of them separately, so that each send costs
 * one of retransmitMult * ceil(log10(n + 1)); and stops when the queue is empty. What is heard for the first time is put
 * back into the queue by the delegate, as Alertmanager's does (memberlist itself relays no user message), and waits for
 * that member's tick. Pings, acks and nacks take pending messages along, which counts as a send.
 *
 * For whoever compares this with a real memberlist program:
 * - Its delegate queues a message never heard before in NotifyMsg, in a TransmitLimitedQueue of its own (RetransmitMult 4,
 *   NumNodes as the member list says), and gives it out in GetBroadcasts. LocalState says nothing and push-pull is off
 *   or rare, so that gossip alone is measured.
 * - Ticks of its members must not be in step. The ticker is made in Create, and its phase is that moment: triggerFunc's
 *   random stagger drops ticks at the start and moves none. Members made in one loop tick within milliseconds of each
 *   other. Make each after a random pause of 0 to 200 ms, or in a process of its own; here phases are uniform.
 * - One update at a time, from a member chosen at random, at a time that is not tied to any tick, when the one before
 *   has left all queues. "All" means that the last of the N members, its author included, has it in hand (NotifyMsg).
 * - DefaultLANConfig: GossipInterval 200 ms, GossipNodes 3, RetransmitMult 4, ProbeInterval 1 s.
 */
import { BroadcastQueue, type QueueItem } from '../gossip/core/broadcast-queue.ts'
import type { Broadcast } from '../gossip/core/delegate.ts'
import type { Dissemination, DisseminationDeps } from '../gossip/core/dissemination.ts'
import { isLive, type MemberRecord } from '../gossip/core/members.ts'
import type { AliveMessage, DeadMessage, SuspectMessage } from '../gossip/core/messages.ts'
import { COMPOUND_HEADER_BYTES, COMPOUND_PART_BYTES } from '../gossip/core/outbox.ts'
import { retransmitLimit } from '../gossip/core/scaling.ts'

/** A queue there has no bound in bytes; ours needs one. */
const QUEUE_BYTES_MAX = 64 * 1024 * 1024
/** Draws for each member known, until three are found. */
const TRIES_PER_MEMBER = 3

export class MemberlistDissemination implements Dissemination {
  readonly #deps: DisseminationDeps
  readonly #packetBudget: number
  readonly queues: Dissemination['queues']

  constructor(deps: DisseminationDeps) {
    this.#deps = deps
    this.#packetBudget = deps.config.packetBytesMax - COMPOUND_HEADER_BYTES
    const queue = (): BroadcastQueue =>
      new BroadcastQueue(this.#packetBudget - COMPOUND_PART_BYTES, QUEUE_BYTES_MAX)
    // One queue of user messages: memberlist knows no classes of peers.
    this.queues = { membership: queue(), user: { native: queue(), foreign: queue() } }
  }

  membership(_nowMs: number, message: AliveMessage | SuspectMessage | DeadMessage): void {
    this.queues.membership.enqueue({ key: message.node, bytes: this.#deps.outbox.encode(message) })
  }

  tellTheDead(): void {}

  user(_nowMs: number, { payload }: Broadcast): void {
    this.queues.user.native.enqueue({ bytes: this.#deps.outbox.encode({ kind: 'user', payload }) })
  }

  piggyback(mainBytes: number, mainParts: number): Uint8Array[] {
    const budget = this.#packetBudget - mainBytes - mainParts * COMPOUND_PART_BYTES
    return this.#drain(budget).map(({ bytes }) => bytes)
  }

  tick(nowMs: number): void {
    for (const peer of this.#randomPeers(nowMs)) {
      const items = this.#drain(this.#packetBudget)
      if (items.length === 0) return
      this.#deps.outbox.packet(
        peer.endpoint,
        items.map(({ bytes }) => bytes),
      )
    }
  }

  flush(): void {}

  probed(): void {}

  #drain(budget: number): QueueItem[] {
    const { config, members } = this.#deps
    const options = { overhead: COMPOUND_PART_BYTES, itemsMax: Number.POSITIVE_INFINITY }
    const live = members.livePeers('native') + members.livePeers('foreign') + 1
    const first = this.queues.membership.drain(
      { ...options, budget },
      retransmitLimit(config.retransmitMult, members.size),
    )
    const left = first.reduce((rest, { bytes }) => rest - bytes.length - COMPOUND_PART_BYTES, budget)
    const user = this.queues.user.native.drain(
      { ...options, budget: left },
      retransmitLimit(config.retransmitMult, live),
    )
    return [...first, ...user]
  }

  /** Drawn with replacement, three times as often as there are members: three members may miss one another. */
  #randomPeers(nowMs: number): MemberRecord[] {
    const { config, members, random } = this.#deps
    const picked: MemberRecord[] = []
    const tries = TRIES_PER_MEMBER * members.size
    for (let i = 0; i < tries && picked.length < config.gossipNodes; i++) {
      const peer = members.order[random.below(members.size)]
      if (peer === undefined || peer.isSelf || picked.includes(peer)) continue
      const lately = nowMs - peer.changedAtMs <= config.gossipToTheDeadMs
      if (isLive(peer) || (peer.liveness === 'dead' && lately)) picked.push(peer)
    }
    return picked
  }
}
