/** `/status` and `/receivers` of Alertmanager's HTTP interface: who we are to its clients, and to whom we route: nobody. */
import type { FastifyInstance } from 'fastify'
import { formatDateTime } from '../../alerting/core/date-time.ts'
import { nanosFromMs } from '../../alerting/core/nanos.ts'
import { sendJson } from './alertmanager-answers.ts'
import { checkAccept } from './alertmanager-negotiation.ts'

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
/** Valid YAML, and nothing in it: hearsay keeps state and routes no notifications. */
const CONFIG_TEXT = '# hearsay routes no notifications\n'

function shownStatus({ cluster, startedAtMs, hearsayVersion }: AlertmanagerStatus): Record<string, unknown> {
  const peers = cluster.peers
    .map(({ address, name }) => ({ address, name }))
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
  return {
    cluster: { ...(cluster.name === undefined ? {} : { name: cluster.name }), peers, status: cluster.status },
    config: { original: CONFIG_TEXT },
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

export async function alertmanagerStatusRoutes(
  app: FastifyInstance,
  { status }: { readonly status: () => AlertmanagerStatus },
): Promise<void> {
  const get = { exposeHeadRoute: false, onRequest: checkAccept }
  for (const slash of ['', '/']) {
    app.get(`/status${slash}`, get, async (_request, reply) => sendJson(reply, shownStatus(status())))
    app.get(`/receivers${slash}`, get, async (_request, reply) => sendJson(reply, []))
  }
}
