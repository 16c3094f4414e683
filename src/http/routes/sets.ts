/** `/api/v1/sets/{set}/{member}`: add-wins sets of strings. A member is a path segment; bodies are not looked at. */
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyPluginCallback } from 'fastify'
import { Type } from 'typebox'
import { Acknowledger } from '../acknowledgement.ts'
import type { HttpDeps } from '../http-deps.ts'
import { checkPathName } from '../path-name.ts'
import { HttpError } from '../problem.ts'
import { takeRawBodies } from '../raw-body.ts'

const LIGHT = { light: true }
const MemberParams = Type.Object({ set: Type.String(), member: Type.String() })
const WriteQuery = Type.Object(
  { ack: Type.Optional(Type.String()), timeout: Type.Optional(Type.String()) },
  { additionalProperties: false },
)
const Member = Type.Object({ set: Type.String(), member: Type.String() })
const Added = Type.Object({
  set: Type.String(),
  member: Type.String(),
  acked: Type.Array(Type.String()),
  /** Of 202: on disk here, and not on as many replicas in time as it was to be. */
  needed: Type.Optional(Type.Integer()),
})
export function setRoutes(deps: HttpDeps): FastifyPluginCallback {
  const { sets } = deps
  const acknowledger = new Acknowledger(deps.acks, deps.cluster.name)
  return (scope, _options, done) => {
    takeRawBodies(scope)
    const app = scope.withTypeProvider<TypeBoxTypeProvider>()

    app.put(
      '/sets/:set/:member',
      {
        config: LIGHT,
        schema: {
          params: MemberParams,
          querystring: WriteQuery,
          response: { 200: Added, 201: Added, 202: Added },
        },
      },
      async (request, reply) => {
        const { set, member } = checked(request.params)
        const planned = acknowledger.plan(request.query)
        const { added, deltas } = await sets.add(set, member)
        const { reached, acked, needed } = await acknowledger.confirm(planned, deltas)
        reply.code(reached ? (added ? 201 : 200) : 202)
        return { set, member, acked, ...(reached ? {} : { needed }) }
      },
    )

    app.delete(
      '/sets/:set/:member',
      { config: LIGHT, schema: { params: MemberParams, querystring: WriteQuery } },
      async (request, reply) => {
        const { set, member } = checked(request.params)
        const planned = acknowledger.plan(request.query)
        const { deltas } = await sets.remove(set, member)
        const { reached, acked, needed } = await acknowledger.confirm(planned, deltas)
        if (reached) return reply.code(204).send()
        return reply.code(202).send({ set, member, acked, needed })
      },
    )

    app.get(
      '/sets/:set/:member',
      { schema: { params: MemberParams, response: { 200: Member } }, config: { immediate: true } },
      (request, reply) => {
        const { set, member } = checked(request.params)
        if (!sets.has(set, member)) {
          const detail = `${JSON.stringify(set)} does not hold ${JSON.stringify(member)}`
          throw new HttpError('MEMBER_NOT_FOUND', detail)
        }
        reply.send({ set, member })
      },
    )

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
