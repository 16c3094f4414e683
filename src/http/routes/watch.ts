/**
 * `GET /api/v1/watch`: what changes, as a stream of server-sent events, or with `wait` as a long poll.
 *
 * A client that lost its connection goes on after the last event that reached it. A browser says which one that was in
 * `Last-Event-ID`, while its URL is still the first one; so that header counts before `after`.
 */
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify'
import { type Static, Type } from 'typebox'
import { errorCode } from '../../base/errors.ts'
import type { WatchFilter } from '../../store/watches.ts'
import { clientOf } from '../client-address.ts'
import { sendJsonText } from '../json-text.ts'
import { parseValues } from '../list-query.ts'
import type { MetricsRegistry } from '../metrics/registry.ts'
import { HttpError } from '../problem.ts'
import { durationParameter, queryFault } from '../query-fault.ts'
import { longPoll } from '../watch/long-poll.ts'
import type { WatchBounds } from '../watch/watch-bounds.ts'
import type { WatchSource } from '../watch/watch-source.ts'
import { WatchStreams } from '../watch/watch-streams.ts'

export const WAIT_MS_MAX = 60_000

const EVENT_STREAM = 'text/event-stream'
const WatchQuery = Type.Object(
  {
    map: Type.Optional(Type.String({ description: 'Changes of this map.' })),
    set: Type.Optional(
      Type.String({ description: 'Changes of this set. Without map and set: of all maps and sets.' }),
    ),
    prefix: Type.Optional(Type.String({ description: 'Only of keys and members that start so.' })),
    after: Type.Optional(
      Type.String({
        description: 'The cursor to go on after. Default: from now on. `Last-Event-ID` goes before it.',
      }),
    ),
    values: Type.Optional(Type.String({ description: '`false` leaves values out.' })),
    wait: Type.Optional(
      Type.String({
        description: 'A long poll: the longest wait for a change, such as `30s`; at most `1m`.',
      }),
    ),
  },
  { additionalProperties: false },
)
const Change = Type.Object({
  type: Type.String({ description: '`put`, `delete`, `add` or `remove`.' }),
  cursor: Type.String({ description: 'Of this change.' }),
  map: Type.Optional(Type.String()),
  key: Type.Optional(Type.String()),
  value: Type.Optional(Type.Unknown({ description: 'Of JSON values, as they were written.' })),
  valueBase64: Type.Optional(Type.String({ description: 'Of all other values.' })),
  contentType: Type.Optional(Type.String()),
  version: Type.Optional(Type.String()),
  updatedAt: Type.Optional(Type.String({ format: 'date-time' })),
  expiresAt: Type.Optional(Type.String({ format: 'date-time' })),
  reason: Type.Optional(Type.String({ description: 'Of a `delete`: `deleted` or `expired`.' })),
  set: Type.Optional(Type.String()),
  member: Type.Optional(Type.String()),
})
const Changes = Type.Object({
  changes: Type.Array(Change),
  gap: Type.Optional(Type.Boolean({ description: 'True when changes were missed: list anew, then go on.' })),
  cursor: Type.String({ description: '`after` of the next request.' }),
})
const RESPONSES = {
  200: {
    description: 'Changes, one an event; or with `wait` those that were there, or the first that came.',
    content: { [EVENT_STREAM]: { schema: Type.String() }, 'application/json': { schema: Changes } },
  },
}
/** No guard counts it, or ends it for the time that it takes. */
const LONG_LIVED = { longLived: true }

type Query = Static<typeof WatchQuery>

export interface WatchRouteDeps {
  readonly watches: WatchSource
  readonly metrics: MetricsRegistry
}

export function watchRoutes(
  { watches, metrics }: WatchRouteDeps,
  bounds: Partial<WatchBounds> = {},
): FastifyPluginCallback {
  const streams = new WatchStreams(watches, bounds)
  metrics.addSource(() => streams.samples())
  return (scope, _options, done) => {
    // Before the server waits for its connections.
    scope.addHook('preClose', (closed) => {
      streams.close()
      closed()
    })
    const app = scope.withTypeProvider<TypeBoxTypeProvider>()
    app.get(
      '/watch',
      {
        exposeHeadRoute: false,
        config: LONG_LIVED,
        schema: { querystring: WatchQuery, response: RESPONSES },
      },
      async (request, reply) => {
        const { query } = request
        const asked = {
          filter: filterOf(query),
          withValues: parseValues(query.values),
          position: positionOf(watches, request.headers['last-event-id'], query.after),
        }
        const waitMs = waitOf(query, request.headers.accept)
        if (waitMs === undefined) return stream(streams, request, reply, asked)
        return poll(streams, watches, request, reply, { ...asked, waitMs })
      },
    )
    done()
  }
}

