/**
 * `/silences` and `/silence/{id}` of Alertmanager's HTTP interface (alertmanager-state.md section 5).
 *
 * Success is always 200, also for a deletion: amtool takes any other success for an error.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { formatDateTime } from '../../alerting/core/date-time.ts'
import { goQuote } from '../../alerting/core/go-quote.ts'
import { isEqualMatcher, isRegexMatcher } from '../../alerting/core/matcher.ts'
import { parseFilter } from '../../alerting/core/matcher-parser.ts'
import { type Silence, type SilenceState, shownSilenceState } from '../../alerting/core/silence.ts'
import type { Silences } from '../../alerting/silences.ts'
import { errorCode } from '../../base/errors.ts'
import { inSlices } from '../slices.ts'
import { INVALID_TYPE, sendFault, sendJson, sendJsonText, sendText } from './alertmanager-answers.ts'
import { checkAccept } from './alertmanager-negotiation.ts'
import { booleanParam, listParam } from './alertmanager-params.ts'
import { readSilenceBody } from './alertmanager-silence-body.ts'

const STATES: readonly SilenceState[] = ['active', 'pending', 'expired']
/** Dashes may be missing and case does not matter here, but the lookup is by the exact text. */
const UUID = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i
/** What a request cannot have, in Alertmanager's words. */
const REFUSALS: ReadonlySet<string> = new Set(['SILENCE_INVALID', 'SILENCES_MAX', 'SILENCE_TOO_LARGE'])

interface ById {
  readonly Params: { readonly id: string }
}

/** The JSON of a silence. Of several matcher sets, which only newer Alertmanagers make, the first is shown. */
function shownSilence(silence: Silence, nowNs: bigint): Record<string, unknown> {
  const { annotations } = silence
  return {
    id: silence.id,
    status: { state: shownSilenceState(silence, nowNs) },
    updatedAt: formatDateTime(silence.updatedAtNs),
    ...(annotations.size === 0 ? {} : { annotations: Object.fromEntries(annotations) }),
    comment: silence.comment,
    createdBy: silence.createdBy,
    endsAt: formatDateTime(silence.endsAtNs),
    matchers: (silence.matcherSets[0] ?? []).map((matcher) => ({
      isEqual: isEqualMatcher(matcher),
      isRegex: isRegexMatcher(matcher),
      name: matcher.name,
      value: matcher.pattern,
    })),
    startsAt: formatDateTime(silence.startsAtNs),
  }
}

async function createSilence(
  silences: Silences,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const read = readSilenceBody(typeof request.body === 'string' ? request.body : '')
  if ('fault' in read) return sendFault(reply, read.fault)
  const { startsAtNs, endsAtNs } = read.value
  if (startsAtNs >= endsAtNs) {
    return sendText(reply, 400, 'Failed to create silence: start time must be before end time')
  }
  if (endsAtNs < silences.nowNs()) {
    return sendText(reply, 400, "Failed to create silence: end time can't be in the past")
  }
  try {
    return sendJson(reply, { silenceID: await silences.create(read.value) })
  } catch (error) {
    if (!(error instanceof Error)) throw error
    const code = errorCode(error)
    if (code !== undefined && REFUSALS.has(code)) return sendText(reply, 400, error.message)
    if (code === 'SILENCE_NOT_FOUND') return sendText(reply, 404, error.message)
    throw error
  }
}

async function listSilences(silences: Silences, query: unknown, reply: FastifyReply): Promise<FastifyReply> {
  try {
    const filters = listParam(query, 'filter').map(parseFilter)
    const states = new Set(STATES.filter((state) => booleanParam(query, state, true)))
    const nowNs = silences.nowNs()
    const shown: string[] = []
    for await (const slice of inSlices(silences.query({ filters, states }))) {
      for (const silence of slice) shown.push(JSON.stringify(shownSilence(silence, nowNs)))
    }
    return sendJsonText(reply, `[${shown.join(',')}]`)
  } catch (error) {
    if (error instanceof Error && errorCode(error) === 'MATCHER_MALFORMED') {
      return sendText(reply, 400, error.message)
    }
    throw error
  }
}

function sendInvalidId(reply: FastifyReply, id: string): FastifyReply {
  const message = `silenceID in path must be of type uuid: ${goQuote(id)}`
  return sendFault(reply, { code: INVALID_TYPE, message })
}

async function deleteSilence(silences: Silences, id: string, reply: FastifyReply): Promise<FastifyReply> {
  if (!UUID.test(id)) return sendInvalidId(reply, id)
  try {
    await silences.expire(id)
    return reply.send()
  } catch (error) {
    if (errorCode(error) === 'SILENCE_NOT_FOUND') return reply.code(404).send()
    throw error
  }
}

function showSilence(silences: Silences, id: string, reply: FastifyReply): FastifyReply {
  if (!UUID.test(id)) return sendInvalidId(reply, id)
  const silence = silences.get(id)
  if (silence === undefined) return reply.code(404).send()
  return sendJson(reply, shownSilence(silence, silences.nowNs()))
}

export async function alertmanagerSilenceRoutes(
  app: FastifyInstance,
  { silences }: { readonly silences: Silences },
): Promise<void> {
  const get = { exposeHeadRoute: false, onRequest: checkAccept }
  for (const path of ['/silences', '/silences/']) {
    app.get(path, get, async (request, reply) => listSilences(silences, request.query, reply))
    app.post(path, async (request, reply) => createSilence(silences, request, reply))
  }
  // The router lets a parameter be empty; `/silence/` is no path of this interface.
  for (const path of ['/silence/:id(.+)', '/silence/:id(.+)/']) {
    app.get<ById>(path, get, async ({ params }, reply) => showSilence(silences, params.id, reply))
    app.delete<ById>(path, { onRequest: checkAccept }, async ({ params }, reply) =>
      deleteSilence(silences, params.id, reply),
    )
  }
}
