/**
 * Alertmanager's HTTP interface, version 2, as release 0.34 answers it. Registered under `/api/v2` of the main app, with
 * error answers, media types and 404s of its own, so that amtool and other clients cannot tell the difference.
 *
 * Where it differs, and why, is in docs/reference/alertmanager.md.
 */
import type { FastifyError, FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import type { Alerts } from '../alerting/alerts.ts'
import type { Silences } from '../alerting/silences.ts'
import { problemOf } from './problem.ts'
import { alertmanagerAlertRoutes } from './routes/alertmanager-alerts.ts'
import { sendFault, sendText } from './routes/alertmanager-answers.ts'
import { checkContentType } from './routes/alertmanager-negotiation.ts'
import type { Receivers } from './routes/alertmanager-receivers.ts'
import { alertmanagerSilenceRoutes } from './routes/alertmanager-silences.ts'
import { type AlertmanagerStatus, alertmanagerStatusRoutes } from './routes/alertmanager-status.ts'

/** The part of a logger that is needed here. */
export interface ErrorLog {
  error(fields: Readonly<Record<string, unknown>>, message: string): void
}

export interface AlertmanagerApiDeps {
  readonly silences: Silences
  readonly alerts: Alerts
  /** For whom a notifier of this replica notifies. */
  readonly receivers: Receivers
  readonly status: () => AlertmanagerStatus
  readonly log: ErrorLog
}

/** In the order Alertmanager lists them. */
const METHODS: readonly (readonly [path: RegExp, methods: string])[] = [
  [/^\/(status|receivers)\/?$/, 'GET'],
  [/^\/(silences|alerts)\/?$/, 'GET,POST'],
  [/^\/silence\/[^/]+\/?$/, 'GET,DELETE'],
]

function answerNotFound(prefix: string, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const path = request.url.split('?', 1)[0] ?? ''
  const methods = METHODS.find(([pattern]) => pattern.test(path.slice(prefix.length)))?.[1]
  if (methods === undefined) return sendFault(reply, { code: 404, message: `path ${path} was not found` })
  const message = `method ${request.method} is not allowed, but [${methods}] are`
  return sendFault(reply.header('allow', methods), { code: 405, message })
}

function answerError(error: FastifyError, reply: FastifyReply, log: ErrorLog): FastifyReply {
  const status = error.statusCode ?? 500
  if (status >= 400 && status < 500) return sendFault(reply, { code: status, message: error.message })
  const problem = problemOf(error, 0)
  if (problem.status > 500) {
    // A full disk or a wrong clock is no fault of this program: the store has said so in the log and in /-/ready.
    if (problem.status === 503) reply.header('retry-after', '1')
    return sendText(reply, problem.status, problem.detail)
  }
  log.error({ component: 'http', event: 'http_request_failed', err: error }, 'a request failed')
  return sendText(reply, 500, error.message)
}

export function alertmanagerApi(deps: AlertmanagerApiDeps): FastifyPluginAsync {
  return async (app: FastifyInstance) => {
    app.removeAllContentTypeParsers()
    app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body))
    app.addHook('onRequest', (_request, reply, done) => {
      reply.header('cache-control', 'no-store')
      done()
    })
    app.addHook('onRequest', checkContentType)
    app.setErrorHandler((error: FastifyError, _request, reply) => answerError(error, reply, deps.log))
    app.setNotFoundHandler((request, reply) => answerNotFound(app.prefix, request, reply))
    await app.register(alertmanagerSilenceRoutes, deps)
    await app.register(alertmanagerAlertRoutes, deps)
    await app.register(alertmanagerStatusRoutes, deps)
  }
}
