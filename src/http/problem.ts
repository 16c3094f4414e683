/**
 * Errors as RFC 9457 problem details: `type`, `title`, `status`, `detail` and our stable `code`; `limit` where one was
 * exceeded, `errors` with the place of each fault of an input, and `instance` where the log says more.
 *
 * One table says which status a code has. A code that is not in it is a fault of ours: 500 `INTERNAL_ERROR`, logged with
 * its cause, told to the client without detail. Fastify's own errors are translated to our codes, so that clients never
 * depend on the server library.
 */
import { randomUUID } from 'node:crypto'
import type { FastifyReply } from 'fastify'
import { errorCode, HearsayError } from '../base/errors.ts'
import type { InputFault } from './schema-faults.ts'

interface ProblemKind {
  readonly status: number
  readonly title: string
}

/** Every code that HTTP can answer with; docs/reference/errors.md lists the same. */
export const PROBLEM_TABLE: ReadonlyMap<string, ProblemKind> = new Map([
  ['HTTP_PATH_MALFORMED', { status: 400, title: 'The path cannot be read' }],
  ['HTTP_PATH_TOO_LONG', { status: 414, title: 'A path segment is too long' }],
  ['HTTP_QUERY_INVALID', { status: 400, title: 'A query parameter is wrong' }],
  ['HTTP_REQUEST_MALFORMED', { status: 400, title: 'The request cannot be read' }],
  ['HTTP_HEADERS_TOO_LARGE', { status: 431, title: 'The headers are too large' }],
  ['HTTP_REQUEST_TIMEOUT', { status: 408, title: 'The request took too long to arrive' }],
  ['HTTP_BODY_INVALID', { status: 400, title: 'The body is not what its type promises' }],
  ['HTTP_BODY_TOO_LARGE', { status: 413, title: 'The body is too large' }],
  ['HTTP_CONTENT_TYPE_UNSUPPORTED', { status: 415, title: 'The content type cannot be taken here' }],
  ['HTTP_PRECONDITION_UNSUPPORTED', { status: 400, title: 'This precondition is not supported' }],
  ['HTTP_ROUTE_NOT_FOUND', { status: 404, title: 'There is nothing at this path' }],
  ['HTTP_METHOD_NOT_ALLOWED', { status: 405, title: 'The path does not take this method' }],
  ['HTTP_HOST_NOT_ALLOWED', { status: 421, title: 'The Host header does not name this replica' }],
  ['HTTP_OVERLOADED', { status: 503, title: 'There is more to do than may be' }],
  ['HTTP_ANSWER_TIMEOUT', { status: 503, title: 'The request was not answered in time' }],
  ['HTTP_CROSS_SITE', { status: 403, title: 'Writes from pages of other sites are refused' }],
  ['HTTP_UNAUTHENTICATED', { status: 401, title: 'A user and password are needed' }],
  ['HTTP_AUTHENTICATION_BUSY', { status: 503, title: 'Passwords cannot be checked just now' }],
  ['HTTP_RATE_LIMITED', { status: 429, title: 'Too many requests' }],
  ['ACK_UNREACHABLE', { status: 503, title: 'Fewer replicas can be reached than are to have the write' }],
  ['ACK_OVERLOADED', { status: 503, title: 'More writes wait for other replicas than may' }],
  ['CLUSTER_BUSY', { status: 409, title: 'Another join is under way' }],
  ['CLUSTER_JOIN_FAILED', { status: 503, title: 'No peer could be joined' }],
  ['CLUSTER_LEFT', { status: 503, title: 'This replica has left its cluster' }],
  ['CLUSTER_NONE', { status: 404, title: 'This replica runs without a cluster' }],
  ['DURATION_MALFORMED', { status: 400, title: 'A duration cannot be read' }],
  ['GOSSIP_KEY_INVALID', { status: 400, title: 'This is no gossip key' }],
  ['GOSSIP_KEY_PRIMARY', { status: 409, title: 'The primary key cannot be removed' }],
  ['GOSSIP_KEY_UNKNOWN', { status: 404, title: 'The keyring does not hold this key' }],
  ['GOSSIP_KEYS_TOO_MANY', { status: 409, title: 'The keyring holds as many keys as it may' }],
  ['GOSSIP_NOT_RUNNING', { status: 503, title: 'Gossip is not running' }],
  ['GOSSIP_NOT_ENCRYPTED', { status: 404, title: 'This replica has no gossip keys' }],
  ['KEY_FILE_CONFLICT', { status: 409, title: 'Somebody else changes the key file just now' }],
  ['KEY_FILE_MALFORMED', { status: 409, title: 'The key file is not what it should be' }],
  ['KEY_FILE_NONE', { status: 404, title: 'This replica has no key file' }],
  ['KEY_FILE_UNREADABLE', { status: 409, title: 'The key file cannot be read' }],
  ['KEY_FILE_UNWRITABLE', { status: 409, title: 'The key file cannot be written' }],
  ['KEY_NOT_FOUND', { status: 404, title: 'There is no value under this key' }],
  ['MEMBER_NOT_FOUND', { status: 404, title: 'The set does not hold this member' }],
  ['NOTIFICATION_INVALID', { status: 400, title: 'The notification cannot be logged' }],
  ['NOTIFICATION_TOO_LARGE', { status: 413, title: 'The notification is too large' }],
  ['CLAIM_HELD', { status: 409, title: 'Another sender has the claim, or comes first' }],
  ['CLAIM_OUTDATED', { status: 409, title: 'Somebody has notified since' }],
  ['CLAIM_NOT_FOUND', { status: 404, title: 'There is no such claim' }],
  ['CLAIMS_MAX', { status: 503, title: 'There are as many claims as there may be' }],
  ['STORE_PRECONDITION_FAILED', { status: 412, title: 'The precondition does not hold' }],
  ['STORE_KEY_MALFORMED', { status: 400, title: 'The key cannot be stored' }],
  ['STORE_KEY_TOO_LARGE', { status: 400, title: 'The key is too long' }],
  ['STORE_VALUE_TOO_LARGE', { status: 413, title: 'The value is too large' }],
  ['STORE_BATCH_TOO_LARGE', { status: 413, title: 'The batch is too large' }],
  ['STORE_ENTRIES_MAX', { status: 507, title: 'The store holds as many entries as it may' }],
  ['STORE_DISK_FULL', { status: 507, title: 'The disk is full' }],
  ['STORE_WRITE_FAILED', { status: 503, title: 'The write could not be made durable' }],
  ['STAMP_EXHAUSTED', { status: 409, title: 'No newer version of this entry is possible' }],
  ['STORE_OVERLOADED', { status: 503, title: 'More writes wait for the disk than may' }],
  ['STORE_REFUSING_WRITES', { status: 503, title: 'This replica refuses writes just now' }],
  ['STORE_CLOCK_OFF', { status: 503, title: 'The clock of this machine is wrong' }],
  ['STORE_CLOSED', { status: 503, title: 'This replica is stopping' }],
  ['SNAPSHOT_BUSY', { status: 503, title: 'Another snapshot is being saved' }],
  ['WATCH_CURSOR_MALFORMED', { status: 400, title: 'This is no cursor of a watch' }],
  ['WATCH_READERS_MAX', { status: 503, title: 'There are as many watches as there may be' }],
  ['CONFIG_INVALID', { status: 500, title: 'The configuration cannot be used' }],
  ['INTERNAL_ERROR', { status: 500, title: 'A fault of this program' }],
])

