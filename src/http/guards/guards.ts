/**
 * The guards of the HTTP side, put together: before every request its Host, the page it comes from, the event loop and, if
 * asked for, its rate; before every route that is not marked otherwise (ticket.ts) a place among those that wait, room for
 * its body, and its turn.
 *
 * The order is that of cost: what refuses a flood looks at a header and a flag. Whoever looks after this replica
 * (routes marked `management`) gets an answer also when there is too much to do.
 */
import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import { errorCode } from '../../base/errors.ts'
import type { Sample } from '../metrics/registry.ts'
import { HttpError } from '../problem.ts'
import { Admission } from './admission.ts'
import { Connections } from './connections.ts'
import { GUARD_DEFAULTS, type GuardLimits } from './guard-limits.ts'
import { createHostCheck } from './host-check.ts'
import { LoopDelay } from './loop-delay.ts'
import { Origins } from './origins.ts'
import { parserAnswer } from './parser-answer.ts'
import { type RefusalReason, Refusals } from './refusals.ts'
import { installRateCheck, type RateCheck } from './request-rate.ts'
import './ticket.ts'

export interface GuardOptions {
  readonly listenHost: string
  readonly externalUrl: string | undefined
  readonly limits: Partial<GuardLimits>
}

type Done = (refusal?: Error) => void

interface Refusal {
  readonly reason: RefusalReason
  readonly error: HttpError
}

const LATE = new HttpError('HTTP_OVERLOADED', 'this replica is busy beyond its limit; try again')
const PARSER_REASONS: ReadonlyMap<string, RefusalReason> = new Map([
  ['HPE_HEADER_OVERFLOW', 'headers'],
  ['ERR_HTTP_REQUEST_TIMEOUT', 'slow-request'],
])

export class Guards {
  readonly limits: GuardLimits
  readonly #refusals = new Refusals()
  readonly #connections: Connections
  readonly #admission: Admission
  readonly #loopDelay: LoopDelay
  readonly #hostRefusal: ReturnType<typeof createHostCheck>
  readonly #origins: Origins
  #rate: RateCheck | undefined
  #timer: NodeJS.Timeout | undefined

  constructor({ listenHost, externalUrl, limits }: GuardOptions) {
    this.limits = { ...GUARD_DEFAULTS, ...limits }
    this.#connections = new Connections(this.limits, this.#refusals)
    this.#admission = new Admission(this.limits, this.#refusals, this.#connections)
    this.#loopDelay = new LoopDelay(this.limits.loopDelayMaxMs)
    this.#hostRefusal = createHostCheck(listenHost, externalUrl)
    this.#origins = new Origins(this.limits.corsOrigins, externalUrl)
  }

  /** Of the listener, with TLS and without. */
  get listenerOptions(): Readonly<Record<string, unknown>> {
    return {
      headersTimeout: this.limits.headersTimeoutMs,
      // Node would look for slow requests every 30 s only.
      connectionsCheckingInterval: this.limits.checkIntervalMs,
      maxHeaderSize: this.limits.headerBytesMax,
      // A second Host or Authorization is not overlooked: both together are no host of ours, and no password.
      joinDuplicateHeaders: true,
      insecureHTTPParser: false,
      // Node would answer itself, and read on; host-check.ts does not.
      requireHostHeader: false,
    }
  }

