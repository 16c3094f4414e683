/**
 * Outgoing streams: one request a connection, as memberlist has it (memberlist-wire.md section 2.7).
 *
 * Three uses: a ping that waits for its ack, a push-pull that waits for the other half, a user message that waits for
 * nothing. The reply is read as it comes and the connection dropped with its last byte, because nobody announces the
 * end. Every request has one absolute deadline, and always answers: nothing here throws or rejects.
 *
 * We close last. Whoever closes first keeps the pair of ports occupied for a minute, and a sender has only some 28,000 of
 * them for one peer: at 500 messages a second they would run out. A receiver closes as soon as it has read.
 *
 * Whoever answers has the rank of a member, since we wanted to hear from him; but only a push-pull may be answered at
 * length. Every other reply has to fit in 16 KiB, for which nobody's room is asked.
 *
 * Not handled here: how many run at once (stream-outbox.ts, joiner.ts), and what a reply means.
 */
import { errorCode } from '../../base/errors.ts'
import type { Endpoint } from '../core/endpoint.ts'
import type { StreamMessage } from '../core/messages.ts'
import type { DropReason } from '../wire/drop-reason.ts'
import { readsBlocks } from '../wire/encryption.ts'
import { labelHeader } from '../wire/label.ts'
import type { StreamLimits } from '../wire/limits.ts'
import { encodeStream, type StreamReader } from '../wire/stream.ts'
import type { Alarms } from './alarms.ts'
import type { Counters } from './counters.ts'
import { EchoWatch } from './echo-watch.ts'
import type { Framing } from './framing.ts'
import { FREE_BYTES, PacedReader } from './paced-reader.ts'
import { troubleWithReply } from './stream-complaint.ts'
import type { StreamMemory } from './stream-memory.ts'
import type { ReliableStream, StreamListener, Transport } from './transport.ts'
import type { Turns } from './turns.ts'

/** `failed` carries one sentence for a person; `wasAccepted` when the other side took the request and closed in order without a word. */
export type StreamOutcome =
  | { readonly type: 'reply'; readonly message: StreamMessage }
  | { readonly type: 'delivered' }
  | {
      readonly type: 'failed'
      readonly reason: string
      readonly wasAccepted?: boolean
      /** Whether bytes came back: then it was no fault of the network. */
      readonly wasHeard?: boolean
      /** Whether the host said that nobody listens there. */
      readonly wasRefused?: boolean
    }

/** Whether the stream came to the other side and back. */
export function wasReached(outcome: StreamOutcome): boolean {
  return outcome.type !== 'failed' || outcome.wasAccepted === true || outcome.wasHeard === true
}

/** Nobody answers with a user message; a complaint fits in what is read without asking for room. */
const STATE_REPLY: Partial<StreamLimits> = { userMessageBytesMax: FREE_BYTES }
/** Of an ack or a complaint: nothing for which room would be asked. */
const SMALL_REPLY: Partial<StreamLimits> = {
  streamBytesMax: 4 * FREE_BYTES,
  encryptedBytesMax: FREE_BYTES,
  inflatedBytesMax: FREE_BYTES,
  nodesMax: 0,
  userStateBytesMax: FREE_BYTES,
  userMessageBytesMax: FREE_BYTES,
}

const NO_REPLY: StreamOutcome = { type: 'failed', reason: 'closed without a reply', wasAccepted: true }

const ECHOED: StreamOutcome = {
  type: 'failed',
  reason: 'the peer says back what we sent: it is no member of this cluster',
  wasHeard: true,
}

function brokenBy(error: Error): StreamOutcome {
  const wasRefused = errorCode(error) === 'ECONNREFUSED'
  return { type: 'failed', reason: error.message, ...(wasRefused && { wasRefused }) }
}

export class StreamClient {
  readonly #transport: Transport
  readonly #alarms: Alarms
  readonly #counters: Counters
  readonly #framing: Framing
  readonly #memory: StreamMemory
  readonly #turns: Turns
  #open = 0

  constructor(
    transport: Transport,
    alarms: Alarms,
    counters: Counters,
    framing: Framing,
    memory: StreamMemory,
    turns: Turns,
  ) {
    this.#transport = transport
    this.#alarms = alarms
    this.#counters = counters
    this.#framing = framing
    this.#memory = memory
    this.#turns = turns
  }

  /** Streams dialled and not yet closed. */
  get open(): number {
    return this.#open
  }