const CODE_OF_FASTIFY: ReadonlyMap<string, string> = new Map([
  ['FST_ERR_BAD_URL', 'HTTP_PATH_MALFORMED'],
  ['FST_ERR_INVALID_URL', 'HTTP_PATH_MALFORMED'],
  ['FST_ERR_MAX_PARAM_LENGTH', 'HTTP_PATH_TOO_LONG'],
  ['FST_ERR_CTP_BODY_TOO_LARGE', 'HTTP_BODY_TOO_LARGE'],
  ['FST_ERR_CTP_INVALID_MEDIA_TYPE', 'HTTP_CONTENT_TYPE_UNSUPPORTED'],
  ['FST_ERR_CTP_INVALID_CONTENT_LENGTH', 'HTTP_BODY_INVALID'],
  // The client went away in the middle of its request: nobody reads this, and it is no fault of ours.
  ['ECONNRESET', 'HTTP_REQUEST_MALFORMED'],
  // Of QUERY alone.
  ['FST_ERR_ROUTE_MISSING_CONTENT_TYPE', 'HTTP_REQUEST_MALFORMED'],
  ['FST_ERR_CTP_EMPTY_JSON_BODY', 'HTTP_BODY_INVALID'],
  ['FST_ERR_CTP_INVALID_JSON_BODY', 'HTTP_BODY_INVALID'],
])

