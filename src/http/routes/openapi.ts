/** `GET /api/v1/openapi.json`: what there is, for programs. */
import type { FastifyPluginCallback } from 'fastify'
import { sendJsonText } from '../json-text.ts'
import type { RouteDocument } from '../openapi/document.ts'

export function openApiRoutes(document: RouteDocument): FastifyPluginCallback {
  return (app, _options, done) => {
    app.get('/openapi.json', async (_request, reply) => {
      sendJsonText(reply, await document.text())
      return reply
    })
    done()
  }
}