  /**
   * Must come before all routes, and before the hook that asks who it is: a preflight cannot say.
   * @param count told of each request by its method, refused or not
   */
  install(app: FastifyInstance, count: (method: string) => void): void {
    app.decorateRequest('ticket', null)
    app.decorate('inTurn', (request: FastifyRequest, reply: FastifyReply, run: () => void) =>
      this.#admission.inTurn(request, reply, run),
    )
    app.addHook('onRequest', (request, reply, done) => {
      count(request.method)
      this.#check(request, reply, done)
    })
    if (this.limits.rateLimit > 0) this.#rate = installRateCheck(app, this.limits.rateLimit)
    if (this.#origins.isOpen) app.addHook('onSend', varyByOrigin)
    app.addHook('onError', (request, reply, _error, done) => {
      this.#admission.answer(request, reply)
      done()
    })
    app.addHook('onRoute', (route) => this.#guard(route))
    this.#connections.attach(app.server)
    this.#watch(app.server)
  }

  *samples(): Iterable<Sample> {
    yield* this.#refusals.samples()
    yield { name: 'hearsay_http_connections', value: this.#connections.open }
    yield { name: 'hearsay_http_requests_in_flight', value: this.#admission.requests }
    yield { name: 'hearsay_http_body_bytes', value: this.#admission.bodyBytes }
  }

  /** Answers what the HTTP parser refused before any request existed, and hangs up. */
  answerClientError(error: Error, socket: Socket): void {
    const code = errorCode(error) ?? ''
    if (code === 'ECONNRESET' || socket.destroyed || !socket.writable) {
      socket.destroy()
      return
    }
    const reason = PARSER_REASONS.get(code) ?? 'malformed'
    this.#connections.hangUp(socket, reason, parserAnswer(reason))
  }

  #check(request: FastifyRequest, reply: FastifyReply, done: Done): void {
    if (this.#isTooLate(request, reply)) return
    const foreign = this.#foreignness(request, reply)
    // A refused page reads no more than that it was refused.
    if (foreign === undefined && this.#origins.isOpen && this.#origins.share(request, reply)) return
    const refusal = foreign ?? this.#excess(request)
    if (refusal !== undefined) this.#refuse(refusal, done)
    else if (this.#rate === undefined || isManagement(request)) done()
    else this.#checkRate(this.#rate, request, reply, done)
  }

  /**
   * Behind one that was answered as the last on its connection: Node reads on nevertheless. What followed it may be no
   * request but part of it, so it is neither answered nor looked at.
   */
  #isTooLate({ raw }: FastifyRequest, reply: FastifyReply): boolean {
    if (raw.socket.writableEnded) return true
    return reply.raw.socket === null && this.#connections.of(raw)?.isCondemned === true
  }

  /** Whether it was meant for somebody else, or made by somebody else's page. */
  #foreignness(request: FastifyRequest, reply: FastifyReply): Refusal | undefined {
    const misdirected = this.#hostRefusal(request)
    if (misdirected?.code === 'HTTP_REQUEST_MALFORMED') {
      this.#admission.condemn(request, reply)
      return { reason: 'malformed', error: misdirected }
    }
    if (misdirected !== undefined) return { reason: 'host', error: misdirected }
    const error = this.#origins.refusalOf(request)
    return error === undefined ? undefined : { reason: 'cross-site', error }
  }

  #excess(request: FastifyRequest): Refusal | undefined {
    const { headersMax } = this.limits
    if (request.raw.rawHeaders.length > 2 * headersMax) {
      const text = `a request may have at most ${headersMax} headers`
      return { reason: 'headers', error: new HttpError('HTTP_HEADERS_TOO_LARGE', text, headersMax) }
    }
    if (!this.#loopDelay.isLate || isManagement(request)) return undefined
    return { reason: 'event-loop-delay', error: LATE }
  }

  #checkRate(rate: RateCheck, request: FastifyRequest, reply: FastifyReply, done: Done): void {
    rate(request, reply).then((error) => {
      if (error === undefined) done()
      else this.#refuse({ reason: 'rate', error }, done)
    }, done)
  }

  #refuse({ reason, error }: Refusal, done: Done): void {
    this.#refusals.count(reason)
    done(error)
  }

  /** Hooks of a route that is not marked otherwise, before its own; HEAD comes with those of its GET. */
  #guard(route: RouteOptions): void {
    const { longLived, immediate, light, management } = route.config ?? {}
    if (immediate === true) return
    const admission = this.#admission
    if (longLived === true) {
      const wait = (request: FastifyRequest, reply: FastifyReply, done: Done): void =>
        admission.awaitPlace(request, reply, done)
      route.preHandler = [wait, ...listed(route.preHandler)]
      return
    }
    const kind = management === true ? 'management' : light === true ? 'light' : 'heavy'
    const enter = (request: FastifyRequest, reply: FastifyReply, done: Done): void =>
      done(admission.enter(request, reply, kind))
    const hooks = {
      onRequest: [enter, ...listed(route.onRequest)],
      preParsing: [
        (
          request: FastifyRequest,
          _reply: FastifyReply,
          payload: Parameters<Admission['receive']>[1],
          done: Done,
        ) => done(admission.receive(request, payload)),
        ...listed(route.preParsing),
      ],
      preHandler: [
        (request: FastifyRequest, reply: FastifyReply, done: Done) =>
          admission.await(request, reply, kind, done),
        ...listed(route.preHandler),
      ],
      onSend: [
        ...listed(route.onSend),
        (request: FastifyRequest, reply: FastifyReply, _payload: unknown, done: Done) => {
          admission.answer(request, reply)
          done()
        },
      ],
    }
    Object.assign(route, hooks)
  }

  #watch(server: Server): void {
    server.on('listening', () => {
      this.#loopDelay.start()
      const look = (): void => {
        const nowMs = performance.now()
        this.#connections.sweep(nowMs)
        this.#admission.sweep(nowMs)
      }
      // Those who come before the first round are not taken for as old as this process.
      look()
      this.#timer ??= setInterval(look, this.limits.checkIntervalMs)
      this.#timer.unref()
    })
    server.on('close', () => {
      clearInterval(this.#timer)
      this.#timer = undefined
      this.#loopDelay.stop()
    })
  }
}

function isManagement({ routeOptions }: FastifyRequest): boolean {
  return routeOptions.config?.management === true
}

function listed<T>(hooks: T | readonly T[] | undefined): readonly T[] {
  if (hooks === undefined) return []
  return Array.isArray(hooks) ? hooks : [hooks as T]
}

/** Beside what an answer varies by already. */
function varyByOrigin(_request: FastifyRequest, reply: FastifyReply, _payload: unknown, done: Done): void {
  const others = reply.getHeader('vary')
  const known = others === undefined || String(others).toLowerCase() === 'origin'
  reply.header('vary', known ? 'Origin' : `${String(others)}, Origin`)
  done()
}
