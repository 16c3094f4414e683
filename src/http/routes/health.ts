/** The root page and the management paths that operators know from Prometheus: text, not JSON. */
import type { FastifyPluginCallback } from 'fastify'
import type { HealthView } from '../facades.ts'

const TEXT = 'text/plain; charset=utf-8'
const IMMEDIATE = { config: { immediate: true } }
const MANAGEMENT = { config: { immediate: true, management: true } }

export function healthRoutes(health: HealthView, version: string): FastifyPluginCallback {
  const index =
    `hearsay ${version}\n\n/api/v1/kv       values\n/api/v1/sets     sets\n/api/v1/cluster  members\n` +
    '/api/v1/status   this replica\n/-/ready         readiness\n/metrics         for Prometheus\n'
  return (app, _options, done) => {
    app.get('/', IMMEDIATE, (_request, reply) => {
      reply.header('content-type', TEXT).send(index)
    })
    app.get('/-/healthy', MANAGEMENT, (_request, reply) => {
      reply.header('content-type', TEXT).send('OK\n')
    })
    app.get('/-/ready', MANAGEMENT, (_request, reply) => {
      const { ready, reasons } = health.ready()
      reply
        .code(ready ? 200 : 503)
        .header('content-type', TEXT)
        .header('cache-control', 'no-store')
        .send(ready ? 'OK\n' : `not ready\n${reasons.map((reason) => `- ${reason}\n`).join('')}`)
    })
    done()
  }
}
