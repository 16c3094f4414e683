/** Bodies as bytes, of any type: for routes that keep what they are given. Applies to one plugin scope only. */
import type { FastifyInstance } from 'fastify'

const EMPTY: Uint8Array = new Uint8Array(0)

export function takeRawBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => {
    done(null, body)
  })
}

/** The bytes of a request in such a scope; none when it had no body. */
export function rawBody(body: unknown): Uint8Array {
  return body instanceof Uint8Array ? body : EMPTY
}
