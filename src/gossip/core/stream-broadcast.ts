/**
 * User messages that go by stream: too long for a packet, or too many.
 *
 * Too long: a native message goes to a few members, who relay it on first sight; a foreign one to every foreign
 * member, because Alertmanagers do not relay records above 700 bytes (alertmanager-state.md).
 *
 * Too many: when more than eight packets' worth of native messages was never sent, they leave in batches of up to
 * 256 KiB to three members (batch-frame.ts) instead of a storm of datagrams. Every receiver relays what was new to it,
 * so a burst of 10,000 messages of 100 bytes costs each member about a dozen streams.
 *
 * What is many is repeated by stream as well, on ticks: packet by packet, a receiver that is busy with the burst would lose
 * it again. A small cluster was sent everything once, by its author to everybody; there the author repeats it to everybody
 * in one batch, also when it came in turns too small for batches, and those who only relay it leave that to the author. In
 * a large one every holder goes on to three further members a tick, until its sends are spent: 5,000 messages then take
 * three ticks instead of forty.
 *
 * Foreign messages are batched from two packets on, if the delegate can make one message of many: Alertmanagers relay each
 * small message and no batch, so that a batch to each of them is cheaper for the whole cluster.
 */
import { BATCH_BYTES_MAX, BATCH_HEADER_BYTES, batchEntryBytes, encodeBatch } from './batch-frame.ts'
import type { QueueItem } from './broadcast-queue.ts'
import type { Broadcasts } from './broadcasts.ts'
import type { GossipDelegate, PeerClass } from './delegate.ts'
import { LongMessages } from './long-messages.ts'
import { isLive, type MemberRecord, type Members } from './members.ts'
import { Rotation } from './node-selection.ts'
import type { Outbox } from './outbox.ts'
import type { Ring } from './ring.ts'

/** Members that get a batch or a long native message. */
export const STREAM_FANOUT = 3
/** Up to this many native members, a long message goes to all of them directly. */
export const STREAM_ALL_UP_TO = 8
/** Alertmanagers pass on records up to half their packet size. */
export const FOREIGN_RELAYED_BYTES_MAX = 700
/** Packets' worth of never-sent messages above which they are batched. */
export const BACKLOG_PACKETS_MAX = 8
export const FOREIGN_BACKLOG_PACKETS_MAX = 2
/** Packets' worth of messages that everybody was sent once, above which they are repeated by stream. */
export const REPEATED_PACKETS_MAX = 8
/** Batches in one flush, and the time between flushes with batches: lets a burst collect. */
export const BATCHES_PER_FLUSH_MAX = 4
export const BATCH_SPACING_MS = 5

export interface Backlog {
  /** Audiences whose messages wait for the next batch. */
  readonly held: readonly PeerClass[]
  /** When more may leave; undefined when nothing waits. */
  readonly atMs: number | undefined
}

export interface StreamBroadcastDeps {
  readonly members: Members
  readonly broadcasts: Broadcasts
  readonly outbox: Outbox
  readonly ring: Ring
  readonly coalesce: GossipDelegate['coalesce']
}

export class StreamBroadcast {
  readonly #members: Members
  readonly #ring: Ring
  readonly #broadcasts: Broadcasts
  readonly #outbox: Outbox
  readonly #coalesce: GossipDelegate['coalesce']
  readonly #long: Readonly<Record<PeerClass, LongMessages>>
  readonly #rotation = new Rotation<'batch' | 'long'>()
  readonly #nextBatchAtMs = { native: Number.NEGATIVE_INFINITY, foreign: Number.NEGATIVE_INFINITY }

