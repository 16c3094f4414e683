/**
 * Who may wait for an answer: counts requests and the bytes of their bodies from their headers to their answer, and
 * answers for those that take too long.
 *
 * All of it is for routes that take their time. A read of one value is answered at once and passes none of this.
 */
import type { FastifyReply, FastifyRequest, RequestPayload } from 'fastify'
import { HttpError, problemOf, sendProblem } from '../problem.ts'
import { turns } from '../turns.ts'
import type { Connections } from './connections.ts'
import type { GuardLimits } from './guard-limits.ts'
import type { RefusalReason, Refusals } from './refusals.ts'
import type { Ticket } from './ticket.ts'
import { TicketLine } from './ticket-line.ts'

/** Up to here a body is not counted: as many as there may be requests are 16 MiB. */
const SMALL_BODY_BYTES = 16 * 1024
/** So much of a body that nobody wants is read nevertheless, and the connection kept. */
const DUMPED_BYTES = 64 * 1024
/** Of the memory for bodies, for one address. */
const ADDRESS_SHARE = 0.75
/** For so long a body that was announced counts as if it had come. */
const PROMISE_MS = 1000
/** Beyond `requestsMax`, for management. */
const MANAGEMENT_REQUESTS = 32

const TOO_MANY = new HttpError('HTTP_OVERLOADED', 'as many requests wait for their answers as may; try again')
const TOO_MANY_HERE = new HttpError('HTTP_OVERLOADED', 'too many requests wait on this connection')
const NO_ROOM = new HttpError(
  'HTTP_OVERLOADED',
  'there is no room for another large body just now; try again',
)
const OVERDUE = new HttpError('HTTP_ANSWER_TIMEOUT', 'it took too long; what was asked for may still be done')

export type WorkKind = 'light' | 'heavy' | 'management'

export class Admission {
  readonly #limits: GuardLimits
  readonly #refusals: Refusals
  readonly #connections: Connections
  /** In the order they came. */
  readonly #tickets = new TicketLine()
  /** As of the last look; a clock for each request would cost more than it is worth. */
  #nowMs = 0
  #bodyBytes = 0
  #promisedBytes = 0
  readonly #promising = new Set<Ticket>()

  constructor(limits: GuardLimits, refusals: Refusals, connections: Connections) {
    this.#limits = limits
    this.#refusals = refusals
    this.#connections = connections
  }

  get requests(): number {
    return this.#tickets.length
  }

  get bodyBytes(): number {
    return this.#bodyBytes
  }

