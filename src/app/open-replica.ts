/**
 * hearsay as a library: a replica inside the caller's process, with the same state, gossip and durability as `serve`.
 *
 * Nothing happens on import. Several replicas may live in one process; `close()` leaves the process free to exit.
 */
import { type Logger, pino } from 'pino'
import { parseDuration } from '../base/duration.ts'
import type { Member } from '../gossip/core/delegate.ts'
import type { JoinResult } from '../gossip/io/gossip.ts'
import { Replica } from './replica.ts'
import { ReplicaMap } from './replica-map.ts'
import { ReplicaSet } from './replica-set.ts'
import { openWeb, type Web } from './web.ts'

export interface OpenReplicaOptions {
  /** Where the state lives, in a subfolder `hearsay`. Omitted: in memory only. */
  readonly dataDir?: string
  /** Name among the peers. Default: generated once and kept in `dataDir`. */
  readonly name?: string
  /** Keeps clusters apart by mistake; not a secret. Alertmanager's `--cluster.label`. */
  readonly label?: string
  /** Omitted: no peers, no sockets. */
  readonly gossip?: {
    /** `host:port`; port 0 draws a free one. */
    readonly listen: string
    /** `host:port` each. */
    readonly peers?: readonly string[]
    /** IP that others dial, when it is not the one listened on. */
    readonly advertise?: string
  }
  /** The HTTP API in this process. Omitted: none. */
  readonly http?: { readonly listen: string }
  /** Default: nothing is logged. */
  readonly log?: Logger
}

const RETENTION = '120h'
const MAX_CLOCK_SKEW = '10s'
const SETTLE_TIMEOUT = '60s'

export class EmbeddedReplica {
  readonly #replica: Replica
  readonly #web: Web | undefined

  constructor(replica: Replica, web: Web | undefined) {
    this.#replica = replica
    this.#web = web
  }

  get name(): string {
    return this.#replica.name
  }

  /** `http://host:port` of the HTTP API, if there is one. */
  get url(): string | undefined {
    return this.#web?.url
  }

  /** `host:port` that peers dial; undefined without gossip. */
  get gossipAddress(): string | undefined {
    return this.#replica.gossipAddress
  }

  /** @param V type of its values; not checked at run time */
  map<V>(name: string): ReplicaMap<V> {
    return new ReplicaMap(name, this.#replica.store.kv, this.#replica.clock)
  }

  /** @param M type of its members, always strings; not checked at run time */
  set<M extends string = string>(name: string): ReplicaSet<M> {
    return new ReplicaSet<M>(name, this.#replica.store.sets)
  }

  /** Members known, this one included; empty without gossip. */
  members(): readonly Member[] {
    return this.#replica.gossip?.members() ?? []
  }

  /** Exchanges state with further peers, `host:port` each. Never rejects for a peer's sake. */
  async join(addresses: readonly string[]): Promise<JoinResult> {
    return (await this.#replica.gossip?.join(addresses)) ?? { contacted: 0, failed: [] }
  }

  /** Whether this replica has exchanged state with every peer it could reach since it started, and why not. */
  readiness(): { readonly ready: boolean; readonly reasons: readonly string[] } {
    return this.#replica.readiness()
  }

  /** Leaves, finishes what waits, closes sockets and files. Idempotent. */
  async close(): Promise<void> {
    const closing = this.#replica.close()
    await this.#web?.close()
    await closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

/**
 * Resolves when the state is read and sockets are bound; `readiness()` says when peers have been heard.
 * @throws HearsayError with the code of what failed: `STORE_LOCKED`, `STORE_NOT_OURS`, `STORE_DAMAGED`,
 *   `STORE_UNREADABLE`, `GOSSIP_PORT_BUSY`, `HTTP_PORT_BUSY`, ...; nothing is left open then
 */
export async function openReplica(options: OpenReplicaOptions = {}): Promise<EmbeddedReplica> {
  const { dataDir, name, label = '', gossip, http, log = pino({ level: 'silent' }) } = options
  const replica = await Replica.open({
    ...(dataDir === undefined ? {} : { storagePath: dataDir }),
    ...(name === undefined ? {} : { name }),
    retentionMs: parseDuration(RETENTION),
    maxClockSkewMs: parseDuration(MAX_CLOCK_SKEW),
    settleTimeoutMs: parseDuration(SETTLE_TIMEOUT),
    ...(gossip === undefined ? {} : { gossip: { ...gossip, label } }),
    log: (node) => log.child({ node }),
  })
  try {
    const web =
      http === undefined
        ? undefined
        : await openWeb(replica, { ...http, externalUrl: undefined, routePrefix: '/' })
    replica.settle()
    return new EmbeddedReplica(replica, web)
  } catch (error) {
    await replica.close()
    throw error
  }
}