  /** @param deadlineMs monotonic; the outcome is known by then */
  ask(to: Endpoint, request: StreamMessage, deadlineMs: number): Promise<StreamOutcome> {
    return this.#run(to, request, deadlineMs, true)
  }

  /**
   * Delivered means that the other side read to the end and closed, which is all that memberlist tells; what it says
   * instead can only be a complaint.
   */
  async tell(to: Endpoint, message: StreamMessage, deadlineMs: number): Promise<StreamOutcome> {
    const outcome = await this.#run(to, message, deadlineMs, false)
    if (outcome.type !== 'reply') return outcome
    this.#counters.streams.add('failed')
    const said = outcome.message.kind === 'error' ? outcome.message.error : outcome.message.kind
    return { type: 'failed', reason: `the peer refused: ${said}`, wasHeard: true }
  }

  #outcome(
    request: StreamMessage,
    read: StreamMessage | { readonly drop: DropReason },
    reader: StreamReader,
    from: Endpoint,
  ): StreamOutcome {
    const counters = this.#counters
    if ('drop' in read) {
      counters.drop(read.drop, from)
      return { type: 'failed', reason: troubleWithReply(read.drop), wasHeard: true }
    }
    counters.countReceived(read)
    if (request.kind === 'ping' && read.kind !== 'ack' && read.kind !== 'error') {
      counters.drop('unknown-type', from)
      return { type: 'failed', reason: `the peer answered a ping with ${read.kind}`, wasHeard: true }
    }
    if (!reader.decrypted && readsBlocks(this.#framing.encryption)) counters.streams.add('plaintext')
    for (const [reason, count] of reader.recordDrops) counters.drop(reason, from, count)
    return { type: 'reply', message: read }
  }

  #replyReader(
    request: StreamMessage,
    stream: ReliableStream,
    settle: (outcome: StreamOutcome) => void,
  ): PacedReader {
    const { label, encryption } = this.#framing
    const from = stream.remote
    return new PacedReader(
      {
        memory: this.#memory,
        turns: this.#turns,
        // Whoever answers is somebody we wanted to hear.
        isMember: true,
        read: (read, reader) => settle(this.#outcome(request, read, reader, from)),
        putOut: () => {
          this.#counters.drop('stream-too-slow', from)
          settle({
            type: 'failed',
            reason: 'the reply came too slowly while others waited',
            wasHeard: true,
          })
        },
      },
      stream,
      { label, encryption, dialled: true, limits: request.kind === 'push-pull' ? STATE_REPLY : SMALL_REPLY },
    )
  }

  #run(
    to: Endpoint,
    request: StreamMessage,
    deadlineMs: number,
    wantsReply: boolean,
  ): Promise<StreamOutcome> {
    return new Promise((resolve) => {
      const counters = this.#counters
      let outcome: StreamOutcome | undefined
      const settle = (result: StreamOutcome): void => {
        if (outcome !== undefined) return
        outcome = result
        deadline.cancel()
        reader.stop()
        if (result.type === 'failed') counters.streams.add('failed')
        resolve(result)
      }
      const listener: StreamListener = {
        data: (chunk) => {
          counters.streams.add('received-bytes', chunk.length)
          if (echo.push(chunk) && outcome === undefined) {
            counters.drop('echoed', to)
            stream.destroy()
            settle(ECHOED)
          } else reader.push(chunk)
        },
        closed: (error) => {
          this.#open--
          // The reply may be a view of its room, and whoever waits for it reads it in this turn.
          setImmediate(() => reader.release())
          if (error !== undefined) settle(brokenBy(error))
          else settle(wantsReply ? NO_REPLY : { type: 'delivered' })
        },
      }
      const bytes = encodeStream(request, this.#framing)
      const echo = new EchoWatch(bytes, labelHeader(this.#framing.label).length)
      const stream = this.#transport.dial(to, listener)
      const reader = this.#replyReader(request, stream, (result) => {
        stream.destroy()
        settle(result)
      })
      const deadline = this.#alarms.at(deadlineMs, () => {
        counters.streams.add('timed-out')
        stream.destroy()
        settle({ type: 'failed', reason: 'timed out' })
      })
      this.#open++
      counters.streams.add('dialled')
      counters.streams.add('sent-bytes', bytes.length)
      counters.countSent(request)
      stream.send(bytes)
    })
  }
}
