/** `GET /api/v1/kv` and `GET /api/v1/kv/{map}`: which maps there are, and the entries of one, page by page. */
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyPluginCallback } from 'fastify'
import { Type } from 'typebox'
import type { KeyValue } from '../../store/key-value.ts'
import { sendJsonText } from '../json-text.ts'
import { nextLink } from '../list-query.ts'
import { namesPage } from '../names-page.ts'
import { checkPathName } from '../path-name.ts'
import { listPage } from './kv-page.ts'

const LIMIT = Type.Optional(Type.String({ description: 'Most items of a page, 1 to 1,000.' }))
const MapParams = Type.Object({ map: Type.String() })
const NamesQuery = Type.Object(
  {
    after: Type.Optional(Type.String({ description: 'Only names after this one: the `next` of a page.' })),
    limit: LIMIT,
  },
  { additionalProperties: false },
)
const ListQuery = Type.Object(
  {
    prefix: Type.Optional(Type.String({ description: 'Only keys that start so.' })),
    after: Type.Optional(Type.String({ description: 'Only keys after this one: the `next` of a page.' })),
    limit: LIMIT,
    values: Type.Optional(Type.String({ description: '`false` leaves values out.' })),
  },
  { additionalProperties: false },
)
const Maps = Type.Object({
  maps: Type.Array(Type.Object({ name: Type.String(), count: Type.Integer() })),
  next: Type.Optional(Type.String({ description: 'There are more: `after` of the following page.' })),
})
const Items = Type.Object({
  items: Type.Array(
    Type.Object({
      key: Type.String(),
      value: Type.Optional(Type.Unknown({ description: 'Of JSON values, as they were written.' })),
      valueBase64: Type.Optional(Type.String({ description: 'Of all other values.' })),
      contentType: Type.String(),
      version: Type.String(),
      updatedAt: Type.String({ format: 'date-time' }),
      expiresAt: Type.Optional(Type.String({ format: 'date-time' })),
    }),
  ),
  next: Type.Optional(Type.String({ description: 'There are more: `after` of the following page.' })),
})

export function kvListRoutes(kv: KeyValue, routePrefix: string): FastifyPluginCallback {
  return (scope, _options, done) => {
    const app = scope.withTypeProvider<TypeBoxTypeProvider>()

    app.get('/kv', { schema: { querystring: NamesQuery, response: { 200: Maps } } }, (request, reply) => {
      const { items: maps, next } = namesPage(kv.maps(), request.query)
      if (next !== undefined) reply.header('link', nextLink(`${routePrefix}/api/v1/kv`, request.query, next))
      reply.send({ maps, ...(next === undefined ? {} : { next }) })
    })

    app.get(
      '/kv/:map',
      { schema: { params: MapParams, querystring: ListQuery, response: { 200: Items } } },
      async (request, reply) => {
        const { map } = request.params
        checkPathName(map, 'map')
        const { json, next } = await listPage(kv, map, request.query)
        if (next !== undefined) {
          const path = `${routePrefix}/api/v1/kv/${encodeURIComponent(map)}`
          reply.header('link', nextLink(path, request.query, next))
        }
        sendJsonText(reply, json)
        return reply
      },
    )
    done()
  }
}
