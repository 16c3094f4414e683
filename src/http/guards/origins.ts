/**
 * Pages of other origins (reliability.md section 5, H2): none may write, and none may read what it asks for, unless
 * `--web.cors.origin` names its origin exactly.
 *
 * Browsers of today say in `Sec-Fetch-Site` where a request comes from, and no page can forge it. Older ones say at least
 * `Origin` with every write: it must be the host that was asked, or that of the external URL; `null` (a sandbox, a file, a
 * redirect) is nobody's. A client that is no browser sends neither and is let through.
 *
 * There is no `Access-Control-Allow-Credentials`: what a browser remembers of us is never used by another site's page; one
 * that is allowed sends its own `Authorization`.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { HttpError } from '../problem.ts'

const METHODS = 'GET, HEAD, PUT, POST, DELETE'
const REQUEST_HEADERS = 'Accept, Authorization, Content-Type, If-Match, If-None-Match, Last-Event-ID'
const ANSWER_HEADERS =
  'Allow, ETag, Last-Modified, Link, Location, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, Retry-After'
const PREFLIGHT_SECONDS = '600'

export class Origins {
  readonly #allowed: ReadonlySet<string>
  readonly #own: string | undefined

  /** @param allowed exact origins, `scheme://host[:port]` */
  constructor(allowed: readonly string[], externalUrl: string | undefined) {
    this.#allowed = new Set(allowed)
    this.#own = externalUrl === undefined ? undefined : new URL(externalUrl).origin
  }

  /** @returns why a write may not be, or undefined */
  refusalOf({ method, headers }: FastifyRequest): HttpError | undefined {
    if (method === 'GET' || method === 'HEAD' || method === 'OPTIONS') return undefined
    const { origin } = headers
    const site = headers['sec-fetch-site']
    if (site === undefined && origin === undefined) return undefined
    if (origin !== undefined && this.#allowed.has(origin)) return undefined
    const isOwn =
      site === undefined ? this.#isOwn(origin ?? '', headers.host) : site === 'same-origin' || site === 'none'
    return isOwn ? undefined : new HttpError('HTTP_CROSS_SITE', 'a page of another site may not write here')
  }

  #isOwn(origin: string, host: string | undefined): boolean {
    if (origin === this.#own) return true
    try {
      const { protocol, host: asked } = new URL(origin)
      if (host === undefined || (protocol !== 'http:' && protocol !== 'https:')) return false
      // The scheme of the page decides which port is left out of Host.
      return asked === new URL(`${protocol}//${host}`).host
    } catch {
      return false
    }
  }

  /** Whether anything here is to be told to browsers. */
  get isOpen(): boolean {
    return this.#allowed.size > 0
  }

  /**
   * Headers for the page that asked, if it may have them. On the raw answer, so that streams that bypass fastify carry
   * them as well.
   * @returns whether this was a preflight, and has been answered
   */
  share({ method, headers }: FastifyRequest, reply: FastifyReply): boolean {
    const { raw } = reply
    raw.setHeader('vary', 'Origin')
    const { origin } = headers
    if (origin === undefined || !this.#allowed.has(origin)) return false
    raw.setHeader('access-control-allow-origin', origin)
    if (method !== 'OPTIONS' || headers['access-control-request-method'] === undefined) {
      raw.setHeader('access-control-expose-headers', ANSWER_HEADERS)
      return false
    }
    reply
      .code(204)
      .header('access-control-allow-methods', METHODS)
      .header('access-control-allow-headers', REQUEST_HEADERS)
      .header('access-control-max-age', PREFLIGHT_SECONDS)
      .send()
    return true
  }
}
