/**
 * Knocking: whether somebody listens at an address, asked with a ping by stream.
 *
 * Every memberlist program accepts the stream; it answers when the name is its own or left open, and closes without a word
 * when it is called something else, or has no room for us just now. Only ours leave the name open, so such an answer tells
 * what acks to members of our kind tell: our clock, for the doctor.
 */
import type { Clock } from '../../base/clock.ts'
import type { GossipDelegate } from '../core/delegate.ts'
import type { Endpoint } from '../core/endpoint.ts'
import type { AckMessage, PingMessage } from '../core/messages.ts'
import type { StreamClient } from './stream-client.ts'

const KNOCK_TIMEOUT_MS = 4000
/** A stream carries one ping, so the number need not tell it from others. */
const SEQ_NO = 1

/**
 * `acked`: by the name. `closed`: taken, and closed without a word. `heard`: something else came back, such as a complaint or
 * what our keys do not open. `refused`: nobody listens. `unreached`: no sign within 4 s, or the network failed; who knows.
 */
export type KnockAnswer = 'acked' | 'closed' | 'heard' | 'refused' | 'unreached'

export interface KnockDeps {
  readonly clock: Clock
  readonly client: Pick<StreamClient, 'ask'>
  /** Of our streams: a shorter one bounds the knock. */
  readonly tcpTimeoutMs: number
}

const NOTHING = new Uint8Array(0)

/** @returns undefined when somebody else is asked for */
export function knockAnswer(
  { seqNo, node }: PingMessage,
  ownName: string,
  told: Pick<GossipDelegate, 'ackPayload'>,
): AckMessage | undefined {
  if (node === '') return { kind: 'ack', seqNo, payload: told.ackPayload('') }
  return node === ownName ? { kind: 'ack', seqNo, payload: NOTHING } : undefined
}

export class Knock {
  readonly #deps: KnockDeps

  constructor(deps: KnockDeps) {
    this.#deps = deps
  }

  /** @param name who is asked for; default anybody */
  async at(endpoint: Endpoint, name = ''): Promise<KnockAnswer> {
    const { clock, client, tcpTimeoutMs } = this.#deps
    const ping: PingMessage = { kind: 'ping', seqNo: SEQ_NO, node: name }
    const deadlineMs = clock.monotonicMs() + Math.min(KNOCK_TIMEOUT_MS, tcpTimeoutMs)
    const outcome = await client.ask(endpoint, ping, deadlineMs)
    if (outcome.type === 'reply') return outcome.message.kind === 'ack' ? 'acked' : 'heard'
    if (outcome.type === 'delivered' || outcome.wasAccepted === true) return 'closed'
    if (outcome.wasHeard === true) return 'heard'
    return outcome.wasRefused === true ? 'refused' : 'unreached'
  }
}
