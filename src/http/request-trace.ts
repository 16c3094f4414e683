/**
 * Each request, as a tracing channel of Node: `tracing:hearsay:request:start`, and `:asyncEnd` when its answer is out or its
 * client gone. Who listens is the program around us (docs/reference/tracing.md); while nobody does it costs two reads.
 *
 * Stores bound to `start` hold for everything the request causes, as with any tracing channel.
 */
import { tracingChannel } from 'node:diagnostics_channel'
import type { FastifyReply, FastifyRequest } from 'fastify'

/** What listeners are given, one object from start to end. */
export interface RequestTrace {
  readonly method: string
  /** Pattern, such as `/api/v1/kv/:map/:key`. */
  readonly route: string
  /** As it came; may hold keys. */
  readonly url: string
  /** Set at the end. */
  status?: number
}

const CHANNEL = tracingChannel<unknown, RequestTrace>('hearsay:request')

export function isRequestTraced(): boolean {
  return CHANNEL.start.hasSubscribers || CHANNEL.asyncEnd.hasSubscribers
}

/** @param serve what goes on with the request, called at once */
export function traceRequest<T>(
  request: FastifyRequest,
  reply: FastifyReply,
  route: string,
  serve: () => T,
): T {
  const trace: RequestTrace = { method: request.method, route, url: request.url }
  reply.raw.once('close', () => {
    trace.status = reply.statusCode
    CHANNEL.asyncEnd.publish(trace)
  })
  return CHANNEL.start.runStores(trace, serve)
}
