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
 * Not handled here: how many run at once (stream-outbox.ts, joiner.ts), and what a reply means.
 */
import type { Endpoint } from '../core/endpoint.ts'
import type { StreamMessage } from '../core/messages.ts'
import { encodeStream, StreamReader } from '../wire/stream.ts'
import type { Alarms } from './alarms.ts'
import type { Counters } from './counters.ts'
import type { StreamMemory } from './stream-memory.ts'
import type { StreamListener, Transport } from './transport.ts'

export interface StreamClientOptions {
  readonly label: string
  /** Whether requests are LZW-compressed: smaller, and about 0.1 s of this thread for each 10 MB. */
  readonly compress: boolean
}

/** `failed` carries one sentence for a person. */
export type StreamOutcome =
  | { readonly type: 'reply'; readonly message: StreamMessage }
  | { readonly type: 'delivered' }
  | { readonly type: 'failed'; readonly reason: string }

export class StreamClient {
  readonly #transport: Transport
  readonly #alarms: Alarms
  readonly #counters: Counters
  readonly #options: StreamClientOptions
  readonly #memory: StreamMemory
  #open = 0

  constructor(
    transport: Transport,
    alarms: Alarms,
    counters: Counters,
    options: StreamClientOptions,
    memory: StreamMemory,
  ) {
    this.#transport = transport
    this.#alarms = alarms
    this.#counters = counters
    this.#options = options
    this.#memory = memory
  }

  /** Streams dialled and not yet closed. */
  get open(): number {
    return this.#open
  }

  /** @param deadlineMs monotonic; the outcome is known by then */
  ask(to: Endpoint, request: StreamMessage, deadlineMs: number): Promise<StreamOutcome> {
    return this.#run(to, request, deadlineMs, true)
  }

  /** Delivered means that the other side read to the end and closed, which is all that memberlist tells. */
  tell(to: Endpoint, message: StreamMessage, deadlineMs: number): Promise<StreamOutcome> {
    return this.#run(to, message, deadlineMs, false)
  }

  #run(
    to: Endpoint,
    request: StreamMessage,
    deadlineMs: number,
    wantsReply: boolean,
  ): Promise<StreamOutcome> {
    return new Promise((resolve) => {
      const counters = this.#counters
      const reader = new StreamReader({ label: '' })
      let outcome: StreamOutcome | undefined
      const settle = (result: StreamOutcome): void => {
        if (outcome !== undefined) return
        outcome = result
        deadline.cancel()
        if (result.type === 'failed') counters.streams.add('failed')
        resolve(result)
      }
      const listener: StreamListener = {
        data: (chunk) => {
          counters.streams.add('received-bytes', chunk.length)
          if (outcome !== undefined || !wantsReply) return
          const read = reader.push(chunk)
          charge.hold(reader.heldBytes)
          if (read === 'need-more') return
          stream.destroy()
          if ('drop' in read) {
            counters.drop(read.drop, to)
            settle({ type: 'failed', reason: `unreadable reply: ${read.drop}` })
            return
          }
          counters.received.add(read.kind)
          for (const [reason, count] of reader.recordDrops) counters.drop(reason, to, count)
          settle({ type: 'reply', message: read })
        },
        closed: (error) => {
          this.#open--
          charge.release()
          if (error !== undefined) settle({ type: 'failed', reason: error.message })
          else
            settle(wantsReply ? { type: 'failed', reason: 'closed without a reply' } : { type: 'delivered' })
        },
      }
      const bytes = encodeStream(request, this.#options)
      const charge = this.#memory.open(() => {
        counters.drop('stream-memory-full', to)
        stream.destroy()
        settle({ type: 'failed', reason: 'too many large replies at once' })
      })
      const stream = this.#transport.dial(to, listener)
      const deadline = this.#alarms.at(deadlineMs, () => {
        counters.streams.add('timed-out')
        stream.destroy()
        settle({ type: 'failed', reason: 'timed out' })
      })
      this.#open++
      counters.streams.add('dialled')
      counters.streams.add('sent-bytes', bytes.length)
      counters.sent.add(request.kind)
      stream.send(bytes)
    })
  }
}
