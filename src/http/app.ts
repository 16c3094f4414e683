/**
 * The HTTP app: all routes over the facades, and never a socket. `buildHttp(...)` can be injected into by tests; the
 * composition root calls `listen`.
 *
 * Kept small per request on purpose: no request log, no child logger, no hook at the end, values pass as the bytes they
 * came in, and counters are integers. Guards of every request: the Host header must name this replica (a page of a rebound
 * DNS name cannot reach us), writes from pages of other sites are refused, bodies and headers are bounded in bytes and
 * in time. There are no CORS headers.
 */
import type { Socket } from 'node:net'
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify'
import { errorCode } from '../base/errors.ts'
import { createHostCheck } from './host-check.ts'
import type { HttpDeps, HttpOptions } from './http-deps.ts'
import { HttpError, problem, problemOf, sendProblem } from './problem.ts'
import { RequestCounts } from './request-counts.ts'
import { RouteTable } from './route-table.ts'
import { batchRoutes } from './routes/batch.ts'
import { claimRoutes } from './routes/claims.ts'
import { clusterRoutes } from './routes/cluster.ts'
import { clusterKeyRoutes } from './routes/cluster-keys.ts'
import { healthRoutes } from './routes/health.ts'
import { kvRoutes } from './routes/kv.ts'
import { kvListRoutes } from './routes/kv-lists.ts'
import { membershipRoutes } from './routes/membership.ts'
import { metricsRoutes } from './routes/metrics.ts'
import { notificationRoutes } from './routes/notifications.ts'
import { ownerRoutes } from './routes/owner.ts'
import { setListRoutes } from './routes/set-lists.ts'
import { setRoutes } from './routes/sets.ts'
import { silenceMatchRoutes } from './routes/silence-match.ts'
import { snapshotRoutes } from './routes/snapshot.ts'
import { statusRoutes } from './routes/status.ts'
import { watchRoutes } from './routes/watch.ts'

export const BODY_BYTES_MAX: number = 1024 * 1024
export const BATCH_BODY_BYTES_MAX: number = 6 * 1024 * 1024

/** The body of a batch: as many bytes of values in base64, and what stands around them; 6 MiB at least. */
export function batchBodyBytes(batchBytesMax: number): number {
  return Math.max(BATCH_BODY_BYTES_MAX, Math.ceil((batchBytesMax * 3) / 2))
}
const HEADERS_TIMEOUT_MS = 10_000
const REQUEST_TIMEOUT_MS = 30_000
const KEEP_ALIVE_TIMEOUT_MS = 72_000
/** Above any header Node lets in, so that an over-long key gets the store's answer, with its limit. */
const SEGMENT_CHARS_MAX = 16_384

/**
 * @returns an app that does not listen; `close()` it after the routes' users are told, before the store
 */
export function buildHttp(deps: HttpDeps, options: HttpOptions): FastifyInstance {
  const bodyBytesMax = options.bodyBytesMax ?? BODY_BYTES_MAX
  const counts = new RequestCounts()
  const answerError = (error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const body = problemOf(error, request.routeOptions?.bodyLimit ?? bodyBytesMax)
    counts.problem(body.code)
    if (body.status === 500) {
      deps.log.error({ component: 'http', event: 'HTTP_INTERNAL_ERROR', err: error }, 'a request failed')
    }
    return sendProblem(reply, body)
  }
  const app = fastify({
    logger: false,
    bodyLimit: bodyBytesMax,
    requestTimeout: options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    http: { headersTimeout: options.headersTimeoutMs ?? HEADERS_TIMEOUT_MS },
    forceCloseConnections: 'idle',
    // Labels have any name; no object of a body is ever merged into another.
    onProtoPoisoning: 'ignore',
    onConstructorPoisoning: 'ignore',
    // While closing, the store's own refusals are more precise than a blanket 503.
    return503OnClosing: false,
    routerOptions: { maxParamLength: SEGMENT_CHARS_MAX },
    // A misspelt parameter must be an error, not a write without its TTL.
    ajv: { customOptions: { removeAdditional: false } },
    frameworkErrors: (error, request, reply) => {
      answerError(error, request, reply)
    },
    clientErrorHandler: answerClientError,
  })
  app.setErrorHandler(answerError)
  app.removeContentTypeParser('text/plain')

  const table = new RouteTable()
  app.addHook('onRoute', (route) => {
    table.add(route.url, route.method)
  })
  app.setNotFoundHandler((request, reply) => {
    throw notFound(table, request, reply)
  })
  const refusalOf = createHostCheck(options.listenHost, options.externalUrl)
  app.addHook('onRequest', (request, _reply, done) => {
    counts.request(request.method)
    done(refusalOf(request))
  })
  deps.metrics.addSource(() => counts.samples())

  registerRoutes(app, deps, options)
  return app
}

