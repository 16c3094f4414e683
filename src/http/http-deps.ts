/** What the HTTP app is built from. The composition root provides all of it; the app opens and closes none of it. */
import type { ServerOptions } from 'node:https'
import type { FastifyPluginAsync } from 'fastify'
import type { Logger } from 'pino'
import type { EntrySpread, EntrySpreadOptions } from '../alerting/entry-spread.ts'
import type { NotificationLog } from '../alerting/notification-log.ts'
import type { Batches } from '../store/batch.ts'
import type { Acknowledgements } from '../store/core/acknowledgement.ts'
import type { Delta } from '../store/core/delta.ts'
import type { KeyValue } from '../store/key-value.ts'
import type { StringSets } from '../store/string-sets.ts'
import type { Claims, ClusterView, GossipKeys, HealthView, Membership } from './facades.ts'
import type { GuardLimits } from './guards/guard-limits.ts'
import type { MetricsRegistry } from './metrics/registry.ts'
import type { ReloadReport } from './routes/reload.ts'
import type { WatchBounds } from './watch/watch-bounds.ts'
import type { WatchSource } from './watch/watch-source.ts'
import type { WebAccess } from './web-access.ts'

export interface HttpDeps {
  readonly kv: KeyValue
  readonly sets: StringSets
  readonly batches: Batches
  readonly acks: Acknowledgements
  /** For `/api/v1/watch`. */
  readonly watches: WatchSource
  readonly cluster: ClusterView
  /** Undefined without clustering. */
  readonly membership?: Membership | undefined
  /** Name of the replica that is responsible for a key. */
  readonly owner: (key: string) => string
  /** For `/api/v1/cluster/keys`. */
  readonly gossipKeys?: GossipKeys
  readonly health: HealthView
  readonly metrics: MetricsRegistry
  readonly log: Logger
  /** Wall clock in ms; a TTL becomes an absolute time by it. */
  readonly wallMs: () => number
  /** Body of `GET /api/v1/status`: JSON values only. */
  readonly status: () => Readonly<Record<string, unknown>>
  /** Body of `GET /api/v1/snapshot`. */
  readonly snapshot: () => AsyncIterable<Uint8Array>
  /** For the routes of silences, notifications and claims under `/api/v1`. */
  readonly alerting?: AlertingDeps
  /** Who may come in; left out: everybody. */
  readonly access?: WebAccess
  /** For `POST /-/reload`. */
  readonly reload?: () => Promise<ReloadReport>
  /** Registered under `/api/v2`. */
  readonly alertmanagerApi?: FastifyPluginAsync
}

export interface AlertingDeps {
  readonly log: NotificationLog
  readonly claims: Claims
  /** Gives others their time to have an entry that is durable here (alerting/entry-spread.ts). */
  readonly spread: (deltas: readonly Delta[], options: EntrySpreadOptions) => Promise<EntrySpread>
  /** The hash by which the log knows an alert. */
  readonly labelHash: (labels: Readonly<Record<string, string>>) => bigint
  /** Ids of the silences that mute these labels now, sorted. */
  readonly silencedBy: (labels: Readonly<Record<string, string>>) => readonly string[]
}

export interface HttpOptions {
  /** Shown on `/` and in nothing else. */
  readonly version: string
  /** Host of the listen address; empty or unspecified means every address of this machine. */
  readonly listenHost: string
  readonly externalUrl: string | undefined
  /** Before every route; `/` for none. */
  readonly routePrefix: string
  /** Served over TLS with these; left out: in the clear. */
  readonly tls?: ServerOptions
  /** Largest body; default 1 MiB. */
  readonly bodyBytesMax?: number
  /** Largest body of a batch; default 6 MiB. */
  readonly batchBodyBytesMax?: number
  /** Of watches, where other than WATCH_BOUNDS. */
  readonly watch?: Partial<WatchBounds>
  /** What clients may cost; default GUARD_DEFAULTS. */
  readonly guards?: Partial<GuardLimits>
}
