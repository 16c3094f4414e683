/**
 * The HTTP app: all routes over the facades, and never a socket. `buildHttp(...)` can be injected into by tests; the
 * composition root calls `listen`.
 *
 * Kept small per request on purpose: no request log, no child logger, no hook at the end, values pass as the bytes they
 * came in, and counters are integers. What every request and every route has to pass is in guards/guards.ts; a new route
 * passes it without a word.
 */
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify'
import { errorCode } from '../base/errors.ts'
import { Authentication } from './authentication.ts'
import { Compression } from './compression.ts'
import { contentTypeFault } from './content-type-fault.ts'
import { Guards } from './guards/guards.ts'
import type { HttpDeps, HttpOptions } from './http-deps.ts'
import { takeJsonBodies } from './json-bodies.ts'
import { RequestTimes } from './metrics/request-times.ts'
import { notFound } from './not-found.ts'
import { RouteDocument } from './openapi/document.ts'
import { problemOf, sendProblem } from './problem.ts'
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
import { openApiRoutes } from './routes/openapi.ts'
import { ownerRoutes } from './routes/owner.ts'
import { reloadRoutes } from './routes/reload.ts'
import { setListRoutes } from './routes/set-lists.ts'
import { setRoutes } from './routes/sets.ts'
import { silenceMatchRoutes } from './routes/silence-match.ts'
import { snapshotRoutes } from './routes/snapshot.ts'
import { statusRoutes } from './routes/status.ts'
import { watchRoutes } from './routes/watch.ts'
import { refuseStrayParameters } from './stray-parameters.ts'
import { useStrictSchemas } from './strict-schemas.ts'

export const BODY_BYTES_MAX: number = 1024 * 1024
const BATCH_BODY_BYTES_MAX = 6 * 1024 * 1024

/** The body of a batch: as many bytes of values in base64, and what stands around them; 6 MiB at least. */
export function batchBodyBytes(batchBytesMax: number): number {
  return Math.max(BATCH_BODY_BYTES_MAX, Math.ceil((batchBytesMax * 3) / 2))
}

/** One operation: a value in base64, and names and spaces around it. */
function operationBytes({ bodyBytesMax = BODY_BYTES_MAX }: HttpOptions): number {
  return Math.ceil((bodyBytesMax * 3) / 2) + OPERATION_FRAME_BYTES
}
const OPERATION_FRAME_BYTES = 64 * 1024
/** Above any header Node lets in, so that an over-long key gets the store's answer, with its limit. */
const SEGMENT_CHARS_MAX = 16_384

/**
 * @returns an app that does not listen; `close()` it after the routes' users are told, before the store
 */
