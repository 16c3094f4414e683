/**
 * Each push-pull that we begin, as a tracing channel of Node: `tracing:hearsay:push-pull:start`, `:asyncEnd`, `:error` and
 * so on. Who listens is the program around us (docs/reference/tracing.md); while nobody does it costs three reads.
 */
import { tracingChannel } from 'node:diagnostics_channel'
import type { Endpoint } from '../core/endpoint.ts'
import { endpointToText } from './endpoint-text.ts'

/** What listeners are given, one object from start to end. */
export interface PushPullTrace {
  /** `ip:port` that was dialled. */
  readonly peer: string
  /** Whether it was to join. */
  readonly join: boolean
  /** Set when it is over: why there was none. */
  failure?: string
}

const CHANNEL = tracingChannel<unknown, PushPullTrace>('hearsay:push-pull')

/** @param exchange resolves with undefined on success, or why there was none; never rejects for a peer's sake */
export async function tracedPushPull(
  to: Endpoint,
  join: boolean,
  exchange: () => Promise<string | undefined>,
): Promise<string | undefined> {
  if (!CHANNEL.start.hasSubscribers && !CHANNEL.asyncEnd.hasSubscribers && !CHANNEL.error.hasSubscribers) {
    return await exchange()
  }
  const trace: PushPullTrace = { peer: endpointToText(to), join }
  return await CHANNEL.tracePromise(async () => {
    const reason = await exchange()
    if (reason !== undefined) trace.failure = reason
    return reason
  }, trace)
}
