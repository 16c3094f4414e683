/**
 * Knocking: whether somebody listens at an address, asked with a ping by stream.
 *
 * Every memberlist program accepts the stream; it answers when the name is its own or left open, and closes without a word
 * when it is called something else. So three things can be told apart for a few bytes.
 */
import type { Clock } from '../../base/clock.ts'
import type { Endpoint } from '../core/endpoint.ts'
import type { PingMessage } from '../core/messages.ts'
import type { StreamClient } from './stream-client.ts'

const KNOCK_TIMEOUT_MS = 4000
/** A stream carries one ping, so the number need not tell it from others. */
const SEQ_NO = 1

/** `stranger`: somebody is there, and not by this name. `nobody`: refused, or no sign within 4 s. */
export type KnockAnswer = 'answered' | 'stranger' | 'nobody'

export interface KnockDeps {
  readonly clock: Clock
  readonly client: Pick<StreamClient, 'ask'>
  /** Of our streams: a shorter one bounds the knock. */
  readonly tcpTimeoutMs: number
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
    if (outcome.type === 'reply') return outcome.message.kind === 'ack' ? 'answered' : 'stranger'
    return outcome.type === 'failed' && outcome.wasAccepted === true ? 'stranger' : 'nobody'
  }
}
