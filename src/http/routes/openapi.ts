/** `GET /api/v1/openapi.json`: what there is, for programs. */
import type { FastifyPluginCallback } from 'fastify'

/** @param document gives the text once the app is ready */
export function openApiRoutes(document: () => string): FastifyPluginCallback {
  return (app, _options, done) => {
    app.get('/openapi.json', (_request, reply) => {
      reply.header('content-type', 'application/json; charset=utf-8').send(document())
    })
    done()
  }
}
