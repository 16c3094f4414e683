/** What `/api/v2` reads and writes is JSON; anything else is refused before the body is looked at. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { goQuote } from '../../alerting/core/go-quote.ts'
import { sendFault } from './alertmanager-answers.ts'

const ACCEPTABLE: ReadonlySet<string> = new Set(['*/*', 'application/*', 'application/json'])

function hasBody({ headers }: FastifyRequest): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

/** The lower-case name before any parameter. */
function mediaType(value: string): string {
  return (value.split(';', 1)[0] ?? '').trim().toLowerCase()
}

function isAcceptable(accept: string): boolean {
  if (accept.trim() === '') return true
  return accept.split(',').some((range) => {
    const refused = /;\s*q=0(\.0*)?\s*(;|$)/i.test(range)
    return !refused && ACCEPTABLE.has(mediaType(range))
  })
}

/** An `onRequest` hook: refuses bodies of another type. Paths that do not exist are left to their own answer. */
export function checkContentType(request: FastifyRequest, reply: FastifyReply, done: () => void): void {
  const given = request.headers['content-type'] ?? 'application/octet-stream'
  const isOfNoConcern = request.is404 || request.method !== 'POST' || !hasBody(request)
  if (isOfNoConcern || mediaType(given) === 'application/json') {
    done()
    return
  }
  const message = `unsupported media type ${goQuote(given)}, only [application/json] are allowed`
  sendFault(reply, { code: 415, message })
}

/** An `onRequest` hook of all routes but the POST, where Alertmanager does not look at Accept either. */
export async function checkAccept(
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply | undefined> {
  if (isAcceptable(request.headers.accept ?? '')) return undefined
  const message = 'unsupported media type requested, only [application/json] are available'
  return sendFault(reply, { code: 406, message })
}
