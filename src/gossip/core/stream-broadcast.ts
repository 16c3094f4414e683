/**
 * User messages that go by stream: too long for a packet, or too many.
 *
 * Too long: a native message goes to a few members, who relay it on first sight; a foreign one to every foreign
 * member, because Alertmanagers do not relay records above 700 bytes (alertmanager-state.md).
 *
 * Too many: when more than eight packets' worth of native messages was never sent, they leave in batches of up to
 * 256 KiB to three members (batch-frame.ts) instead of a storm of datagrams. Every receiver relays what was new to it,
 * so a burst of 10,000 messages of 100 bytes costs each member about a dozen streams.
 */
import { BATCH_BYTES_MAX, BATCH_HEADER_BYTES, batchEntryBytes, encodeBatch } from './batch-frame.ts'
import type { QueueItem } from './broadcast-queue.ts'
import type { Broadcasts } from './broadcasts.ts'
import type { PeerClass } from './delegate.ts'
import { isLive, type MemberRecord, type Members } from './members.ts'
import { Rotation } from './node-selection.ts'
import type { Outbox } from './outbox.ts'

/** Members that get a batch or a long native message. */
export const STREAM_FANOUT = 3
/** Up to this many native members, a long message goes to all of them directly. */
export const STREAM_ALL_UP_TO = 8
/** Alertmanagers pass on records up to half their packet size. */
export const FOREIGN_RELAYED_BYTES_MAX = 700
/** Packets' worth of never-sent native messages above which they are batched. */
export const BACKLOG_PACKETS_MAX = 8
/** Batches in one flush, and the time between flushes with batches: lets a burst collect. */
export const BATCHES_PER_FLUSH_MAX = 4
export const BATCH_SPACING_MS = 5

export class StreamBroadcast {
  readonly #members: Members
  readonly #broadcasts: Broadcasts
  readonly #outbox: Outbox
  readonly #rotation = new Rotation<'batch' | 'long'>()
  #nextBatchAtMs = Number.NEGATIVE_INFINITY

  constructor(members: Members, broadcasts: Broadcasts, outbox: Outbox) {
    this.#members = members
    this.#broadcasts = broadcasts
    this.#outbox = outbox
  }

  /** Whether a message has to go by stream, given its encoded length. */
  isTooLong(audience: PeerClass, payloadBytes: number, encodedBytes: number): boolean {
    if (encodedBytes > this.#broadcasts.messageBytesMax) return true
    return audience === 'foreign' && payloadBytes > FOREIGN_RELAYED_BYTES_MAX
  }

  sendLong(audience: PeerClass, payload: Uint8Array): void {
    const live = this.#members.livePeers(audience)
    const everyone = audience === 'foreign' || live <= STREAM_ALL_UP_TO
    const receivers = this.#receivers('long', audience, everyone ? live : STREAM_FANOUT)
    for (const peer of receivers) this.#outbox.emit({ type: 'stream-user', to: peer.endpoint, payload })
  }

  hasBacklog(): boolean {
    const { user, packetBudget } = this.#broadcasts
    return (
      user.native.unsentBytes > BACKLOG_PACKETS_MAX * packetBudget && this.#members.livePeers('native') > 0
    )
  }

  /** @returns when the backlog may leave next, or undefined when there is none (any more) */
  flushBacklog(nowMs: number): number | undefined {
    if (!this.hasBacklog()) return undefined
    if (nowMs < this.#nextBatchAtMs) return this.#nextBatchAtMs
    for (let i = 0; i < BATCHES_PER_FLUSH_MAX && this.#broadcasts.user.native.unsent > 0; i++)
      this.#sendBatch()
    this.#nextBatchAtMs = nowMs + BATCH_SPACING_MS
    return this.hasBacklog() ? this.#nextBatchAtMs : undefined
  }

  #sendBatch(): void {
    const queue = this.#broadcasts.user.native
    let bytes = BATCH_HEADER_BYTES
    const items = queue.takeUnsent((item) => {
      const entryBytes = batchEntryBytes(payloadOf(item).length)
      if (bytes + entryBytes > BATCH_BYTES_MAX) return false
      bytes += entryBytes
      return true
    })
    const payload = encodeBatch(items.map(payloadOf))
    const receivers = this.#receivers('batch', 'native', STREAM_FANOUT)
    for (const peer of receivers) this.#outbox.emit({ type: 'stream-user', to: peer.endpoint, payload })
    const complete = receivers.length === this.#members.livePeers('native')
    const limit = complete ? 0 : this.#broadcasts.userLimit('native')
    for (const item of items) queue.settle(item, receivers.length, limit)
    this.#outbox.note('debug', 'broadcast-batch', { messages: items.length, bytes, peers: receivers.length })
  }

  #receivers(purpose: 'batch' | 'long', audience: PeerClass, count: number): MemberRecord[] {
    const accept = (peer: MemberRecord): boolean =>
      !peer.isSelf && isLive(peer) && peer.peerClass === audience
    return this.#rotation.next(purpose, this.#members.order, count, accept)
  }
}

function payloadOf(item: QueueItem): Uint8Array {
  return item.payload ?? item.bytes
}
