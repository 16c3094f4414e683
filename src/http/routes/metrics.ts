/** `GET /metrics`, the Prometheus text format. */
import type { FastifyPluginCallback } from 'fastify'
import type { MetricsRegistry } from '../metrics/registry.ts'

export function metricsRoutes(metrics: MetricsRegistry): FastifyPluginCallback {
  return (app, _options, done) => {
    app.get('/metrics', { config: { management: true } }, async (_request, reply) => {
      const text = await metrics.scrape()
      return reply.header('content-type', metrics.contentType).send(text)
    })
    done()
  }
}
