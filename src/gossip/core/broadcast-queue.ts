/**
 * The transmit-limited queue: what still has to be told, least told first.
 *
 * Gossip works because everybody repeats news a few times and then stops. The queue serves the message that was sent
 * least; among equals the longest that fits the rest of the packet, then the newest. Taking is separate from
 * settling: taken items are set aside until the round knows how many peers got them, so one round never picks an item
 * twice.
 *
 * A message with a key supersedes the pending one of the same key. The queue is bounded in bytes: what was sent most,
 * then what is oldest, goes first. Nothing longer than a packet may enter: it would stay forever.
 *
 * Cost: enqueue, take and settle are O(log n) plus a short memory move within a bucket; 10,000 pending messages of
 * 100 bytes are served at about a microsecond each.
 */
import { assert } from '../../base/assert.ts'
import { LengthTier, type TierItem } from './length-tier.ts'

/** Told about the fate of one message. */
export interface BroadcastNotice {
  sent(peerName: string): void
  /** Sent often enough, superseded, or dropped: it will not be sent again. */
  finished(): void
}

export interface QueueMessage {
  /** A pending message of the same key is replaced. Omitted: replaces nothing. */
  readonly key?: string | undefined
  /** Encoded, as it goes into a packet. */
  readonly bytes: Uint8Array
  /** What the bytes carry, kept for stream batches. */
  readonly payload?: Uint8Array | undefined
  readonly notice?: BroadcastNotice | undefined
  /** Its author sends it as well. */
  readonly isRelayed?: boolean
  /** When it was given to the queue, monotonic ms. */
  readonly queuedAtMs?: number
}

export interface QueueItem extends QueueMessage, TierItem {
  readonly bytes: Uint8Array
  /** Times sent so far, over all peers. */
  readonly transmits: number
}

interface Entry extends QueueItem {
  transmits: number
  state: 'waiting' | 'taken' | 'gone'
}

export interface TakeOptions {
  /** Bytes left in the packet. */
  readonly budget: number
  /** Added to each message's length: 2 inside a compound packet. */
  readonly overhead: number
  readonly itemsMax: number
  /** Only messages sent fewer times than this; default all. */
  readonly sentBelow?: number | undefined
}

export class BroadcastQueue {
  readonly #lengthMax: number
  readonly #bytesMax: number
  readonly #tiers: (LengthTier<Entry> | undefined)[] = []
  readonly #byKey = new Map<string, Entry>()
  #nextId = 1
  #size = 0
  #bytes = 0
  #unsent = 0
  #unsentBytes = 0
  #dropped = 0

  /**
   * @param lengthMax longest message accepted
   * @param bytesMax bytes all pending messages may hold
   */
  constructor(lengthMax: number, bytesMax: number) {
    this.#lengthMax = lengthMax
    this.#bytesMax = bytesMax
  }

