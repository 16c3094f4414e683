/**
 * `/alerts` of Alertmanager's HTTP interface (alertmanager-state.md section 5).
 *
 * What silences an alert is looked up while it is shown, so that a new silence shows at once. Long lists are made in slices
 * (slices.ts), and long posts taken in such, each of them a post by itself.
 */
import type { FastifyInstance, FastifyReply } from 'fastify'
import { type Alerts, byFingerprint, type HeldAlert } from '../../alerting/alerts.ts'
import { formatDateTime } from '../../alerting/core/date-time.ts'
import { passesFilters } from '../../alerting/core/label-filter.ts'
import type { Matcher } from '../../alerting/core/matcher.ts'
import { parseFilter } from '../../alerting/core/matcher-parser.ts'
import { compileRegex } from '../../alerting/core/regex.ts'
import { errorCode, HearsayError } from '../../base/errors.ts'
import { inSlices } from '../slices.ts'
import { readAlertsBody } from './alertmanager-alert-body.ts'
import { sendFault, sendJsonText, sendText } from './alertmanager-answers.ts'
import { checkAccept } from './alertmanager-negotiation.ts'
import { booleanParam, listParam } from './alertmanager-params.ts'
import { passesReceiverFilters, type Receivers, receiverFilters } from './alertmanager-receivers.ts'

export interface AlertRoutesDeps {
  readonly alerts: Alerts
  readonly receivers: Receivers
}

interface AlertQuery {
  readonly filters: readonly Matcher[]
  readonly active: boolean
  readonly silenced: boolean
}

function shownAlert({ fingerprint, alert }: HeldAlert, silencedBy: readonly string[], receivers: unknown) {
  return {
    annotations: alert.annotations,
    endsAt: formatDateTime(alert.endsAtNs),
    fingerprint,
    receivers,
    startsAt: formatDateTime(alert.startsAtNs),
    status: {
      inhibitedBy: [],
      mutedBy: [],
      silencedBy,
      state: silencedBy.length === 0 ? 'active' : 'suppressed',
    },
    updatedAt: formatDateTime(alert.updatedAtNs),
    ...(alert.generatorUrl === '' ? {} : { generatorURL: alert.generatorUrl }),
    labels: alert.labels,
  }
}

/** The last of several; empty means all. */
function receiverPattern(query: unknown): RegExpTest | undefined {
  const pattern = listParam(query, 'receiver').at(-1) ?? ''
  if (pattern === '') return undefined
  const regex = compileRegex(pattern)
  if ('test' in regex) return regex
  // The anchored form is what Alertmanager compiles, and what its error quotes.
  const anchored = compileRegex(`^(?:${pattern})$`)
  const reason = 'error' in anchored ? anchored.error : regex.error
  throw new HearsayError('MATCHER_MALFORMED', `failed to parse receiver param: ${reason}`)
}

interface RegExpTest {
  test(text: string): boolean
}

/** Whether any receiver of the alerts, which all have the same, is asked for. */
function asksForReceivers(names: readonly string[], query: unknown): boolean {
  const pattern = receiverPattern(query)
  const filters = receiverFilters(query)
  if (pattern !== undefined && !names.some((name) => pattern.test(name))) return false
  return filters.length === 0 || names.some((name) => passesReceiverFilters(name, filters))
}

interface Shown extends HeldAlert {
  readonly text: string
}

/** @returns JSON texts, in list order */
async function shownAlerts(
  alerts: Alerts,
  query: AlertQuery,
  names: readonly string[],
): Promise<readonly string[]> {
  const receivers = names.map((name) => ({ name }))
  const nowNs = alerts.nowNs()
  const shown: Shown[] = []
  for await (const slice of inSlices(alerts.snapshot())) {
    for (const held of slice) {
      const { labels, endsAtNs } = held.alert
      if (endsAtNs < nowNs || !passesFilters(labels, query.filters)) continue
      const silencedBy = alerts.silencedBy(labels)
      if (!(silencedBy.length === 0 ? query.active : query.silenced)) continue
      shown.push({ ...held, text: JSON.stringify(shownAlert(held, silencedBy, receivers)) })
    }
  }
  return shown.sort(byFingerprint).map(({ text }) => text)
}

async function listAlerts(
  { alerts, receivers }: AlertRoutesDeps,
  query: unknown,
  reply: FastifyReply,
): Promise<FastifyReply> {
  try {
    const filters = listParam(query, 'filter').map(parseFilter)
    const names = receivers()
    const active = booleanParam(query, 'active', true)
    const silenced = booleanParam(query, 'silenced', true)
    const asked = asksForReceivers(names, query)
    const shown = asked ? await shownAlerts(alerts, { filters, active, silenced }, names) : []
    return sendJsonText(reply, `[${shown.join(',')}]`)
  } catch (error) {
    if (error instanceof Error && errorCode(error) === 'MATCHER_MALFORMED') {
      return sendText(reply, 400, error.message)
    }
    throw error
  }
}

async function postAlerts(alerts: Alerts, body: unknown, reply: FastifyReply): Promise<FastifyReply> {
  const read = await readAlertsBody(typeof body === 'string' ? body : '')
  if ('fault' in read) return sendFault(reply, read.fault)
  const faults: string[] = []
  let refused = 0
  for await (const slice of inSlices(read.value)) {
    const result = alerts.post(slice)
    faults.push(...result.faults)
    refused += result.refused
  }
  if (refused > 0) {
    return sendText(reply, 507, [...faults, alerts.fullText(refused, read.value.length)].join('\n'))
  }
  if (faults.length > 0) return sendText(reply, 400, faults.join('\n'))
  return reply.send()
}

export async function alertmanagerAlertRoutes(app: FastifyInstance, deps: AlertRoutesDeps): Promise<void> {
  const get = { exposeHeadRoute: false, onRequest: checkAccept }
  for (const path of ['/alerts', '/alerts/']) {
    app.get(path, get, async ({ query }, reply) => listAlerts(deps, query, reply))
    app.post(path, async ({ body }, reply) => postAlerts(deps.alerts, body, reply))
  }
}
