/**
 * HTTP over a replica: the facades it serves, the metrics it exposes, and the one place that listens.
 */
import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { labelHash } from '../alerting/core/label-hash.ts'
import { spreadEntry } from '../alerting/entry-spread.ts'
import { errorCode, HearsayError } from '../base/errors.ts'
import { formatHostPort, parseHostPort } from '../base/host-port.ts'
import { endpointToText } from '../gossip/io/endpoint-text.ts'
import { alertmanagerApi } from '../http/alertmanager-api.ts'
import { BODY_BYTES_MAX, batchBodyBytes, buildHttp } from '../http/app.ts'
import { ConnectionDrain } from '../http/connection-drain.ts'
import type { GuardLimits } from '../http/guards/guard-limits.ts'
import type { AlertmanagerStatus } from '../http/routes/alertmanager-status.ts'
import { clusterView } from './cluster-view.ts'
import { Encryption } from './encryption.ts'
import type { Reload } from './reload.ts'
import type { Replica } from './replica.ts'
import { replicaMetrics } from './replica-metrics.ts'
import { entrySpreadDeps } from './replica-notifier.ts'
import { replicaStatus } from './replica-status.ts'
import { VERSION } from './version.ts'
import type { WebConfig } from './web-config/web-config.ts'

export interface WebOptions {
  /** `host:port`; port 0 draws a free one, no host means every interface. */
  readonly listen: string
  readonly externalUrl: string | undefined
  /** Before every route; `/` for none. */
  readonly routePrefix: string
  /** Default: plaintext. */
  readonly encryption?: Encryption
  /** Default: no TLS, and everybody may come in. */
  readonly config?: WebConfig
  /** What clients may cost. */
  readonly guards?: Partial<GuardLimits>
  /** For `POST /-/reload`. Default: there is nothing to read again. */
  readonly reload?: Reload
}

export interface Web {
  /** `http://host:port` or `https://host:port`, with the port that was drawn. */
  readonly url: string
  /** Takes no new connections; those there are get no further request after the next. */
  stopAccepting(): void
  /** Resolves when every request has been answered and every connection closed. */
  finish(): Promise<void>
  /** Cuts what is left. */
  close(): Promise<void>
}

/** @throws HearsayError `HTTP_PORT_BUSY`, `HTTP_BIND_FAILED`; nothing stays open then */
export async function openWeb(replica: Replica, options: WebOptions): Promise<Web> {
  const { host, port } = parseHostPort(options.listen)
  const app = buildApp(replica, options, host)
  const drain = new ConnectionDrain(app.server)
  options.config?.tls?.attach(app.server)
  try {
    await app.listen({ port, host: boundHost(host) })
  } catch (cause) {
    await app.close()
    if (errorCode(cause) === 'EADDRINUSE') {
      throw new HearsayError('HTTP_PORT_BUSY', `${options.listen} is in use by another process`, { cause })
    }
    throw new HearsayError(
      'HTTP_BIND_FAILED',
      `cannot listen on ${options.listen}: ${errorCode(cause) ?? String(cause)}`,
      {
        cause,
      },
    )
  }
  const bound = (app.server.address() as AddressInfo).port
  return {
    url: `${options.config?.tls === undefined ? 'http' : 'https'}://${formatHostPort({ host: host === '' ? '127.0.0.1' : host, port: bound })}`,
    stopAccepting: () => drain.stopAccepting(),
    finish: () => drain.finish(),
    close: async () => {
      drain.stopAccepting()
      drain.cut()
      await app.close()
    },
  }
}

/** One address even where the name has two: fastify would make a second server, which nobody could drain. */
function boundHost(host: string): string {
  if (host === '') return '::'
  return host.toLowerCase() === 'localhost' ? '127.0.0.1' : host
}

function buildApp(replica: Replica, options: WebOptions, listenHost: string): FastifyInstance {
  const startedAtMs = replica.clock.wallMs()
  const { encryption = new Encryption({ ring: undefined, verifyIncoming: true, verifyOutgoing: true }) } =
    options
  const { config, reload } = options
  const cluster = clusterView(replica, () => [
    ...encryption.warnings(),
    ...(config?.warnings() ?? []),
    ...(reload?.warnings() ?? []),
  ])
  const health = { ready: () => replica.readiness() }
  const { store, silences, alerts } = replica
  return buildHttp(
    {
      kv: store.kv,
      sets: store.sets,
      batches: store.batches,
      acks: replica.acks,
      watches: store.watches,
      cluster,
      membership: replica.entry,
      owner: (key) => replica.ownership.owner(key),
      gossipKeys: encryption,
      health,
      metrics: replicaMetrics(replica, cluster, encryption, config, reload),
      log: replica.log,
      wallMs: () => replica.clock.wallMs(),
      status: replicaStatus({ replica, cluster, encryption, config }),
      snapshot: () => store.snapshot(),
      ...(reload === undefined ? {} : { reload: () => reload.run() }),
      ...(config === undefined ? {} : { access: config }),
      alerting: {
        log: replica.notificationLog,
        claims: replica.claims,
        spread: (deltas, options) => spreadEntry(entrySpreadDeps(replica), deltas, options),
        labelHash: (labels) => labelHash(labels, replica.hash),
        silencedBy: (labels) => silences.matching(labels),
      },
      alertmanagerApi: alertmanagerApi({
        silences,
        alerts,
        receivers: () => replica.notifier.receivers(),
        log: replica.log,
        status: () => ({ cluster: alertmanagerCluster(replica), startedAtMs, hearsayVersion: VERSION }),
      }),
    },
    {
      version: VERSION,
      listenHost,
      externalUrl: options.externalUrl,
      routePrefix: options.routePrefix,
      ...(options.guards === undefined ? {} : { guards: options.guards }),
      ...(config?.tls === undefined ? {} : { tls: config.tls.serverOptions }),
      bodyBytesMax: Math.max(BODY_BYTES_MAX, store.limits.valueBytesMax),
      batchBodyBytesMax: batchBodyBytes(store.limits.batchBytesMax),
    },
  )
}

/** As Alertmanager shows it: alive and suspect members, and no name or peers without clustering. */
function alertmanagerCluster(replica: Replica): AlertmanagerStatus['cluster'] {
  const { gossip, name } = replica
  if (gossip === undefined) return { status: 'disabled', peers: [] }
  const peers = gossip
    .members()
    .filter(({ liveness }) => liveness === 'alive' || liveness === 'suspect')
    .map((member) => ({ name: member.name, address: endpointToText(member.endpoint) }))
  return { name, status: replica.settled ? 'ready' : 'settling', peers }
}
