/**
 * `GET /api/v1/owner/{key}`: which live replica is responsible for a piece of work. The key is any text that all replicas
 * name the work by; it need not be a key of the store.
 */
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyPluginCallback } from 'fastify'
import { Type } from 'typebox'
import type { HttpDeps } from '../http-deps.ts'
import { checkPathName } from '../path-name.ts'

const OwnerParams = Type.Object({ key: Type.String() })

export function ownerRoutes({ owner, cluster }: Pick<HttpDeps, 'owner' | 'cluster'>): FastifyPluginCallback {
  return (scope, _options, done) => {
    const app = scope.withTypeProvider<TypeBoxTypeProvider>()
    app.get('/owner/:key', { schema: { params: OwnerParams } }, (request, reply) => {
      const { key } = request.params
      checkPathName(key, 'key')
      const name = owner(key)
      reply.header('cache-control', 'no-store').send({ key, owner: name, isSelf: name === cluster.name })
    })
    done()
  }
}