export function buildHttp(deps: HttpDeps, options: HttpOptions): FastifyInstance {
  const bodyBytesMax = options.bodyBytesMax ?? BODY_BYTES_MAX
  const counts = new RequestCounts()
  const answerError = (raised: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const isOfType = errorCode(raised) === 'FST_ERR_CTP_INVALID_MEDIA_TYPE'
    const error = isOfType ? contentTypeFault(request.headers['content-type']) : raised
    const body = problemOf(error, request.routeOptions?.bodyLimit ?? bodyBytesMax)
    counts.problem(body.code)
    if (body.code === 'INTERNAL_ERROR') {
      const { instance } = body
      deps.log.error(
        { component: 'http', event: 'http_request_failed', instance, err: error },
        'a request failed',
      )
    }
    return sendProblem(reply, body)
  }
  const authenticate = authenticationHook(deps)
  const guards = new Guards({ ...options, limits: options.guards ?? {} })
  const app = fastify({
    logger: false,
    bodyLimit: bodyBytesMax,
    requestTimeout: guards.limits.requestTimeoutMs,
    keepAliveTimeout: guards.limits.idleTimeoutMs,
    ...listenerOptions(options, guards),
    forceCloseConnections: 'idle',
    // Labels have any name; no object of a body is ever merged into another.
    onProtoPoisoning: 'ignore',
    onConstructorPoisoning: 'ignore',
    // While closing, the store's own refusals are more precise than a blanket 503.
    return503OnClosing: false,
    routerOptions: { maxParamLength: SEGMENT_CHARS_MAX },
    frameworkErrors: (error, request, reply) => {
      // No hook has run.
      authenticate(request, reply, (refusal) => void answerError(refusal ?? error, request, reply))
    },
    clientErrorHandler: (error, socket) => guards.answerClientError(error, socket),
  })
  app.setErrorHandler(answerError)
  useStrictSchemas(app)
  // What has no route reads no body; those that have say which they take.
  app.removeAllContentTypeParsers()

  const table = new RouteTable()
  const prefix = options.routePrefix.replace(/\/+$/, '')
  const compression = new Compression(prefix)
  const document = new RouteDocument(prefix)
  app.addHook('onRoute', (route) => {
    table.add(route.url, route.method)
    refuseStrayParameters(route, prefix)
    document.add(route)
    compression.addTo(route)
  })
  app.setNotFoundHandler((request, reply) => {
    throw notFound(table, prefix, request, reply)
  })
  guards.install(app, (method) => counts.request(method))
  app.addHook('onRequest', authenticate)
  const times = new RequestTimes(deps.log)
  times.attach(app)
  deps.metrics.addSource(() => counts.samples())
  deps.metrics.addSource(() => times.samples())
  deps.metrics.addSource(() => guards.samples())

  registerRoutes(app, deps, options, document)
  return app
}

type RequestHook = (request: FastifyRequest, reply: FastifyReply, done: (refusal?: Error) => void) => void

/** Who comes in: everybody, unless the web config says otherwise. */
function authenticationHook({ access, metrics }: HttpDeps): RequestHook {
  if (access === undefined) return (_request, _reply, done) => done()
  const authentication = new Authentication(access)
  metrics.addSource(() => authentication.samples())
  return (request, reply, done) => authentication.admit(request, reply, done)
}

/** Fastify takes the options of a listener under the name of its protocol. */
function listenerOptions({ tls }: HttpOptions, guards: Guards): { readonly http: object } {
  const { listenerOptions: own } = guards
  const options = tls === undefined ? { http: own } : { https: { ...tls, ...own } }
  return options as { readonly http: object }
}

function registerRoutes(
  app: FastifyInstance,
  deps: HttpDeps,
  options: HttpOptions,
  document: RouteDocument,
): void {
  const prefix = options.routePrefix.replace(/\/+$/, '')
  app.register(
    (scope, _options, done) => {
      takeJsonBodies(scope)
      scope.register(healthRoutes(deps.health, options.version))
      scope.register(metricsRoutes(deps.metrics))
      if (deps.reload !== undefined) scope.register(reloadRoutes(deps.reload))
      scope.register(kvRoutes(deps), { prefix: '/api/v1' })
      scope.register(kvListRoutes(deps.kv, prefix), { prefix: '/api/v1' })
      scope.register(setRoutes(deps), { prefix: '/api/v1' })
      scope.register(setListRoutes(deps.sets, prefix), { prefix: '/api/v1' })
      scope.register(watchRoutes(deps, options.watch), { prefix: '/api/v1' })
      const batchBytesMax = options.batchBodyBytesMax ?? BATCH_BODY_BYTES_MAX
      scope.register(batchRoutes(deps, batchBytesMax, operationBytes(options)), { prefix: '/api/v1' })
      scope.register(clusterRoutes(deps.cluster), { prefix: '/api/v1' })
      scope.register(membershipRoutes(deps), { prefix: '/api/v1' })
      scope.register(ownerRoutes(deps), { prefix: '/api/v1' })
      if (deps.gossipKeys !== undefined) {
        scope.register(clusterKeyRoutes(deps.gossipKeys), { prefix: '/api/v1' })
      }
      scope.register(snapshotRoutes(deps.snapshot), { prefix: '/api/v1' })
      scope.register(statusRoutes(deps.status), { prefix: '/api/v1' })
      scope.register(openApiRoutes(document), { prefix: '/api/v1' })
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