function stream(
  streams: WatchStreams,
  request: FastifyRequest,
  reply: FastifyReply,
  asked: Parameters<WatchStreams['serve']>[1],
): FastifyReply {
  const giveBack = streams.admit('stream', clientOf(request.socket.remoteAddress))
  reply.hijack()
  const { raw } = reply
  // Of hooks that ran before.
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value !== undefined) raw.setHeader(name, value)
  }
  raw.writeHead(200, {
    'content-type': `${EVENT_STREAM}; charset=utf-8`,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    // For proxies that would otherwise collect what comes.
    'x-accel-buffering': 'no',
    // When the stream is over, so is the connection: a server that stops need not wait for it.
    connection: 'close',
  })
  request.socket.setTimeout(0)
  const hangUp = streams.serve(raw, asked)
  // A connection that is gone says so by `close` as well.
  raw.on('error', () => undefined)
  raw.once('close', () => {
    giveBack()
    hangUp()
  })
  return reply
}

async function poll(
  streams: WatchStreams,
  watches: WatchSource,
  request: FastifyRequest,
  reply: FastifyReply,
  asked: Parameters<typeof longPoll>[1],
): Promise<FastifyReply> {
  const giveBack = streams.admit('poll', clientOf(request.socket.remoteAddress))
  const gone = new AbortController()
  reply.raw.once('close', () => gone.abort())
  try {
    const json = await longPoll(watches, asked, [gone.signal, streams.closing])
    reply.header('cache-control', 'no-store')
    sendJsonText(reply, json)
    return reply
  } catch (error) {
    if (streams.closing.aborted) reply.header('connection', 'close')
    // Nobody is there to be told.
    if (gone.signal.aborted) return reply.hijack()
    throw error
  } finally {
    giveBack()
  }
}

/** @throws HttpError `HTTP_QUERY_INVALID` for a map or set without a name: most often a variable that was never set */
function filterOf({ map, set, prefix }: Query): WatchFilter {
  if (map === '') throw queryFault('map', 'map must name a map; leave it out to follow all of them')
  if (set === '') throw queryFault('set', 'set must name a set; leave it out to follow all of them')
  return {
    ...(map === undefined ? {} : { map }),
    ...(set === undefined ? {} : { set }),
    ...(prefix === undefined ? {} : { prefix }),
  }
}

/** @throws HttpError `WATCH_CURSOR_MALFORMED`, naming the parameter or the header */
function positionOf(
  watches: WatchSource,
  lastEventId: string | string[] | undefined,
  after: string | undefined,
): number {
  const isByHeader = lastEventId !== undefined && lastEventId !== ''
  const cursor = isByHeader ? String(lastEventId) : after
  if (cursor === undefined) return watches.end
  try {
    return watches.positionOf(cursor)
  } catch (error) {
    if (errorCode(error) !== 'WATCH_CURSOR_MALFORMED') throw error
    const place = isByHeader ? { header: 'Last-Event-ID' } : { parameter: 'after' }
    const detail = 'is no cursor that a watch has given'
    const [name] = Object.values(place)
    throw new HttpError('WATCH_CURSOR_MALFORMED', `${name} ${detail}`, { errors: [{ ...place, detail }] })
  }
}

/** @returns undefined for a stream. @throws HttpError `HTTP_QUERY_INVALID`, `DURATION_MALFORMED` */
function waitOf({ wait }: Query, accept: string | undefined): number | undefined {
  if (wait === undefined) return undefined
  if (accept?.includes(EVENT_STREAM) === true) {
    throw queryFault('wait', `wait is for long polls; ${EVENT_STREAM} goes without it`)
  }
  const waitMs = durationParameter('wait', wait)
  if (waitMs > WAIT_MS_MAX) {
    throw queryFault('wait', 'wait may be at most 1m', WAIT_MS_MAX)
  }
  return waitMs
}