  constructor({ members, broadcasts, outbox, ring, coalesce }: StreamBroadcastDeps) {
    this.#members = members
    this.#ring = ring
    this.#broadcasts = broadcasts
    this.#outbox = outbox
    this.#coalesce = coalesce
    this.#long = {
      native: new LongMessages(broadcasts.queueBytesMax),
      foreign: new LongMessages(broadcasts.queueBytesMax),
    }
  }

  /** Whether a message has to go by stream, given its encoded length. */
  isTooLong(audience: PeerClass, payloadBytes: number, encodedBytes: number): boolean {
    if (encodedBytes > this.#broadcasts.messageBytesMax) return true
    return audience === 'foreign' && payloadBytes > FOREIGN_RELAYED_BYTES_MAX
  }

  /** @returns whether it left, or waits for the next flush */
  sendLong(audience: PeerClass, key: string | undefined, payload: Uint8Array): 'sent' | 'waits' {
    if (audience === 'foreign' && this.#coalesce === undefined) {
      this.#send(audience, payload)
      return 'sent'
    }
    if (key !== undefined) this.#broadcasts.user[audience].discardKey(key)
    const messages = this.#long[audience].add(key, payload)
    if (messages > 0) this.#outbox.note('debug', 'broadcast_queue_full', { audience, messages })
    return 'waits'
  }

  /** A shorter message of the key takes the place of one that waits. */
  forgetLong(audience: PeerClass, key: string): void {
    this.#long[audience].forget(key)
  }

  clearLong(audience: PeerClass): void {
    this.#long[audience].clear()
  }

  flushBacklog(nowMs: number): Backlog {
    const held: PeerClass[] = []
    let atMs: number | undefined
    for (const audience of ['native', 'foreign'] as const) {
      if (!this.#hasBacklog(audience)) continue
      if (nowMs >= this.#nextBatchAtMs[audience]) {
        const withSmall = this.#hasManySmall(audience)
        let messages = 0
        for (let i = 0; i < BATCHES_PER_FLUSH_MAX; i++) messages += this.#sendBatch(audience, withSmall)
        // One long message after the other, each by itself, is no burst: none of them has to wait.
        if (messages > 1) this.#nextBatchAtMs[audience] = nowMs + BATCH_SPACING_MS
        if (!this.#hasBacklog(audience)) continue
      }
      held.push(audience)
      atMs = Math.min(atMs ?? Number.POSITIVE_INFINITY, this.#nextBatchAtMs[audience])
    }
    return { held, atMs }
  }

  /**
   * For each tick, before its round. What a batch loses is found by comparison (store/replication) within two seconds.
   * @returns whether native messages were repeated, so that the round need not
   */
  repeatBurst(): boolean {
    const queue = this.#broadcasts.user.native
    const live = this.#members.livePeers('native')
    const isSmall = live <= STREAM_FANOUT
    const bytesMax = REPEATED_PACKETS_MAX * this.#broadcasts.packetBudget
    if (live === 0 || queue.sentBytes(isSmall ? live : 1) <= bytesMax) return false
    if (isSmall) this.#repeatToAll(live)
    else this.#repeatToSome()
    return true
  }

  #repeatToAll(live: number): void {
    const queue = this.#broadcasts.user.native
    const items = queue.takeSent(live)
    const own = items.filter(({ isRelayed }) => isRelayed !== true)
    for (const batch of batchesOf(own)) this.#send('native', encodeBatch(batch))
    for (const item of items) queue.settle(item, live, 0)
    this.#outbox.note('debug', 'broadcast_repeat', {
      messages: own.length,
      relayed: items.length - own.length,
    })
  }

  #repeatToSome(): void {
    const queue = this.#broadcasts.user.native
    const limit = this.#broadcasts.userLimit('native')
    const items = queue.takeSent(1, BATCHES_PER_FLUSH_MAX * BATCH_BYTES_MAX)
    const sendsOf = (item: QueueItem): number => Math.min(STREAM_FANOUT, Math.max(1, limit - item.transmits))
    const others = this.#receivers('batch', 'native', STREAM_FANOUT, this.#ring.next('native'))
    others.forEach((peer, place) => {
      for (const batch of batchesOf(items.filter((item) => place < sendsOf(item)))) {
        this.#outbox.emit({ type: 'stream-user', to: peer.endpoint, payload: encodeBatch(batch) })
      }
    })
    for (const item of items) queue.settle(item, sendsOf(item), limit)
    this.#outbox.note('debug', 'broadcast_repeat', { messages: items.length, relayed: 0 })
  }

  #hasBacklog(audience: PeerClass): boolean {
    if (this.#members.livePeers(audience) === 0) return false
    return this.#long[audience].size > 0 || this.#hasManySmall(audience)
  }

  #hasManySmall(audience: PeerClass): boolean {
    if (audience === 'foreign' && this.#coalesce === undefined) return false
    const packets = audience === 'native' ? BACKLOG_PACKETS_MAX : FOREIGN_BACKLOG_PACKETS_MAX
    return this.#broadcasts.user[audience].unsentBytes > packets * this.#broadcasts.packetBudget
  }

  #send(audience: PeerClass, payload: Uint8Array): void {
    const live = this.#members.livePeers(audience)
    const everyone = audience === 'foreign' || live <= STREAM_ALL_UP_TO
    const receivers = everyone ? this.#receivers('long', audience, live) : this.#withNext('long', audience)
    for (const peer of receivers) this.#outbox.emit({ type: 'stream-user', to: peer.endpoint, payload })
  }

  /** @returns how many messages left in one batch */
  #sendBatch(audience: PeerClass, withSmall: boolean): number {
    if (this.#long[audience].size > 0) return this.#sendLongBatch(audience)
    if (!withSmall || this.#broadcasts.user[audience].unsent === 0) return 0
    return audience === 'native' ? this.#sendNativeBatch() : this.#sendForeignBatch([])
  }

  #sendLongBatch(audience: PeerClass): number {
    const payloads = this.#long[audience].take()
    if (audience === 'foreign') return this.#sendForeignBatch(payloads)
    const [payload] = payloads
    if (payload !== undefined) this.#send(audience, payloads.length === 1 ? payload : encodeBatch(payloads))
    return payloads.length
  }

  /** What is long and what is not go together: so the small ones need no packets of their own. */
  #sendForeignBatch(long: readonly Uint8Array[]): number {
    const queue = this.#broadcasts.user.foreign
    let bytes = long.reduce((total, payload) => total + payload.length, 0)
    const items = queue.takeUnsent((item) => {
      bytes += payloadOf(item).length
      return bytes <= BATCH_BYTES_MAX
    })
    for (const item of items) queue.settle(item, this.#members.livePeers('foreign'), 0)
    const payloads = [...long, ...items.map(payloadOf)]
    for (const payload of this.#coalesce?.(payloads) ?? payloads) this.#send('foreign', payload)
    this.#outbox.note('debug', 'broadcast_foreign_batch', { messages: payloads.length, bytes })
    return payloads.length
  }

  #sendNativeBatch(): number {
    const queue = this.#broadcasts.user.native
    let bytes = BATCH_HEADER_BYTES
    const items = queue.takeUnsent((item) => {
      const entryBytes = batchEntryBytes(payloadOf(item).length)
      if (bytes + entryBytes > BATCH_BYTES_MAX) return false
      bytes += entryBytes
      return true
    })
    const payload = encodeBatch(items.map(payloadOf))
    const receivers = this.#withNext('batch', 'native')
    for (const peer of receivers) this.#outbox.emit({ type: 'stream-user', to: peer.endpoint, payload })
    const complete = receivers.length === this.#members.livePeers('native')
    const limit = complete ? 0 : this.#broadcasts.userLimit('native')
    for (const item of items) queue.settle(item, receivers.length, limit)
    this.#outbox.note('debug', 'broadcast_batch', { messages: items.length, bytes, peers: receivers.length })
    return items.length
  }

  /** As many as a batch goes to; the next in the ring is one of them. */
  #withNext(purpose: 'batch' | 'long', audience: PeerClass): MemberRecord[] {
    const next = this.#ring.next(audience)
    if (next === undefined) return []
    return [next, ...this.#receivers(purpose, audience, STREAM_FANOUT - 1, next)]
  }

  #receivers(
    purpose: 'batch' | 'long',
    audience: PeerClass,
    count: number,
    without?: MemberRecord,
  ): MemberRecord[] {
    const accept = (peer: MemberRecord): boolean =>
      !peer.isSelf && isLive(peer) && peer.peerClass === audience && peer !== without
    return this.#rotation.next(purpose, this.#members.order, count, accept)
  }
}

function payloadOf(item: QueueItem): Uint8Array {
  return item.payload ?? item.bytes
}

function batchesOf(items: readonly QueueItem[]): Uint8Array[][] {
  const batches: Uint8Array[][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const item of items) {
    const payload = payloadOf(item)
    bytes += batchEntryBytes(payload.length)
    if (bytes > BATCH_BYTES_MAX) {
      batches.push([])
      bytes = BATCH_HEADER_BYTES + batchEntryBytes(payload.length)
    }
    batches.at(-1)?.push(payload)
  }
  return batches
}
