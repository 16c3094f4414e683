/** `/api/v1/sets`: add-wins sets of strings. A member is a path segment; bodies are not looked at. */
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyPluginCallback } from 'fastify'
import { Type } from 'typebox'
import { checkAcknowledgement } from '../acknowledgement.ts'
import type { HttpDeps } from '../http-deps.ts'
import { checkPathName } from '../path-name.ts'
import { HttpError } from '../problem.ts'
import { takeRawBodies } from '../raw-body.ts'

const SetParams = Type.Object({ set: Type.String() })
const MemberParams = Type.Object({ set: Type.String(), member: Type.String() })
const WriteQuery = Type.Object(
  { ack: Type.Optional(Type.String()), timeout: Type.Optional(Type.String()) },
  { additionalProperties: false },
)
const Member = Type.Object({ set: Type.String(), member: Type.String() })
const Added = Type.Object({ set: Type.String(), member: Type.String(), acked: Type.Array(Type.String()) })
const Members = Type.Object({ members: Type.Array(Type.String()) })
const Sets = Type.Object({
  sets: Type.Array(Type.Object({ name: Type.String(), count: Type.Integer() })),
})

export function setRoutes(deps: HttpDeps): FastifyPluginCallback {
  const { sets } = deps
  const acked = [deps.cluster.name]
  return (scope, _options, done) => {
    takeRawBodies(scope)
    const app = scope.withTypeProvider<TypeBoxTypeProvider>()

    app.put(
      '/sets/:set/:member',
      { schema: { params: MemberParams, querystring: WriteQuery, response: { 200: Added, 201: Added } } },
      async (request, reply) => {
        const { set, member } = checked(request.params)
        checkAcknowledgement(request.query)
        const { added } = await sets.add(set, member)
        reply.code(added ? 201 : 200)
        return { set, member, acked }
      },
    )

    app.delete(
      '/sets/:set/:member',
      { schema: { params: MemberParams, querystring: WriteQuery } },
      async (request, reply) => {
        const { set, member } = checked(request.params)
        checkAcknowledgement(request.query)
        await sets.remove(set, member)
        return reply.code(204).send()
      },
    )

    app.get(
      '/sets/:set/:member',
      { schema: { params: MemberParams, response: { 200: Member } } },
      (request, reply) => {
        const { set, member } = checked(request.params)
        if (!sets.has(set, member)) {
          const detail = `${JSON.stringify(set)} does not hold ${JSON.stringify(member)}`
          throw new HttpError('MEMBER_NOT_FOUND', detail)
        }
        reply.send({ set, member })
      },
    )

    app.get('/sets', { schema: { response: { 200: Sets } } }, (_request, reply) => {
      reply.send({ sets: [...sets.sets()] })
    })

    app.get('/sets/:set', { schema: { params: SetParams, response: { 200: Members } } }, (request, reply) => {
      checkPathName(request.params.set, 'set')
      reply.send({ members: [...sets.members(request.params.set)] })
    })
    done()
  }
}

function checked(params: { readonly set: string; readonly member: string }): {
  readonly set: string
  readonly member: string
} {
  checkPathName(params.set, 'set')
  checkPathName(params.member, 'member')
  return params
}
