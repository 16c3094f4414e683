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
/** Of the memory for bodies, for one address. */
const ADDRESS_SHARE = 0.75
/** Beyond `requestsMax`, for management. */
const MANAGEMENT_REQUESTS = 32

const TOO_MANY = new HttpError('HTTP_OVERLOADED', 'as many requests wait for their answers as may; try again')
const TOO_MANY_HERE = new HttpError('HTTP_OVERLOADED', 'too many requests wait on this connection')
const NO_ROOM = new HttpError(
  'HTTP_OVERLOADED',
  'there is no room for another large body just now; try again',
)
const OVERDUE = new HttpError('HTTP_ANSWER_TIMEOUT', 'it took too long; what was asked for may still be done')

export class Admission {
  readonly #limits: GuardLimits
  readonly #refusals: Refusals
  readonly #connections: Connections
  /** In the order they came. */
  readonly #tickets = new TicketLine()
  /** As of the last look; a clock for each request would cost more than it is worth. */
  #nowMs = 0
  #bodyBytes = 0

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
  enter(request: FastifyRequest, reply: FastifyReply, isManagement: boolean): HttpError | undefined {
    if (request.ticket !== null) return undefined
    const connection = this.#connections.of(request.raw)
    const requestsMax = this.#limits.requestsMax + (isManagement ? MANAGEMENT_REQUESTS : 0)
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
      isWaiting: false,
      before: undefined,
      after: undefined,
    }
    request.ticket = ticket
    this.#tickets.add(ticket)
    return undefined
  }

  /** A `preParsing` hook: the body is about to be read. */
  receive(request: FastifyRequest, payload: RequestPayload): HttpError | undefined {
    const { ticket } = request
    const declared = request.headers['content-length']
    if (ticket === null || (declared !== undefined && Number(declared) <= SMALL_BODY_BYTES)) return undefined
    if (!hasBody(request)) return undefined
    const bytesMax = request.routeOptions.bodyLimit
    // One that is too large is not read at all.
    if (declared !== undefined && Number(declared) > bytesMax) return undefined
    if (!this.#hasRoom(ticket, Number(declared ?? 0))) return this.#refuse('body-memory', NO_ROOM)
    payload.on('data', (chunk: Uint8Array) => {
      ticket.bodyBytes += chunk.length
      if (!ticket.isWaiting) return
      this.#bodyBytes += chunk.length
      if (ticket.connection !== undefined) ticket.connection.address.bodyBytes += chunk.length
      if (!this.#hasRoom(ticket, 0)) payload.emit('error', this.#refuse('body-memory', NO_ROOM))
    })
    return undefined
  }

  /**
   * A `preHandler` hook: resumes when it is this request's turn, and on its connection all that came before it is
   * answered. A request whose client has gone is dropped instead.
   */
  await(request: FastifyRequest, reply: FastifyReply, isManagement: boolean, resume: () => void): void {
    const { raw } = reply
    const run = (): void => {
      // A request that has been read to its end is destroyed as well (Node), with its client still there.
      if (!raw.destroyed && (request.raw.complete || !request.raw.destroyed)) resume()
      else if (request.ticket !== null) this.#remove(request.ticket)
    }
    const enter = (): void => (isManagement ? turns.enterFirst(run) : turns.enter(run))
    if (raw.socket !== null) enter()
    else {
      raw.once('socket', enter)
      request.raw.once('close', () => {
        if (request.ticket !== null && request.raw.destroyed && raw.socket === null)
          this.#remove(request.ticket)
      })
    }
  }

  /** All of it for one piece of work of a route without these hooks. */
  inTurn(request: FastifyRequest, reply: FastifyReply, run: () => void): void {
    const refusal = this.enter(request, reply, false)
    if (refusal !== undefined) {
      reply.send(refusal)
      return
    }
    this.await(request, reply, false, () => {
      try {
        run()
      } catch (error) {
        reply.send(error)
      } finally {
        this.leave(request)
      }
    })
  }

  /** An `onSend` hook. */
  leave(request: FastifyRequest): void {
    if (request.ticket !== null) this.#remove(request.ticket)
  }

  /** One look at those that wait for longest. */
  sweep(nowMs: number): void {
    this.#nowMs = nowMs
    const { answerTimeoutMs } = this.#limits
    if (answerTimeoutMs === 0) return
    for (let ticket = this.#tickets.first; ticket !== undefined; ticket = this.#tickets.first) {
      if (nowMs - ticket.sinceMs < answerTimeoutMs) return
      this.#remove(ticket)
      this.#refusals.count('answer-timeout')
      if (!ticket.reply.sent) sendProblem(ticket.reply, problemOf(OVERDUE, 0))
    }
  }

  #hasRoom(ticket: Ticket, moreBytes: number): boolean {
    const { bodyMemoryBytesMax } = this.#limits
    const ofAddress = (ticket.connection?.address.bodyBytes ?? 0) + moreBytes
    return (
      this.#bodyBytes + moreBytes <= bodyMemoryBytesMax && ofAddress <= bodyMemoryBytesMax * ADDRESS_SHARE
    )
  }

  #remove(ticket: Ticket): void {
    if (!this.#tickets.remove(ticket)) return
    this.#bodyBytes -= ticket.bodyBytes
    if (ticket.connection === undefined) return
    ticket.connection.requests--
    ticket.connection.address.bodyBytes -= ticket.bodyBytes
  }

  #refuse(reason: RefusalReason, error: HttpError): HttpError {
    this.#refusals.count(reason)
    return error
  }
}

function hasBody({ headers }: FastifyRequest): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}
