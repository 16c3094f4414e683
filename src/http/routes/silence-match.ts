/** `POST /api/v1/silences/match`: which silences mute an alert, for services that do not embed the library. */
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyPluginCallback } from 'fastify'
import { Type } from 'typebox'
import { HttpError } from '../problem.ts'
import { inSlices } from '../slices.ts'

export const MATCHED_ALERTS_MAX = 1000

const Labels = Type.Record(Type.String(), Type.String())
const Silences = Type.Array(Type.String())
const Body = Type.Object(
  {
    labels: Type.Optional(Labels),
    alerts: Type.Optional(Type.Array(Type.Object({ labels: Labels }), { maxItems: MATCHED_ALERTS_MAX })),
  },
  { additionalProperties: false },
)
const Matches = Type.Object({
  /** Of `labels`. */
  silences: Type.Optional(Silences),
  /** One each, in the order of the request. */
  alerts: Type.Optional(Type.Array(Type.Object({ silences: Silences }))),
})

/** @param silencedBy ids of the silences that mute these labels now, sorted */
export function silenceMatchRoutes(
  silencedBy: (labels: Readonly<Record<string, string>>) => readonly string[],
): FastifyPluginCallback {
  return (scope, _options, done) => {
    const app = scope.withTypeProvider<TypeBoxTypeProvider>()
    app.post(
      '/silences/match',
      { schema: { body: Body, response: { 200: Matches } } },
      async (request, reply) => {
        const { labels, alerts } = request.body
        if ((labels === undefined) === (alerts === undefined)) {
          throw new HttpError('HTTP_BODY_INVALID', 'either labels or alerts must be given')
        }
        reply.header('cache-control', 'no-store')
        if (labels !== undefined) return { silences: [...silencedBy(labels)] }
        const matches: { silences: string[] }[] = []
        for await (const slice of inSlices(alerts ?? [])) {
          for (const alert of slice) matches.push({ silences: [...silencedBy(alert.labels)] })
        }
        return { alerts: matches }
      },
    )
    done()
  }
}
