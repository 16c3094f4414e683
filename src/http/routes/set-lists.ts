/**
 * `GET /api/v1/sets` and `GET /api/v1/sets/{set}`: which sets there are, and the members of one: all of them, or with
 * `limit` page by page.
 */
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyPluginCallback } from 'fastify'
import { Type } from 'typebox'
import type { StringSets } from '../../store/string-sets.ts'
import { nextLink, parseLimit } from '../list-query.ts'
import { namesPage } from '../names-page.ts'
import { checkPathName } from '../path-name.ts'

const AFTER = Type.Optional(Type.String({ description: 'Only what comes after this: the `next` of a page.' }))
const NEXT = Type.Optional(Type.String({ description: 'There are more: `after` of the following page.' }))
const SetParams = Type.Object({ set: Type.String() })
const NamesQuery = Type.Object(
  { after: AFTER, limit: Type.Optional(Type.String({ description: 'Most sets of a page, 1 to 1,000.' })) },
  { additionalProperties: false },
)
const MembersQuery = Type.Object(
  {
    prefix: Type.Optional(Type.String({ description: 'Only members that start so.' })),
    after: AFTER,
    limit: Type.Optional(
      Type.String({ description: 'Most members of a page, 1 to 1,000. Without it: all members.' }),
    ),
  },
  { additionalProperties: false },
)
const Sets = Type.Object({
  sets: Type.Array(Type.Object({ name: Type.String(), count: Type.Integer() })),
  next: NEXT,
})
const Members = Type.Object({
  members: Type.Array(Type.String(), { description: 'Sorted by UTF-16 code units.' }),
  next: NEXT,
})

export function setListRoutes(sets: StringSets, routePrefix: string): FastifyPluginCallback {
  return (scope, _options, done) => {
    const app = scope.withTypeProvider<TypeBoxTypeProvider>()

    app.get('/sets', { schema: { querystring: NamesQuery, response: { 200: Sets } } }, (request, reply) => {
      const { items, next } = namesPage(sets.sets(), request.query)
      if (next !== undefined)
        reply.header('link', nextLink(`${routePrefix}/api/v1/sets`, request.query, next))
      reply.send({ sets: items, ...(next === undefined ? {} : { next }) })
    })

    app.get(
      '/sets/:set',
      { schema: { params: SetParams, querystring: MembersQuery, response: { 200: Members } } },
      (request, reply) => {
        const { set } = request.params
        const { limit, ...query } = request.query
        checkPathName(set, 'set')
        const { names, next } = sets.page(set, {
          ...query,
          limit: limit === undefined ? Number.POSITIVE_INFINITY : parseLimit(limit),
        })
        if (next !== undefined) {
          const path = `${routePrefix}/api/v1/sets/${encodeURIComponent(set)}`
          reply.header('link', nextLink(path, request.query, next))
        }
        reply.send({ members: [...names], ...(next === undefined ? {} : { next }) })
      },
    )
    done()
  }
}
