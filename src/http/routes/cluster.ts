/** `GET /api/v1/cluster`: the members as this replica sees them, and how well it is itself. */
import type { FastifyPluginCallback } from 'fastify'
import type { ClusterView } from '../facades.ts'

export function clusterRoutes(cluster: ClusterView): FastifyPluginCallback {
  return (app, _options, done) => {
    app.get('/cluster', (_request, reply) => {
      reply.header('cache-control', 'no-store').send({
        name: cluster.name,
        left: cluster.left(),
        settled: cluster.settled(),
        healthScore: cluster.healthScore(),
        lag: cluster.lag(),
        warnings: cluster.warnings(),
        sharedNames: cluster.sharedNames(),
        members: cluster.members(),
        lost: cluster.lost(),
      })
    })
    done()
  }
}
