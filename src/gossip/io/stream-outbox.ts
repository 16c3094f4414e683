/**
 * The outbox of reliable user messages: one connection a message, a bounded number at once, the rest in order.
 *
 * A connection carries one message (the wire allows no more), so a burst would open as many sockets as there are
 * messages. Here at most 8 run towards one peer and 64 in all; the rest waits its turn, first in first out for each
 * peer, and peers take turns. Up to 8 messages to a peer may overtake each other on the way: readers of a CRDT do not
 * mind, and a limit of 1 gives strict order.
 *
 * Numbers: 32 MiB wait at most, counted by payload. When that is full, the oldest messages of the peer for which most
 * waits make room, or the new one is dropped if it is for that very peer: one that takes nothing must not crowd out the
 * others. Dropped is counted. What fails is not tried again: anti-entropy repairs what it would have told.
 */
import { assert } from '../../base/assert.ts'
import type { Clock } from '../../base/clock.ts'
import { type Endpoint, endpointKey } from '../core/endpoint.ts'
import type { Counters } from './counters.ts'
import { type StreamClient, wasReached } from './stream-client.ts'

export interface StreamOutboxOptions {
  readonly outboundStreamsMax: number
  readonly outboundStreamsPerPeerMax: number
  /** Payload bytes that may wait for a stream. */
  readonly outboxBytesMax: number
  /** For one message, from dial to close. */
  readonly tcpTimeoutMs: number
}

interface Peer {
  readonly to: Endpoint
  readonly waiting: Uint8Array[]
  waitingBytes: number
  running: number
}

export class StreamOutbox {
  readonly #clock: Clock
  readonly #client: StreamClient
  readonly #counters: Counters
  readonly #options: StreamOutboxOptions
  readonly #ended: (to: Endpoint, reached: boolean) => void
  /** Peers with something waiting or running; the order is whose turn it is. */
  readonly #peers = new Map<string, Peer>()
  #running = 0
  #waitingBytes = 0
  #waitingMessages = 0

  /** @param ended hears of each message whether its stream came through */
  constructor(
    clock: Clock,
    client: StreamClient,
    counters: Counters,
    options: StreamOutboxOptions,
    ended: (to: Endpoint, reached: boolean) => void = () => undefined,
  ) {
    assert(
      options.outboundStreamsMax > 0 && options.outboundStreamsPerPeerMax > 0,
      'an outbox may use a stream',
    )
    this.#clock = clock
    this.#client = client
    this.#counters = counters
    this.#options = options
    this.#ended = ended
  }

  get waiting(): { readonly messages: number; readonly bytes: number } {
    return { messages: this.#waitingMessages, bytes: this.#waitingBytes }
  }

  /** @param payload must not change afterwards; what is dropped for it, or it itself, counts as `reliable_overflow` */
  add(to: Endpoint, payload: Uint8Array): void {
    const key = endpointKey(to)
    const peer = this.#peers.get(key) ?? { to, waiting: [], waitingBytes: 0, running: 0 }
    if (!this.#makeRoom(payload.length, peer.waitingBytes + payload.length)) {
      this.#counters.events.add('reliable_overflow')
      return
    }
    this.#peers.set(key, peer)
    peer.waiting.push(payload)
    peer.waitingBytes += payload.length
    this.#waitingBytes += payload.length
    this.#waitingMessages++
    this.#pump()
  }

  /** At the cost of the peer with most waiting, if that is more than `ownBytes`. */
  #makeRoom(bytes: number, ownBytes: number): boolean {
    const excess = this.#waitingBytes + bytes - this.#options.outboxBytesMax
    if (excess <= 0) return true
    const [most] = [...this.#peers.values()].sort((a, b) => b.waitingBytes - a.waitingBytes)
    if (most === undefined || most.waitingBytes <= ownBytes || most.waitingBytes < excess) return false
    for (let freed = 0; freed < excess; ) {
      freed += this.#takeOldest(most)?.length ?? excess
      this.#counters.events.add('reliable_overflow')
    }
    return true
  }

  #takeOldest(peer: Peer): Uint8Array | undefined {
    const payload = peer.waiting.shift()
    if (payload === undefined) return undefined
    peer.waitingBytes -= payload.length
    this.#waitingBytes -= payload.length
    this.#waitingMessages--
    return payload
  }

  /** Forgets what waits. What runs is ended by its transport. */
  clear(): void {
    for (const peer of this.#peers.values()) {
      peer.waiting.length = 0
      peer.waitingBytes = 0
    }
    this.#waitingBytes = 0
    this.#waitingMessages = 0
  }

  #pump(): void {
    let started = true
    while (started && this.#running < this.#options.outboundStreamsMax) {
      started = false
      for (const [key, peer] of [...this.#peers]) {
        if (this.#running >= this.#options.outboundStreamsMax) break
        if (peer.running >= this.#options.outboundStreamsPerPeerMax) continue
        const payload = this.#takeOldest(peer)
        if (payload === undefined) continue
        started = true
        this.#peers.delete(key)
        this.#peers.set(key, peer)
        this.#start(key, peer, payload)
      }
    }
  }

  #start(key: string, peer: Peer, payload: Uint8Array): void {
    peer.running++
    this.#running++
    const deadlineMs = this.#clock.monotonicMs() + this.#options.tcpTimeoutMs
    void this.#client.tell(peer.to, { kind: 'user', payload }, deadlineMs).then((outcome) => {
      this.#counters.events.add(outcome.type === 'failed' ? 'reliable_failed' : 'reliable_delivered')
      this.#ended(peer.to, wasReached(outcome))
      peer.running--
      this.#running--
      if (peer.running === 0 && peer.waiting.length === 0) this.#peers.delete(key)
      this.#pump()
    })
  }
}