  /** An `onRequest` hook. */
  enter(request: FastifyRequest, reply: FastifyReply, kind: WorkKind): HttpError | undefined {
    if (request.ticket !== null) return undefined
    const fault = bodyFault(request)
    if (fault !== undefined) {
      if (fault.code === 'HTTP_REQUEST_MALFORMED') this.condemn(request, reply)
      return this.#refuse('malformed', fault)
    }
    const connection = this.#connections.of(request.raw)
    const requestsMax = this.#limits.requestsMax + (kind === 'management' ? MANAGEMENT_REQUESTS : 0)
    if (this.#tickets.length >= requestsMax) return this.#refuse('requests', TOO_MANY)
    if (connection !== undefined) {
      if (connection.requests >= this.#limits.connectionRequestsMax) {
        return this.#refuse('requests-of-connection', TOO_MANY_HERE)
      }
      connection.requests++
      if (hasBody(request)) connection.receiving = request.raw
    }
    const ticket: Ticket = {
      request,
      reply,
      connection,
      sinceMs: this.#nowMs,
      bodyBytes: 0,
      promisedBytes: 0,
      isWaiting: false,
      before: undefined,
      after: undefined,
    }
    request.ticket = ticket
    this.#tickets.add(ticket)
    return undefined
  }

  /** A `preParsing` hook: the body is about to be read. A large one is read in turns, as it is worked on. */
  receive(request: FastifyRequest, payload: RequestPayload): HttpError | undefined {
    const { ticket } = request
    const declared = request.headers['content-length']
    if (ticket === null || (declared !== undefined && Number(declared) <= SMALL_BODY_BYTES)) return undefined
    if (!hasBody(request) || !isBodyRead(request)) return undefined
    // One that is too large is not read at all.
    if (declared !== undefined && Number(declared) > request.routeOptions.bodyLimit) return undefined
    if (!this.#hasRoom(ticket, Number(declared ?? 0))) return this.#refuse('body-memory', NO_ROOM)
    this.#promise(ticket, Number(declared ?? 0))
    payload.on('data', (chunk: Uint8Array) => {
      if (!ticket.isWaiting) return
      this.#promise(ticket, Math.max(0, ticket.promisedBytes - chunk.length))
      this.#hold(ticket, ticket.bodyBytes + chunk.length)
      if (!this.#hasRoom(ticket, 0)) payload.emit('error', this.#refuse('body-memory', NO_ROOM))
      else if (!turns.isFree) {
        payload.pause()
        turns.enter(() => payload.resume())
      }
    })
    return undefined
  }

  /**
   * A `preHandler` hook: resumes when it is this request's turn, and on its connection all that came before it is
   * answered. A request whose client has gone is dropped instead.
   */
  await(request: FastifyRequest, reply: FastifyReply, kind: WorkKind, resume: () => void): void {
    const { raw } = reply
    const run = (): void => {
      // A request that has been read to its end is destroyed as well (Node), with its client still there.
      if (!raw.destroyed && (request.raw.complete || !request.raw.destroyed)) resume()
      else this.leave(request)
    }
    const enter = (): void => {
      if (kind === 'management') turns.enterFirst(run)
      else if (kind === 'light' && request.ticket?.bodyBytes === 0) turns.enter(run)
      else turns.enterHeavy(run)
    }
    if (raw.socket !== null) enter()
    else raw.once('socket', enter)
  }

  /**
   * A `preHandler` hook of routes that may answer for ever: such a request is counted as long as it waits behind others on
   * its connection, and is nobody's if that goes meanwhile (of which Node tells no answer that waits).
   */
  awaitPlace(request: FastifyRequest, reply: FastifyReply, resume: (refusal?: HttpError) => void): void {
    const { raw } = reply
    if (raw.socket !== null) {
      if (!raw.destroyed) resume()
      return
    }
    const refusal = this.enter(request, reply, 'light')
    if (refusal !== undefined) {
      resume(refusal)
      return
    }
    this.await(request, reply, 'light', () => {
      this.leave(request)
      resume()
    })
  }

  /** All of it for one piece of work of a route without these hooks. */
  inTurn(request: FastifyRequest, reply: FastifyReply, run: () => void): void {
    const refusal = this.enter(request, reply, 'heavy')
    if (refusal !== undefined) {
      reply.send(refusal)
      return
    }
    this.await(request, reply, 'heavy', () => {
      try {
        run()
      } catch (error) {
        reply.send(error)
      } finally {
        this.leave(request)
      }
    })
  }

  /** An `onSend` hook of counted routes, and an `onError` hook of all. */
  answer(request: FastifyRequest, reply: FastifyReply): void {
    this.leave(request)
    const { raw } = request
    if (
      raw.complete ||
      !hasBody(request) ||
      Number(request.headers['content-length'] ?? Infinity) <= DUMPED_BYTES
    ) {
      return
    }
    reply.header('connection', 'close')
    this.#connections.of(raw)?.linger()
  }

  /** The answer to this one is the last on its connection, whatever comes behind it. */
  condemn(request: FastifyRequest, reply: FastifyReply): void {
    reply.header('connection', 'close')
    const connection = this.#connections.of(request.raw)
    if (connection !== undefined) connection.isCondemned = true
  }

  leave(request: FastifyRequest): void {
    if (request.ticket !== null) this.#remove(request.ticket)
  }

  /** One look at those that wait for longest. */
  sweep(nowMs: number): void {
    this.#nowMs = nowMs
    for (const ticket of this.#promising) {
      if (nowMs - ticket.sinceMs > PROMISE_MS) this.#promise(ticket, 0)
    }
    const { answerTimeoutMs } = this.#limits
    for (let ticket = this.#tickets.first, next = ticket?.after; ticket !== undefined; ticket = next) {
      next = ticket.after
      if (answerTimeoutMs > 0 && nowMs - ticket.sinceMs >= answerTimeoutMs) this.#giveUp(ticket)
      // One that waited behind others on a connection that is gone hears of nothing.
      else if (ticket.connection?.socket.destroyed === true && ticket.reply.raw.socket === null) {
        this.#remove(ticket)
      }
    }
  }

  #giveUp(ticket: Ticket): void {
    this.#remove(ticket)
    this.#refusals.count('answer-timeout')
    if (!ticket.reply.sent) sendProblem(ticket.reply, problemOf(OVERDUE, 0))
  }

  #hasRoom(ticket: Ticket, moreBytes: number): boolean {
    const { bodyMemoryBytesMax } = this.#limits
    const inAll = this.#bodyBytes + (moreBytes === 0 ? 0 : this.#promisedBytes + moreBytes)
    const ofAddress = (ticket.connection?.address.bodyBytes ?? 0) + moreBytes
    return inAll <= bodyMemoryBytesMax && ofAddress <= bodyMemoryBytesMax * ADDRESS_SHARE
  }

  #hold(ticket: Ticket, bytes: number): void {
    const change = bytes - ticket.bodyBytes
    ticket.bodyBytes = bytes
    this.#bodyBytes += change
    if (ticket.connection !== undefined) ticket.connection.address.bodyBytes += change
  }

  #promise(ticket: Ticket, bytes: number): void {
    this.#promisedBytes += bytes - ticket.promisedBytes
    ticket.promisedBytes = bytes
    if (bytes === 0) this.#promising.delete(ticket)
    else this.#promising.add(ticket)
  }

  #remove(ticket: Ticket): void {
    if (!this.#tickets.remove(ticket)) return
    this.#promise(ticket, 0)
    this.#hold(ticket, 0)
    if (ticket.connection !== undefined) ticket.connection.requests--
  }

  #refuse(reason: RefusalReason, error: HttpError): HttpError {
    this.#refusals.count(reason)
    return error
  }
}

function hasBody({ headers }: FastifyRequest): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

/** Nobody would hear that there is no room for it; what is not read stays with its sender. */
function isBodyRead({ method }: FastifyRequest): boolean {
  return method !== 'GET' && method !== 'HEAD'
}

/**
 * Bodies are taken as they come: what is compressed could be anything, and of any size; and a transfer in another coding
 * than chunks may end elsewhere for a proxy before us than for us.
 */
function bodyFault({ headers, raw }: FastifyRequest): HttpError | undefined {
  const transfer = headers['transfer-encoding']
  if (transfer !== undefined && (raw.httpVersionMinor === 0 || transfer.toLowerCase() !== 'chunked')) {
    return new HttpError('HTTP_REQUEST_MALFORMED', 'the only transfer encoding is chunked, of HTTP/1.1')
  }
  const encoding = headers['content-encoding']
  if (encoding === undefined || encoding.toLowerCase() === 'identity') return undefined
  return new HttpError('HTTP_CONTENT_TYPE_UNSUPPORTED', 'bodies are taken without Content-Encoding')
}
