/**
 * How long requests take and how large answers are, by route; the same place logs each request at debug and traces it.
 *
 * Labels are the pattern of the route and its method, both from the table of routes, so that no path of a client ever is
 * one: what no route takes is counted among the problems alone. Measured is from the end of the headers to the end of the
 * answer. A hook at the end of every answer would cost the kv routes a tenth of their speed (measured), so of those one
 * request of 64 is measured, from the end of its body on, and counts for all 64; the rest pays one increment. Watches are
 * not measured: they last as long as somebody watches.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import type { Logger } from 'pino'
import { Histogram } from '../../base/histogram.ts'
import { isRequestTraced, traceRequest } from '../request-trace.ts'
import type { AnySample } from './registry.ts'

/** Seconds: those of Alertmanager, and below 50 ms where our requests are. */
const DURATION_BOUNDS: readonly number[] = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1, 2, 5, 20, 60,
]
const SIZE_BOUNDS: readonly number[] = [100, 1e3, 1e4, 1e5, 1e6, 1e7]
/** A power of two. */
export const SAMPLED_OF = 64
const HOT_ROUTE = /\/api\/v1\/kv\/:map\/:key$/
const ENDLESS_ROUTE = /\/api\/v1\/watch$/
const PATH_LOGGED_CHARS_MAX = 256

interface Times {
  readonly labels: { readonly handler: string; readonly method: string }
  readonly seconds: Histogram
  readonly bytes: Histogram
}

export class RequestTimes {
  readonly #log: Logger
  readonly #times = new Map<string, Times>()

  constructor(log: Logger) {
    this.#log = log
  }

  /** To be called before the routes are registered. */
  attach(app: FastifyInstance): void {
    app.addHook('onRoute', (route) => {
      if (ENDLESS_ROUTE.test(route.url)) return
      if (HOT_ROUTE.test(route.url)) this.#sample(route)
      else this.#measure(route)
    })
  }

  *samples(): Iterable<AnySample> {
    for (const { labels, seconds, bytes } of this.#times.values()) {
      yield { name: 'alertmanager_http_request_duration_seconds', histogram: seconds, labels }
      if (bytes.count > 0) yield { name: 'alertmanager_http_response_size_bytes', histogram: bytes, labels }
    }
  }

  #measure(route: RouteOptions): void {
    route.onRequest = [
      (request, reply, done) => {
        if (isRequestTraced()) traceRequest(request, reply, route.url, done)
        else done()
      },
      ...listOf(route.onRequest),
    ]
    route.onResponse = [
      ...listOf(route.onResponse),
      (request, reply, done) => {
        this.#over(request, reply, route.url, reply.elapsedTime, 1)
        done()
      },
    ]
  }

  #sample(route: RouteOptions): void {
    const log = this.#log
    const { handler } = route
    const over = (request: FastifyRequest, reply: FastifyReply, ms: number, times: number): void =>
      this.#over(request, reply, route.url, ms, times)
    let served = 0
    route.handler = function (request, reply) {
      const isSampled = (++served & (SAMPLED_OF - 1)) === 0
      if (!isSampled && !isRequestTraced() && !log.isLevelEnabled('debug')) {
        return handler.call(this, request, reply)
      }
      const startedMs = performance.now()
      reply.raw.once('finish', () => {
        over(request, reply, performance.now() - startedMs, isSampled ? SAMPLED_OF : 0)
      })
      if (!isRequestTraced()) return handler.call(this, request, reply)
      return traceRequest(request, reply, route.url, () => handler.call(this, request, reply))
    }
  }

  /** @param times as how many requests it counts */
  #over(request: FastifyRequest, reply: FastifyReply, handler: string, ms: number, times: number): void {
    const { method } = request
    if (times > 0) {
      const { seconds, bytes } = this.#timesOf(handler, method)
      seconds.observe(ms / 1000, times)
      const length = Number(reply.getHeader('content-length') ?? Number.NaN)
      if (Number.isFinite(length)) bytes.observe(length, times)
    }
    if (!this.#log.isLevelEnabled('debug')) return
    const path = request.url.split('?', 1)[0] ?? ''
    const about = { method, path: path.slice(0, PATH_LOGGED_CHARS_MAX), status: reply.statusCode }
    this.#log.debug({ component: 'http', event: 'http_request', ...about, tookMs: Math.round(ms) })
  }

  #timesOf(handler: string, method: string): Times {
    const name = `${method} ${handler}`
    const known = this.#times.get(name)
    if (known !== undefined) return known
    const times = {
      labels: { handler, method },
      seconds: new Histogram(DURATION_BOUNDS),
      bytes: new Histogram(SIZE_BOUNDS),
    }
    this.#times.set(name, times)
    return times
  }
}

function listOf<Hook>(hooks: Hook | Hook[] | undefined): Hook[] {
  if (hooks === undefined) return []
  return Array.isArray(hooks) ? hooks : [hooks]
}
