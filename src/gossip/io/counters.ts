/**
 * What went through the sockets, in numbers: by direction, by kind of message, and by the reason for what was dropped.
 *
 * Hostile or broken input ends here and nowhere else: it is counted always, and logged at debug at most once a second
 * for each reason, so that a flood of garbage cannot become a flood of log lines. What is about keys and labels is also
 * told to a person (turned-away.ts).
 *
 * Names come from closed sets in this program, never from the wire, so the maps are small for ever.
 */
import type { Clock } from '../../base/clock.ts'
import { Histogram } from '../../base/histogram.ts'
import { Tally } from '../../base/tally.ts'
import type { Endpoint } from '../core/endpoint.ts'
import type { PacketMessage, StreamMessage } from '../core/messages.ts'
import { endpointToText } from './endpoint-text.ts'
import type { GossipLog } from './gossip-log.ts'
import { TurnedAwayList } from './turned-away.ts'

const LOG_INTERVAL_MS = 1000
const PUSH_PULL_BOUNDS: readonly number[] = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
]

function count(message: PacketMessage | StreamMessage, messages: Tally, bytes: Tally): void {
  messages.add(message.kind)
  if (message.kind === 'user') bytes.add('user', message.payload.length)
  else if (message.kind === 'push-pull') bytes.add('push-pull', message.userState.length)
}

export class Counters {
  readonly #clock: Clock
  readonly #log: GossipLog
  readonly #loggedAt = new Map<string, number>()
  readonly #drops = new Tally()
  /** Datagrams: `sent`, `received`, `send-failed`, `plaintext` (taken although we hold a key); bytes of them: `sent-bytes`, `received-bytes`. */
  readonly packets: Tally = new Tally()
  /** Streams: `accepted`, `refused` (over a limit), `silent` (closed without a byte), `dialled`, `failed`, `timed-out`, `plaintext`; and `sent-bytes`, `received-bytes`. */
  readonly streams: Tally = new Tally()
  /** Messages by kind, packets and streams together. */
  readonly sent: Tally = new Tally()
  readonly received: Tally = new Tally()
  /** What user messages (`user`) and the states of push-pulls (`push-pull`) among these carried, in bytes. */
  readonly sentBytes: Tally = new Tally()
  readonly receivedBytes: Tally = new Tally()
  /** Facts the machine noted, by event, and what the driver's own loops did. */
  readonly events: Tally = new Tally()
  /** Members that came (`join`), went (`leave`), changed (`update`) or were claimed twice (`conflict`). */
  readonly memberEvents: Tally = new Tally()
  /** Push-pulls that we began and that were complete, in seconds. */
  readonly pushPullSeconds: Histogram = new Histogram(PUSH_PULL_BOUNDS)
  /** Whose traffic could not be read of late. */
  readonly turnedAway: TurnedAwayList

  constructor(clock: Clock, log: GossipLog) {
    this.#clock = clock
    this.#log = log
    this.turnedAway = new TurnedAwayList(clock, log)
  }

  countSent(message: PacketMessage | StreamMessage): void {
    count(message, this.sent, this.sentBytes)
  }

  countReceived(message: PacketMessage | StreamMessage): void {
    count(message, this.received, this.receivedBytes)
  }

  /** A push-pull of ours is over. @param startedMs monotonic */
  exchanged(startedMs: number, succeeded: boolean): void {
    this.events.add(succeeded ? 'push_pull_done' : 'push_pull_failed')
    if (succeeded) this.pushPullSeconds.observe((this.#clock.monotonicMs() - startedMs) / 1000)
  }

  /** @param reason a name from this program, never text from the wire */
  drop(reason: string, from: Endpoint, count = 1): void {
    this.#drops.add(reason, count)
    this.turnedAway.note(reason, from)
    const nowMs = this.#clock.monotonicMs()
    if (nowMs - (this.#loggedAt.get(reason) ?? Number.NEGATIVE_INFINITY) < LOG_INTERVAL_MS) return
    this.#loggedAt.set(reason, nowMs)
    this.#log.debug('input_dropped', { reason, from: endpointToText(from) })
  }

  get drops(): Readonly<Record<string, number>> {
    return this.#drops.toRecord()
  }
}
