/**
 * Incoming streams: read one request, answer it as soon as its last byte is there, close.
 *
 * There is no outer length and no half-close on this wire: the caller keeps its side open and waits, so waiting for an
 * end would wait for ever. The request is parsed as it comes. Nobody may hold a stream open: an absolute deadline runs
 * from the accept and is renewed once, before the answer.
 *
 * Numbers: 128 streams at once, which is memberlist's cap, and 64 for one remote address, so that one broken host cannot
 * take them all, yet several replicas behind one address can send 8 messages each at once. Loopback is exempt, since
 * there every peer has the same address. Further ones are closed unanswered, as memberlist does. What they hold together
 * is bounded by stream-memory.ts.
 *
 * Not handled here: what requests mean (StreamRequests). TLS.
 */
import type { Clock } from '../../base/clock.ts'
import type { Endpoint } from '../core/endpoint.ts'
import type { StreamMessage } from '../core/messages.ts'
import { readsBlocks } from '../wire/encryption.ts'
import { encodeStream, StreamReader } from '../wire/stream.ts'
import type { Alarm, Alarms } from './alarms.ts'
import type { Counters } from './counters.ts'
import { addressToText, isLoopbackAddress } from './endpoint-text.ts'
import type { Framing } from './framing.ts'
import { complaintAbout } from './stream-complaint.ts'
import type { StreamCharge, StreamMemory } from './stream-memory.ts'
import type { ReliableStream, StreamListener } from './transport.ts'

export interface StreamServerOptions {
  /** Streams open at once. */
  readonly inboundStreamsMax: number
  /** Of these, from one remote address other than loopback. */
  readonly inboundStreamsPerAddressMax: number
  /** From accept to the whole request, and again from there to the end. */
  readonly tcpTimeoutMs: number
}

/** What can be asked over a stream. Handlers never throw for what a peer sent. */
export interface StreamRequests {
  /** @param reply sends the one answer; calling it is optional and only possible during the call */
  request(message: StreamMessage, from: Endpoint, reply: (message: StreamMessage) => void): void
}

export class StreamServer {
  readonly #clock: Clock
  readonly #alarms: Alarms
  readonly #counters: Counters
  readonly #options: StreamServerOptions & Framing
  readonly #memory: StreamMemory
  readonly #requests: StreamRequests
  readonly #openByAddress = new Map<string, number>()
  #open = 0

  constructor(
    clock: Clock,
    alarms: Alarms,
    counters: Counters,
    options: StreamServerOptions & Framing,
    memory: StreamMemory,
    requests: StreamRequests,
  ) {
    this.#clock = clock
    this.#alarms = alarms
    this.#counters = counters
    this.#options = options
    this.#memory = memory
    this.#requests = requests
  }

  get open(): number {
    return this.#open
  }

  accept(stream: ReliableStream): StreamListener {
    const address = addressToText(stream.remote.addr)
    const ofAddress = this.#openByAddress.get(address) ?? 0
    const full =
      this.#open >= this.#options.inboundStreamsMax ||
      (ofAddress >= this.#options.inboundStreamsPerAddressMax && !isLoopbackAddress(stream.remote.addr))
    if (full) {
      this.#counters.streams.add('refused')
      stream.destroy()
      return { data: () => undefined, closed: () => undefined }
    }
    this.#open++
    this.#openByAddress.set(address, ofAddress + 1)
    this.#counters.streams.add('accepted')
    return this.#serve(stream, () => {
      this.#open--
      const left = (this.#openByAddress.get(address) ?? 1) - 1
      if (left > 0) this.#openByAddress.set(address, left)
      else this.#openByAddress.delete(address)
    })
  }

  #serve(stream: ReliableStream, release: () => void): StreamListener {
    const { label, encryption } = this.#options
    const reader = new StreamReader({ label, encryption })
    let deadline = this.#deadline(stream)
    const charge = this.#memory.open(() => {
      this.#counters.drop('stream-memory-full', stream.remote)
      read = true
      stream.destroy()
    })
    let receivedBytes = 0
    let read = false
    const answer = (message: StreamMessage): void => {
      deadline.cancel()
      deadline = this.#deadline(stream)
      this.#send(stream, message, charge)
    }
    return {
      data: (chunk) => {
        receivedBytes += chunk.length
        this.#counters.streams.add('received-bytes', chunk.length)
        // After the request the rest is read and forgotten: unread bytes would turn our close into a reset.
        if (read) return
        const result = reader.push(chunk)
        charge.hold(reader.heldBytes)
        if (result === 'need-more') return
        read = true
        if ('drop' in result) {
          this.#counters.drop(result.drop, stream.remote)
          if (reader.frameUnreadable) answer({ kind: 'error', error: complaintAbout(result.drop) })
        } else {
          this.#counters.received.add(result.kind)
          if (!reader.decrypted && readsBlocks(encryption)) this.#counters.streams.add('plaintext')
          for (const [reason, count] of reader.recordDrops) this.#counters.drop(reason, stream.remote, count)
          this.#requests.request(result, stream.remote, answer)
        }
        stream.end()
      },
      closed: () => {
        deadline.cancel()
        charge.release()
        release()
        if (!read && receivedBytes > 0) this.#counters.drop('stream-cut-off', stream.remote)
        if (receivedBytes === 0) this.#counters.streams.add('silent')
      },
    }
  }

  #deadline(stream: ReliableStream): Alarm {
    return this.#alarms.at(this.#clock.monotonicMs() + this.#options.tcpTimeoutMs, () => {
      this.#counters.streams.add('timed-out')
      stream.destroy()
    })
  }

  /** Only the side that dialled writes a label; answers carry none. */
  #send(stream: ReliableStream, message: StreamMessage, charge: StreamCharge): void {
    const bytes = encodeStream(message, { ...this.#options, dialled: false })
    this.#counters.sent.add(message.kind)
    this.#counters.streams.add('sent-bytes', bytes.length)
    stream.send(bytes)
    charge.hold(bytes.length)
  }
}
