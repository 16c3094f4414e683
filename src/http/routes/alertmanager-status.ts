/** `/status` and `/receivers` of Alertmanager's HTTP interface: who we are to its clients, and for whom we notify. */
import type { FastifyInstance, FastifyReply } from 'fastify'
import { formatDateTime } from '../../alerting/core/date-time.ts'
import { nanosFromMs } from '../../alerting/core/nanos.ts'
import { errorCode } from '../../base/errors.ts'
import { sendJson, sendText } from './alertmanager-answers.ts'
import { checkAccept } from './alertmanager-negotiation.ts'
import { passesReceiverFilters, type Receivers, receiverFilters } from './alertmanager-receivers.ts'

export interface AlertmanagerStatus {
  readonly cluster: {
    /** Left out when clustering is off. */
    readonly name?: string
    readonly status: 'ready' | 'settling' | 'disabled'
    /** Self included; `address` is `ip:port`. */
    readonly peers: readonly { readonly name: string; readonly address: string }[]
  }
  readonly startedAtMs: number
  /** Of hearsay, shown as the revision; `version` is the Alertmanager whose interface this is. */
  readonly hearsayVersion: string
}

/** Clients compare major and minor with their own. */
const ALERTMANAGER_VERSION = '0.34.0'
const CONFIG_COMMENT = '# hearsay routes no notifications: every alert goes to all receivers announced here'

/**
 * A configuration that Alertmanager's tools can read and that says what is so: one route for each receiver, all taken.
 * It must have one receiver at least; the name for none cannot be told from a receiver of that name.
 */
function configText(names: readonly string[]): string {
  // Quoted as JSON, which is YAML too.
  const quoted = (names.length === 0 ? ['none'] : names).map((name) => JSON.stringify(name))
  const routes = quoted.length === 1 ? [] : quoted.map((name) => `  - receiver: ${name}\n    continue: true`)
  const lines = [
    CONFIG_COMMENT,
    'route:',
    `  receiver: ${quoted[0]}`,
    ...(routes.length === 0 ? [] : ['  routes:', ...routes]),
    'receivers:',
    ...quoted.map((name) => `- name: ${name}`),
  ]
  return `${lines.join('\n')}\n`
}

function shownStatus(status: AlertmanagerStatus, receivers: readonly string[]): Record<string, unknown> {
  const { cluster, startedAtMs, hearsayVersion } = status
  const peers = cluster.peers
    .map(({ address, name }) => ({ address, name }))
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
  return {
    cluster: { ...(cluster.name === undefined ? {} : { name: cluster.name }), peers, status: cluster.status },
    config: { original: configText(receivers) },
    uptime: formatDateTime(nanosFromMs(startedAtMs)),
    versionInfo: {
      branch: 'hearsay',
      buildDate: '',
      buildUser: '',
      goVersion: '',
      revision: hearsayVersion,
      version: ALERTMANAGER_VERSION,
    },
  }
}

function listReceivers(names: readonly string[], query: unknown, reply: FastifyReply): FastifyReply {
  try {
    const filters = receiverFilters(query)
    const shown = names.filter((name) => passesReceiverFilters(name, filters))
    return sendJson(
      reply,
      shown.map((name) => ({ labels: { name }, name })),
    )
  } catch (error) {
    if (!(error instanceof Error) || errorCode(error) !== 'MATCHER_MALFORMED') throw error
    return sendText(reply, 400, error.message)
  }
}

export interface StatusRoutesDeps {
  readonly status: () => AlertmanagerStatus
  readonly receivers: Receivers
}

export async function alertmanagerStatusRoutes(
  app: FastifyInstance,
  { status, receivers }: StatusRoutesDeps,
): Promise<void> {
  const get = { exposeHeadRoute: false, onRequest: checkAccept }
  for (const slash of ['', '/']) {
    app.get(`/status${slash}`, get, async (_request, reply) =>
      sendJson(reply, shownStatus(status(), receivers())),
    )
    app.get(`/receivers${slash}`, get, async ({ query }, reply) => listReceivers(receivers(), query, reply))
  }
}