  get size(): number {
    return this.#size
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Messages never sent to anybody. */
  get unsent(): number {
    return this.#unsent
  }

  get unsentBytes(): number {
    return this.#unsentBytes
  }

  /** Messages dropped for the bound since the start. */
  get dropped(): number {
    return this.#dropped
  }

  /** When the oldest message that waits was given to the queue; undefined when none waits. */
  get oldestAtMs(): number | undefined {
    const times = this.#tiers.flatMap((tier) => tier?.oldest()?.queuedAtMs ?? [])
    return times.length === 0 ? undefined : Math.min(...times)
  }

  /** @param transmits times that it counts as sent already */
  enqueue(message: QueueMessage, transmits = 0): void {
    const length = message.bytes.length
    assert(length > 0 && length <= this.#lengthMax, 'a queued message is not empty and fits a packet')
    const former = message.key === undefined ? undefined : this.#byKey.get(message.key)
    if (former !== undefined) this.#discard(former)
    const { key, bytes, payload, notice, isRelayed = false, queuedAtMs = 0 } = message
    const id = this.#nextId++
    const entry: Entry = {
      key,
      bytes,
      payload,
      notice,
      isRelayed,
      queuedAtMs,
      id,
      transmits,
      state: 'waiting',
    }
    if (entry.key !== undefined) this.#byKey.set(entry.key, entry)
    this.#size++
    this.#bytes += length
    this.#wait(entry)
    while (this.#bytes > this.#bytesMax && this.#dropWorst()) this.#dropped++
  }

  /** Sets aside the best messages for one packet. Give each back with `settle`. */
  take(options: TakeOptions): QueueItem[] {
    const taken: QueueItem[] = []
    let left = options.budget
    for (const tier of this.#tiers.slice(0, options.sentBelow)) {
      if (tier === undefined || tier.size === 0) continue
      while (taken.length < options.itemsMax) {
        const entry = tier.takeBest(left - options.overhead)
        if (entry === undefined) break
        this.#setAside(entry)
        taken.push(entry)
        left -= entry.bytes.length + options.overhead
      }
    }
    return taken
  }

  /** Sets aside messages never sent, the newest of the longest first, while `accept` agrees to each. */
  takeUnsent(accept: (item: QueueItem) => boolean): QueueItem[] {
    const taken: QueueItem[] = []
    const tier = this.#tiers[0]
    for (;;) {
      const entry = tier?.takeBest(this.#lengthMax)
      if (entry === undefined) return taken
      if (!accept(entry)) {
        tier?.add(entry)
        return taken
      }
      this.#setAside(entry)
      taken.push(entry)
    }
  }

  /**
   * Gives back an item after `sends` transmissions.
   * @param transmitLimit at this many transmissions in all the item is done
   */
  settle(item: QueueItem, sends: number, transmitLimit: number): void {
    const entry = item as Entry
    if (entry.state === 'gone') return
    assert(entry.state === 'taken', 'only a taken item is settled')
    entry.transmits += sends
    if (sends > 0 && entry.transmits >= transmitLimit) this.#finish(entry)
    else this.#wait(entry)
  }

  /** One packet's worth, each message counted as sent once. */
  drain(options: TakeOptions, transmitLimit: number): QueueItem[] {
    const taken = this.take(options)
    for (const item of taken) this.settle(item, 1, transmitLimit)
    return taken
  }

  /** Takes back the pending message of a key. */
  discardKey(key: string): void {
    const entry = this.#byKey.get(key)
    if (entry !== undefined) this.#discard(entry)
  }

  /** Bytes of the messages sent at least once, but fewer times than `transmits`. */
  bytesSentBelow(transmits: number): number {
    return this.#tiers.slice(1, transmits).reduce((total, tier) => total + (tier?.bytes ?? 0), 0)
  }

  /** Bytes of the messages sent `transmitsMin` times or more. */
  sentBytes(transmitsMin: number): number {
    return this.#tiers.slice(transmitsMin).reduce((total, tier) => total + (tier?.bytes ?? 0), 0)
  }

  /** Sets aside messages sent `transmitsMin` times or more, least sent first, until they are `bytesMax` long or more. */
  takeSent(transmitsMin: number, bytesMax: number = Number.POSITIVE_INFINITY): QueueItem[] {
    const taken: QueueItem[] = []
    let bytes = 0
    for (const tier of this.#tiers.slice(transmitsMin)) {
      while (bytes < bytesMax) {
        const entry = tier?.takeBest(this.#lengthMax)
        if (entry === undefined) break
        this.#setAside(entry)
        taken.push(entry)
        bytes += entry.bytes.length
      }
    }
    return taken
  }

  /** Takes back all that waits. */
  clear(): void {
    while (this.#dropWorst());
  }

  #wait(entry: Entry): void {
    entry.state = 'waiting'
    let tier = this.#tiers[entry.transmits]
    if (tier === undefined) {
      tier = new LengthTier(this.#lengthMax)
      // Filled without holes, so that iteration stays fast.
      while (this.#tiers.length < entry.transmits) this.#tiers.push(undefined)
      this.#tiers[entry.transmits] = tier
    }
    tier.add(entry)
    this.#countUnsent(entry, 1)
  }

  #setAside(entry: Entry): void {
    entry.state = 'taken'
    this.#countUnsent(entry, -1)
  }

  #countUnsent(entry: Entry, by: 1 | -1): void {
    if (entry.transmits > 0) return
    this.#unsent += by
    this.#unsentBytes += by * entry.bytes.length
  }

  #discard(entry: Entry): void {
    if (entry.state === 'waiting') {
      this.#tiers[entry.transmits]?.remove(entry)
      this.#countUnsent(entry, -1)
    }
    this.#finish(entry)
  }

  #finish(entry: Entry): void {
    entry.state = 'gone'
    this.#size--
    this.#bytes -= entry.bytes.length
    if (entry.key !== undefined && this.#byKey.get(entry.key) === entry) this.#byKey.delete(entry.key)
    if (this.#size === 0) this.#nextId = 1
    entry.notice?.finished()
  }

  #dropWorst(): boolean {
    for (let transmits = this.#tiers.length - 1; transmits >= 0; transmits--) {
      const oldest = this.#tiers[transmits]?.oldest()
      if (oldest === undefined) continue
      this.#discard(oldest)
      return true
    }
    return false
  }
}
