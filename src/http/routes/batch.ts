/** `POST /api/v1/batch`: several writes as one durable unit, all or nothing on this replica. */
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyPluginCallback } from 'fastify'
import { Type } from 'typebox'
import type { BatchOp, BatchOpResult } from '../../store/batch.ts'
import { Acknowledger } from '../acknowledgement.ts'
import { batchOps } from '../batch-body.ts'
import { contentTypeFault } from '../content-type-fault.ts'
import type { HttpDeps } from '../http-deps.ts'
import { rawBody, takeRawBodies } from '../raw-body.ts'
import { isJsonType } from '../stored-value.ts'

const BatchQuery = Type.Object(
  { ack: Type.Optional(Type.String()), timeout: Type.Optional(Type.String()) },
  { additionalProperties: false },
)
const Put = Type.Object({
  op: Type.Literal('put'),
  map: Type.String(),
  key: Type.String(),
  version: Type.String(),
  created: Type.Boolean(),
  expiresAt: Type.Optional(Type.String()),
})
const Delete = Type.Object({
  op: Type.Literal('delete'),
  map: Type.String(),
  key: Type.String(),
  existed: Type.Boolean(),
})
const Add = Type.Object({
  op: Type.Literal('add'),
  set: Type.String(),
  member: Type.String(),
  added: Type.Boolean(),
})
const Remove = Type.Object({
  op: Type.Literal('remove'),
  set: Type.String(),
  member: Type.String(),
  existed: Type.Boolean(),
})
type Line = Type.Static<typeof Put | typeof Delete | typeof Add | typeof Remove>

const Batch = Type.Object({
  results: Type.Array(Type.Union([Put, Delete, Add, Remove])),
  acked: Type.Array(Type.String()),
  /** Of 202: on disk here, and not on as many replicas in time as it was to be. */
  needed: Type.Optional(Type.Integer()),
})

/**
 * @param bodyBytesMax of the whole body
 * @param opBytesMax of one operation
 */
export function batchRoutes(deps: HttpDeps, bodyBytesMax: number, opBytesMax: number): FastifyPluginCallback {
  const { batches, wallMs } = deps
  const acknowledger = new Acknowledger(deps.acks, deps.cluster.name)
  return (scope, _options, done) => {
    takeRawBodies(scope)
    const app = scope.withTypeProvider<TypeBoxTypeProvider>()
    app.post(
      '/batch',
      {
        bodyLimit: bodyBytesMax,
        schema: { querystring: BatchQuery, response: { 200: Batch, 202: Batch } },
      },
      async (request, reply) => {
        if (!isJsonType(request.headers['content-type'] ?? '')) {
          throw contentTypeFault(request.headers['content-type'])
        }
        const planned = acknowledger.plan(request.query)
        const ops = await batchOps(rawBody(request.body), wallMs(), opBytesMax)
        const { results, deltas } = await batches.write(ops)
        const { reached, acked, needed } = await acknowledger.confirm(planned, deltas)
        reply.code(reached ? 200 : 202)
        const lines = ops.flatMap((op, index) => lineOf(op, results[index]) ?? [])
        return { results: lines, acked, ...(reached ? {} : { needed }) }
      },
    )
    done()
  }
}

function lineOf(op: BatchOp, result: BatchOpResult | undefined): Line | undefined {
  if (op.op === 'put' && result?.op === 'put') {
    const { version, expiresAtMs } = result.item
    const line = { op: op.op, map: op.map, key: op.key, version, created: result.created }
    return expiresAtMs === undefined ? line : { ...line, expiresAt: new Date(expiresAtMs).toISOString() }
  }
  if (op.op === 'delete' && result?.op === 'delete') {
    return { op: op.op, map: op.map, key: op.key, existed: result.existed }
  }
  if (op.op === 'add' && result?.op === 'add') {
    return { op: op.op, set: op.set, member: op.member, added: result.added }
  }
  if (op.op === 'remove' && result?.op === 'remove') {
    return { op: op.op, set: op.set, member: op.member, existed: result.existed }
  }
  return undefined
}
