/**
 * A request that waits for its answer, and what routes say about themselves to the guards.
 *
 * A route says nothing unless it is an exception: what is not marked is counted, bounded in time, and takes its turn.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Connection } from './connection.ts'

export interface Ticket {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly connection: Connection | undefined
  readonly sinceMs: number
  /** Of its body, in memory; 0 for a small one. */
  bodyBytes: number
  /** Of its body, announced and not come; forgotten after a second, so that promises alone keep nobody out. */
  promisedBytes: number
  /** Its place in the line (ticket-line.ts). */
  isWaiting: boolean
  before: Ticket | undefined
  after: Ticket | undefined
}

declare module 'fastify' {
  interface FastifyInstance {
    /** For what an `immediate` route finds to be dear after all: runs it as on any other route, or refuses. */
    inTurn(request: FastifyRequest, reply: FastifyReply, run: () => void): void
  }
  interface FastifyRequest {
    ticket: Ticket | null
  }
  interface FastifyContextConfig {
    /** It may answer for ever (a watch, a download): neither counted nor bounded in time; slow readers are still cut. */
    readonly longLived?: boolean
    /** It answers at once and costs microseconds: not counted. */
    readonly immediate?: boolean
    /** It costs microseconds, unless its body is large, and waits for the disk: need not wait behind heavy work. */
    readonly light?: boolean
    /** It tells how this replica is: answered also when there is too much to do. */
    readonly management?: boolean
  }
}
