/**
 * Incoming streams: who gets one of the places, and who leaves when all are taken.
 *
 * Numbers: 128 streams at once, which is memberlist's cap, and 64 for one remote address, so that one broken host cannot
 * take them all, yet several replicas behind one address can send 8 messages each at once. Loopback is exempt from the
 * latter, since there every peer has the same address.
 *
 * A full house is not closed: whoever holds a place without using it makes room for who comes. A request comes with its
 * connection, so a place where nothing moved for 250 ms is not in use; of those the oldest goes, strangers before
 * members. A member may also take the place of a stranger who does use it, and of those who wait for room for a large
 * body the one that wants most goes. Only where all others are at work is the newcomer closed unanswered, as memberlist
 * does. So to lock peers out, 500 new connections a second from several addresses that look busy are needed, and
 * members from other hosts not even then.
 *
 * Not handled here: what becomes of a stream (inbound-stream.ts), what requests mean (StreamRequests). TLS.
 */
import type { Clock } from '../../base/clock.ts'
import type { Endpoint } from '../core/endpoint.ts'
import type { StreamMessage } from '../core/messages.ts'
import type { Alarms } from './alarms.ts'
import { AnswerSize } from './answer-size.ts'
import type { Counters } from './counters.ts'
import { addressToText, isLoopbackAddress } from './endpoint-text.ts'
import type { Framing } from './framing.ts'
import { InboundStream, type InboundStreamDeps } from './inbound-stream.ts'
import type { StreamMemory } from './stream-memory.ts'
import type { ReliableStream, StreamListener } from './transport.ts'
import type { Turns } from './turns.ts'

/** A place where nothing moved for so long is not in use. */
const STALLED_MS = 250
/** Ranks of those who go: each is above all that is added to the one before it. */
const DISPLACED_BY_MEMBER = 2 ** 36
const STALLED = 2 ** 40

export interface StreamServerOptions {
  /** Streams open at once. */
  readonly inboundStreamsMax: number
  /** Of these, from one remote address other than loopback. */
  readonly inboundStreamsPerAddressMax: number
  /** From accept to the whole request, and again from there to the end; half of it without any progress. */
  readonly tcpTimeoutMs: number
}

/** What can be asked over a stream. Handlers never throw for what a peer sent. */
export interface StreamRequests {
  /** @param reply sends the one answer; calling it is optional and only possible during the call */
  request(message: StreamMessage, from: Endpoint, reply: (message: StreamMessage) => void): void
}

export interface StreamServerDeps {
  readonly clock: Clock
  readonly alarms: Alarms
  readonly counters: Counters
  readonly options: StreamServerOptions & Framing
  readonly turns: Turns
  /** For requests. */
  readonly memory: StreamMemory
  /** For answers. */
  readonly answerMemory: StreamMemory
  readonly requests: StreamRequests
  /** Whether a live member has this address, whatever its port. */
  readonly isMemberAddress: (addr: Uint8Array) => boolean
}

export class StreamServer {
  readonly #deps: StreamServerDeps
  readonly #streamDeps: InboundStreamDeps
  /** By remote address, in the order they came. */
  readonly #byAddress = new Map<string, Set<InboundStream>>()
  #open = 0

  constructor(deps: StreamServerDeps) {
    const { options } = deps
    this.#deps = deps
    const answerSize = new AnswerSize(deps.clock, options.tcpTimeoutMs)
    this.#streamDeps = { ...deps, framing: options, tcpTimeoutMs: options.tcpTimeoutMs, answerSize }
  }

  get open(): number {
    return this.#open
  }

  accept(stream: ReliableStream): StreamListener {
    const { counters, isMemberAddress } = this.#deps
    const address = addressToText(stream.remote.addr)
    const isMember = isMemberAddress(stream.remote.addr)
    if (!this.#findPlace(address, isMember, isLoopbackAddress(stream.remote.addr))) {
      counters.streams.add('refused')
      stream.destroy()
      return { data: () => undefined, closed: () => undefined }
    }
    counters.streams.add('accepted')
    const inbound: InboundStream = new InboundStream(this.#streamDeps, stream, isMember, () =>
      this.#leave(address, inbound),
    )
    const others = this.#byAddress.get(address)
    if (others === undefined) this.#byAddress.set(address, new Set([inbound]))
    else others.add(inbound)
    this.#open++
    return inbound
  }

  /** Idempotent: one that was put out leaves at once, and closes later. */
  #leave(address: string, stream: InboundStream): void {
    const others = this.#byAddress.get(address)
    if (others?.delete(stream) !== true) return
    this.#open--
    if (others.size === 0) this.#byAddress.delete(address)
  }

  #findPlace(address: string, isMember: boolean, isLoopback: boolean): boolean {
    const { inboundStreamsMax, inboundStreamsPerAddressMax } = this.#deps.options
    const ofAddress = this.#byAddress.get(address)
    if (!isLoopback && (ofAddress?.size ?? 0) >= inboundStreamsPerAddressMax) {
      return this.#displace([[address, ofAddress ?? new Set()]], false)
    }
    return this.#open < inboundStreamsMax || this.#displace([...this.#byAddress], isMember)
  }

  /** @param forMember whether a stranger has to go even if its stream is in use */
  #displace(among: readonly (readonly [string, ReadonlySet<InboundStream>])[], forMember: boolean): boolean {
    const candidates = among.flatMap(([address, streams]) =>
      [...streams].map((stream) => ({ address, stream, rank: this.#rank(stream, forMember) })),
    )
    let least = candidates[0]
    for (const candidate of candidates)
      if (least !== undefined && candidate.rank > least.rank) least = candidate
    if (least === undefined || least.rank <= 0) return false
    this.#leave(least.address, least.stream)
    least.stream.putOut('stream-displaced')
    return true
  }

  /** How readily a stream is given up; at 0 and below it is not. */
  #rank(stream: InboundStream, forMember: boolean): number {
    const sinceMs = stream.stalledSinceMs
    const stalledMs = sinceMs === undefined ? 0 : this.#deps.clock.monotonicMs() - sinceMs
    const stranger = stream.isMember ? 0 : 1
    if (stalledMs >= STALLED_MS) return STALLED * (1 + stranger) + stalledMs
    if (forMember && stranger === 1) return DISPLACED_BY_MEMBER + stream.roomWantedBytes
    return stream.roomWantedBytes
  }
}
