/** `GET /api/v1/status`: what this replica says of itself, for people and for `hearsay status`. */
import type { FastifyPluginCallback } from 'fastify'

export function statusRoutes(status: () => Readonly<Record<string, unknown>>): FastifyPluginCallback {
  return (app, _options, done) => {
    app.get('/status', (_request, reply) => {
      reply.header('cache-control', 'no-store').send(status())
    })
    done()
  }
}