export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly code: string
  readonly detail: string
  /** Of a fault of ours: it stands on the log line as well. */
  readonly instance?: string
  readonly limit?: number
  readonly errors?: readonly InputFault[]
  /** Of a claim: the replica through which it is held. */
  readonly holder?: string
}

/** What a problem says beside its text. */
export type ProblemExtensions = Pick<Problem, 'limit' | 'errors' | 'holder'>

/** An error that HTTP itself raises; its code must be in the table. */
export class HttpError extends HearsayError {
  override readonly name = 'HttpError'
  /** For scopes with an error handler of their own, such as `/api/v2`. */
  readonly statusCode: number
  readonly extensions: ProblemExtensions

  /** @param extensions a number is a limit */
  constructor(code: string, message: string, extensions: ProblemExtensions | number = {}) {
    super(code, message)
    this.statusCode = PROBLEM_TABLE.get(code)?.status ?? 500
    this.extensions = typeof extensions === 'number' ? { limit: extensions } : extensions
  }
}

/** @param bodyBytesMax the body limit, which fastify's error does not carry */
export function problemOf(error: unknown, bodyBytesMax: number): Problem {
  const original = errorCode(error) ?? ''
  const code = CODE_OF_FASTIFY.get(original) ?? original
  const kind = PROBLEM_TABLE.get(code)
  if (kind === undefined) {
    const fault = problem('INTERNAL_ERROR', 'the fault is in the log of this replica, under this instance')
    return { ...fault, instance: `urn:uuid:${randomUUID()}` }
  }
  const message = error instanceof Error ? error.message : kind.title
  if (code === 'HTTP_BODY_TOO_LARGE') {
    return problem(code, `a body may have at most ${bodyBytesMax} bytes`, bodyBytesMax)
  }
  if (error instanceof HttpError) return { ...problem(code, message), ...error.extensions }
  return problem(code, message, limitOf(error))
}

export function problem(code: string, detail: string, limit?: number): Problem {
  const kind = PROBLEM_TABLE.get(code) ?? { status: 500, title: 'A fault of this program' }
  const base = { type: `urn:hearsay:error:${code}`, title: kind.title, status: kind.status, code, detail }
  return limit === undefined ? base : { ...base, limit }
}

/** A second later it is the same: replicas must come back first, or another roster be asked for. */
const NOT_SOON: ReadonlySet<string> = new Set(['ACK_UNREACHABLE', 'CLUSTER_JOIN_FAILED'])

export function sendProblem(reply: FastifyReply, body: Problem): FastifyReply {
  if (body.status === 503 && !NOT_SOON.has(body.code)) reply.header('retry-after', '1')
  return reply
    .code(body.status)
    .header('content-type', 'application/problem+json')
    .header('cache-control', 'no-store')
    .serializer(JSON.stringify)
    .send(body)
}

function limitOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('limit' in error)) return undefined
  return typeof error.limit === 'number' ? error.limit : undefined
}
