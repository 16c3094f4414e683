/**
 * `/api/v1/cluster/keys`: the gossip keys of this replica, by fingerprint, and their rotation.
 *
 * A key comes in one body and goes out in none; which key is to be used or removed is told by its fingerprint, so that
 * no secret ever stands in a path, which proxies log. Every change answers with the keys as they are then.
 */
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyPluginCallback } from 'fastify'
import { Type } from 'typebox'
import type { GossipKeys } from '../facades.ts'
import { HttpError } from '../problem.ts'

const KEY_CHARS_MAX = 64
const FINGERPRINT = /^[0-9a-f]{8}$/i
const NewKey = Type.Object(
  { key: Type.String({ maxLength: KEY_CHARS_MAX }) },
  { additionalProperties: false },
)
const NewPrimary = Type.Object({ fingerprint: Type.String() }, { additionalProperties: false })
const KeyParams = Type.Object({ fingerprint: Type.String() })
const NoQuery = Type.Object({}, { additionalProperties: false })

export function clusterKeyRoutes(keys: GossipKeys): FastifyPluginCallback {
  return (scope, _options, done) => {
    const app = scope.withTypeProvider<TypeBoxTypeProvider>()
    app.addHook('onRequest', (_request, reply, next) => {
      reply.header('cache-control', 'no-store')
      next()
    })

    app.get('/cluster/keys', { schema: { querystring: NoQuery } }, (_request, reply) => {
      reply.send(shown(keys))
    })

    app.post('/cluster/keys', { schema: { body: NewKey, querystring: NoQuery } }, async (request, reply) => {
      const isNew = await keys.add(request.body.key)
      return reply.code(isNew ? 201 : 200).send(shown(keys))
    })

    app.put(
      '/cluster/keys/primary',
      { schema: { body: NewPrimary, querystring: NoQuery } },
      async (request) => {
        await keys.use(checked(request.body.fingerprint, 'HTTP_BODY_INVALID'))
        return shown(keys)
      },
    )

    app.delete(
      '/cluster/keys/:fingerprint',
      { schema: { params: KeyParams, querystring: NoQuery } },
      async (request) => {
        await keys.remove(checked(request.params.fingerprint, 'HTTP_PATH_MALFORMED'))
        return shown(keys)
      },
    )
    done()
  }
}

/** A key where its fingerprint belongs is not repeated in the answer. */
function checked(fingerprint: string, code: string): string {
  if (FINGERPRINT.test(fingerprint)) return fingerprint
  throw new HttpError(code, 'a fingerprint has 8 hex digits; GET /api/v1/cluster/keys shows them')
}

function shown(keys: GossipKeys): Readonly<Record<string, unknown>> {
  const { loadedAtMs, ...others } = keys.shown()
  return {
    ...others,
    ...(loadedAtMs === undefined ? {} : { loadedAt: new Date(loadedAtMs).toISOString() }),
  }
}
