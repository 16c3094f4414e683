/**
 * `/api/v1/notifications`: the notification log and its rules, for services that do not embed the library: whether a
 * notification is due, what was last notified, and logging one that was sent.
 */
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyPluginCallback } from 'fastify'
import { Type } from 'typebox'
import { askedFor } from '../acknowledgement.ts'
import type { AlertingDeps, HttpDeps } from '../http-deps.ts'
import {
  durationOf,
  JUDGED,
  judgedOf,
  RECEIVER_DATA,
  receiverDataOf,
  SIDES,
  shownEntry,
  sidesOf,
  WORK,
  workOf,
} from './notification-body.ts'
import { notificationPage } from './notification-page.ts'

const EXPIRY_MS_MAX = 3650 * 86_400_000
const DecideBody = Type.Object({ ...WORK, ...SIDES, ...JUDGED }, { additionalProperties: false })
const LogBody = Type.Object(
  {
    ...WORK,
    ...SIDES,
    repeatInterval: Type.Optional(Type.String()),
    receiverData: Type.Optional(RECEIVER_DATA),
  },
  { additionalProperties: false },
)
const WriteQuery = Type.Object(
  { ack: Type.Optional(Type.String()), timeout: Type.Optional(Type.String()) },
  { additionalProperties: false },
)
const ListQuery = Type.Object(
  {
    groupKey: Type.Optional(Type.String()),
    receiver: Type.Optional(Type.String()),
    after: Type.Optional(Type.String()),
    limit: Type.Optional(Type.String()),
  },
  { additionalProperties: false },
)

export function notificationRoutes(deps: HttpDeps, alerting: AlertingDeps): FastifyPluginCallback {
  const { log, labelHash, spread } = alerting
  const context = () => ({ nowMs: deps.wallMs(), labelHash })
  return (scope, _options, done) => {
    const app = scope.withTypeProvider<TypeBoxTypeProvider>()

    app.post('/notifications/decide', { schema: { body: DecideBody } }, (request, reply) => {
      const { key, ...work } = workOf(request.body)
      const decision = log.decide({ ...work, ...judgedOf(request.body, context()) })
      const last = log.get(key)
      reply
        .header('cache-control', 'no-store')
        .send({ key, ...decision, ...(last === undefined ? {} : { last: shownEntry(last) }) })
    })

    app.post(
      '/notifications',
      { schema: { querystring: WriteQuery, body: LogBody } },
      async (request, reply) => {
        const { body } = request
        const { repeatInterval } = body
        const sides = sidesOf(body, context())
        const repeatMs =
          repeatInterval === undefined ? 0 : durationOf('repeatInterval', repeatInterval, 0, EXPIRY_MS_MAX)
        const receiverData = receiverDataOf(body.receiverData)
        const { groupKey, receiver } = workOf(body)
        const asked = askedFor(request.query)
        const sent = { groupKey, receiver, ...sides, expiryMs: 2 * repeatMs, receiverData }
        const { notification, deltas } = await log.record(sent)
        const { reached, acked, needed } = await spread(deltas, asked)
        // Who did not say how many is not told that some of those alive were slow, other than by the names.
        const isShort = asked.ack !== undefined && !reached
        reply.code(isShort ? 202 : 200)
        return { ...shownEntry(notification), acked, ...(isShort ? { needed } : {}) }
      },
    )

    app.get('/notifications', { schema: { querystring: ListQuery } }, (request, reply) => {
      reply.header('cache-control', 'no-store').send(notificationPage(log, request.query))
    })
    done()
  }
}
