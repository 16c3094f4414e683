/**
 * `/api/v1/kv/{map}/{key}`: values under keys. The hot path of the whole service is here, so a PUT or GET does its own few checks,
 * passes bytes through, and allocates little else.
 *
 * Answers to browsers are made harmless (served-type.ts), because anybody who may write chooses the type.
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyBaseLogger, FastifyInstance, FastifyPluginCallback, RawServerDefault } from 'fastify'
import { Type } from 'typebox'
import type { KeyValue, PutOptions } from '../../store/key-value.ts'
import { Acknowledger } from '../acknowledgement.ts'
import { formatEtag } from '../etag.ts'
import type { HttpDeps } from '../http-deps.ts'
import { sendItem } from '../item-answer.ts'
import { checkPathName } from '../path-name.ts'
import { writePrecondition } from '../preconditions.ts'
import { HttpError } from '../problem.ts'
import { rawBody, takeRawBodies } from '../raw-body.ts'
import { storedValue } from '../stored-value.ts'
import { expiryOf } from '../ttl.ts'

const KeyParams = Type.Object({ map: Type.String(), key: Type.String() })
const WriteQuery = Type.Object(
  {
    ttl: Type.Optional(Type.String()),
    ack: Type.Optional(Type.String()),
    timeout: Type.Optional(Type.String()),
  },
  { additionalProperties: false },
)
const DeleteQuery = Type.Omit(WriteQuery, ['ttl'], { additionalProperties: false })
const Written = Type.Object({
  map: Type.String(),
  key: Type.String(),
  version: Type.String(),
  expiresAt: Type.Optional(Type.String()),
  acked: Type.Array(Type.String()),
  /** Of 202: on disk here, and not on as many replicas in time as it was to be. */
  needed: Type.Optional(Type.Integer()),
})
const WRITTEN_RESPONSES = { 200: Written, 201: Written, 202: Written }
type TypedApp = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse<IncomingMessage>,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>

const LIGHT = { light: true }

/** What is in a path is text by construction: the schema documents it, checking it again would cost each read. */
const ITEM_ROUTE = {
  schema: { params: KeyParams },
  config: { immediate: true },
  validatorCompiler: () => () => true,
}

export function kvRoutes(deps: HttpDeps): FastifyPluginCallback {
  return (scope, _options, done) => {
    takeRawBodies(scope)
    const app = scope.withTypeProvider<TypeBoxTypeProvider>()
    writeRoutes(app, deps)
    readRoutes(app, deps.kv)
    done()
  }
}

function writeRoutes(app: TypedApp, deps: HttpDeps): void {
  const { kv, wallMs } = deps
  const acknowledger = new Acknowledger(deps.acks, deps.cluster.name)

  app.put(
    '/kv/:map/:key',
    { schema: { params: KeyParams, querystring: WriteQuery, response: WRITTEN_RESPONSES }, config: LIGHT },
    async (request, reply) => {
      const { map, key } = request.params
      checkPathName(map, 'map')
      checkPathName(key, 'key')
      const planned = acknowledger.plan(request.query)
      const value = storedValue(request.headers['content-type'], rawBody(request.body))
      const options = putOptions(writePrecondition(request.headers), request.query.ttl, wallMs)
      const { created, item, deltas } = await kv.put(map, key, value, options)
      const { reached, acked, needed } = await acknowledger.confirm(planned, deltas)
      const { version, expiresAtMs } = item
      reply.header('etag', formatEtag(version))
      reply.code(reached ? (created ? 201 : 200) : 202)
      return {
        map,
        key,
        version,
        ...(expiresAtMs === undefined ? {} : { expiresAt: isoTime(expiresAtMs) }),
        acked,
        ...(reached ? {} : { needed }),
      }
    },
  )

  app.delete(
    '/kv/:map/:key',
    { schema: { params: KeyParams, querystring: DeleteQuery }, config: LIGHT },
    async (request, reply) => {
      const { map, key } = request.params
      checkPathName(map, 'map')
      checkPathName(key, 'key')
      const planned = acknowledger.plan(request.query)
      const { deltas } = await kv.delete(map, key, writePrecondition(request.headers))
      const { reached, acked, needed } = await acknowledger.confirm(planned, deltas)
      if (reached) return reply.code(204).send()
      return reply.code(202).send({ map, key, acked, needed })
    },
  )
}

function readRoutes(app: TypedApp, kv: KeyValue): void {
  // HEAD comes with GET: fastify answers it from the same handler without the body.
  app.get('/kv/:map/:key', ITEM_ROUTE, (request, reply) => {
    const { map, key } = request.params
    checkPathName(map, 'map')
    checkPathName(key, 'key')
    const item = kv.get(map, key)
    if (item === undefined) {
      throw new HttpError('KEY_NOT_FOUND', `${JSON.stringify(map)} holds no ${JSON.stringify(key)}`)
    }
    sendItem(reply, item)
  })
}

function putOptions(precondition: PutOptions, ttl: string | undefined, wallMs: () => number): PutOptions {
  return ttl === undefined ? precondition : { ...precondition, ...expiryOf(ttl, wallMs()) }
}

function isoTime(timeMs: number): string {
  return new Date(timeMs).toISOString()
}