function registerRoutes(app: FastifyInstance, deps: HttpDeps, options: HttpOptions): void {
  const prefix = options.routePrefix.replace(/\/+$/, '')
  app.register(
    (scope, _options, done) => {
      scope.register(healthRoutes(deps.health, options.version))
      scope.register(metricsRoutes(deps.metrics))
      scope.register(kvRoutes(deps), { prefix: '/api/v1' })
      scope.register(kvListRoutes(deps.kv, prefix), { prefix: '/api/v1' })
      scope.register(setRoutes(deps), { prefix: '/api/v1' })
      scope.register(setListRoutes(deps.sets, prefix), { prefix: '/api/v1' })
      scope.register(watchRoutes(deps, options.watch), { prefix: '/api/v1' })
      const batchBytesMax = options.batchBodyBytesMax ?? BATCH_BODY_BYTES_MAX
      scope.register(batchRoutes(deps, batchBytesMax), { prefix: '/api/v1' })
      scope.register(clusterRoutes(deps.cluster), { prefix: '/api/v1' })
      scope.register(membershipRoutes(deps), { prefix: '/api/v1' })
      scope.register(ownerRoutes(deps), { prefix: '/api/v1' })
      if (deps.gossipKeys !== undefined) {
        scope.register(clusterKeyRoutes(deps.gossipKeys), { prefix: '/api/v1' })
      }
      scope.register(snapshotRoutes(deps.snapshot), { prefix: '/api/v1' })
      scope.register(statusRoutes(deps.status), { prefix: '/api/v1' })
      if (deps.alerting !== undefined) {
        scope.register(silenceMatchRoutes(deps.alerting.silencedBy), { prefix: '/api/v1' })
        scope.register(notificationRoutes(deps, deps.alerting), { prefix: '/api/v1' })
        scope.register(claimRoutes(deps, deps.alerting), { prefix: '/api/v1' })
      }
      if (deps.alertmanagerApi !== undefined) scope.register(deps.alertmanagerApi, { prefix: '/api/v2' })
      done()
    },
    { prefix },
  )
}

function notFound(table: RouteTable, request: FastifyRequest, reply: FastifyReply): HttpError {
  const path = request.url.split('?', 1)[0] ?? ''
  const segments = path.split('/').slice(1)
  if (segments.length > 1 && segments.some((text) => text === '' || text === '.' || text === '..')) {
    return new HttpError('HTTP_PATH_MALFORMED', 'empty, . and .. segments are not taken in paths')
  }
  const methods = table.methodsOf(path)
  if (methods.length === 0) {
    return new HttpError('HTTP_ROUTE_NOT_FOUND', 'the routes are listed in docs/reference/http.md')
  }
  const allowed = methods.join(', ')
  reply.header('allow', allowed)
  return new HttpError('HTTP_METHOD_NOT_ALLOWED', `this path takes ${allowed}`)
}

const CLIENT_ERRORS: ReadonlyMap<string, readonly [code: string, detail: string]> = new Map([
  ['HPE_HEADER_OVERFLOW', ['HTTP_HEADERS_TOO_LARGE', 'the headers may have at most 16384 bytes']],
  ['ERR_HTTP_REQUEST_TIMEOUT', ['HTTP_REQUEST_TIMEOUT', 'the request did not arrive in time']],
])

/** Answers what the HTTP parser refused before any request existed, and hangs up. */
function answerClientError(error: Error, socket: Socket): void {
  const code = errorCode(error)
  if (code === 'ECONNRESET' || socket.destroyed || !socket.writable) {
    socket.destroy()
    return
  }
  const [problemCode, detail] = CLIENT_ERRORS.get(code ?? '') ?? [
    'HTTP_REQUEST_MALFORMED',
    'this is not an HTTP request that can be read',
  ]
  const body = problem(problemCode, detail)
  const text = JSON.stringify(body)
  socket.end(
    `HTTP/1.1 ${body.status} ${body.title}\r\nContent-Type: application/problem+json\r\n` +
      `Content-Length: ${Buffer.byteLength(text)}\r\nConnection: close\r\n\r\n${text}`,
  )
}
