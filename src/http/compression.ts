/**
 * Compression of lists: gzip for whoever says that they take it (RFC 9110 sections 12.5.3 and 8.4).
 *
 * A page of 1,000 entries shrinks to a tenth, and a scrape of `/metrics` to an eighth. Done for the routes of COMPRESSED
 * alone: values go out as the bytes that came in, with their ETag, and an event stream must not wait in a compressor. All
 * other routes have no hook and so no cost.
 *
 * It runs on Node's four worker threads, which also sync the store's batches. So two at once, at most; whoever comes then
 * gets the plain bytes, at once. A compressed answer is another representation, so a strong ETag becomes a weak one.
 */
import { constants, gzip } from 'node:zlib'
import type { FastifyReply, FastifyRequest, RouteOptions } from 'fastify'

/** Below this the answer fits into a packet or two anyway. */
export const COMPRESSED_BYTES_MIN = 1024
export const COMPRESSIONS_MAX = 2

/** Below the route prefix. */
export const COMPRESSED: readonly string[] = [
  '/metrics',
  '/api/v1/kv',
  '/api/v1/kv/:map',
  '/api/v1/sets',
  '/api/v1/sets/:set',
  '/api/v1/cluster',
  '/api/v1/status',
  '/api/v1/notifications',
  '/api/v1/openapi.json',
  '/api/v2/alerts',
  '/api/v2/alerts/groups',
  '/api/v2/silences',
]

const ENTRY = /^\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*(?:;\s*q\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*)?$/

type Sent = (error: null, payload: unknown) => void

export class Compression {
  readonly #paths: ReadonlySet<string>
  #running = 0

  /** @param routePrefix without a slash at its end */
  constructor(routePrefix: string) {
    this.#paths = new Set(COMPRESSED.flatMap((path) => [routePrefix + path, `${routePrefix}${path}/`]))
  }

  /** For the `onRoute` hook: gives the routes of the list what compresses their answers. */
  addTo(route: RouteOptions): void {
    // HEAD is a route of its own: what it varies by is the same.
    if ((route.method !== 'GET' && route.method !== 'HEAD') || !this.#paths.has(route.url)) return
    const hooks = route.onSend === undefined ? [] : [route.onSend].flat()
    route.onSend = [
      ...hooks,
      (request: FastifyRequest, reply: FastifyReply, payload: unknown, done: Sent) =>
        this.#sent(request, reply, payload, done),
    ]
  }

  #sent({ method, headers }: FastifyRequest, reply: FastifyReply, payload: unknown, done: Sent): void {
    if (reply.statusCode !== 200 || reply.hasHeader('content-encoding')) {
      done(null, payload)
      return
    }
    // Of HEAD as well, whose payload is gone already.
    addVary(reply)
    const isWhole = typeof payload === 'string' || Buffer.isBuffer(payload)
    const accepted = headers['accept-encoding']
    const isAsked = accepted !== undefined && method === 'GET' && takesGzip(accepted)
    if (!isWhole || !isAsked || payload.length < COMPRESSED_BYTES_MIN || this.#running >= COMPRESSIONS_MAX) {
      done(null, payload)
      return
    }
    this.#running++
    gzip(payload, { level: constants.Z_BEST_SPEED }, (error, compressed) => {
      this.#running--
      if (error !== null) {
        done(null, payload)
        return
      }
      reply.header('content-encoding', 'gzip').removeHeader('content-length')
      const etag = reply.getHeader('etag')
      if (typeof etag === 'string' && !etag.startsWith('W/')) reply.header('etag', `W/${etag}`)
      done(null, compressed)
    })
  }
}

/** Whether gzip is as welcome as plain bytes, or more. A header that cannot be read takes nothing. */
export function takesGzip(header: string): boolean {
  const weights = new Map<string, number>()
  for (const entry of header.split(',')) {
    const parts = ENTRY.exec(entry)
    if (parts === null) return false
    const [, coding = '', weight = '1'] = parts
    weights.set(coding.toLowerCase(), Number(weight))
  }
  const any = weights.get('*') ?? 0
  const gzipWeight = weights.get('gzip') ?? weights.get('x-gzip') ?? any
  // Not to be named is to be least welcome, short of being refused.
  const plainWeight = weights.get('identity') ?? 0
  return gzipWeight > 0 && gzipWeight >= plainWeight
}

function addVary(reply: FastifyReply): void {
  const vary = reply.getHeader('vary')
  reply.header('vary', vary === undefined ? 'accept-encoding' : `${String(vary)}, accept-encoding`)
}
