/** A replica inside the caller's process, as the library gives it: its maps, sets and silences, its peers, its end. */
import { HearsayError } from '../base/errors.ts'
import { endpointToText } from '../gossip/io/endpoint-text.ts'
import type { JoinResult } from '../gossip/io/gossip.ts'
import type { Keyring } from '../gossip/wire/keyring.ts'
import { abortable } from './abortable.ts'
import { closeInOrder } from './close-in-order.ts'
import type { OwnerChange } from './ownership.ts'
import type { Replica } from './replica.ts'
import { ReplicaAlerts } from './replica-alerts.ts'
import { ReplicaKeys } from './replica-keys.ts'
import { ReplicaMap } from './replica-map.ts'
import { ReplicaNotifications } from './replica-notifications.ts'
import { entrySpreadDeps } from './replica-notifier.ts'
import { ReplicaSet } from './replica-set.ts'
import { ReplicaSilences } from './replica-silences.ts'
import type { Web } from './web.ts'

/** What waits for something takes. */
export interface WaitOptions {
  /** Ends the waiting: the promise rejects, or the iteration throws, with the signal's reason. */
  readonly signal?: AbortSignal
}

/** Whether a replica is fit to serve, and why not. */
export interface ReplicaReadiness {
  readonly ready: boolean
  /** One sentence each; empty when ready. */
  readonly reasons: readonly string[]
}

/** One member of the cluster, as this replica sees it. */
export interface ReplicaMember {
  readonly name: string
  /** `host:port` that others dial. */
  readonly address: string
  /** `suspect`: it did not answer, and may still say that it is alive. `left`: it said goodbye; `dead`: it did not. */
  readonly liveness: 'alive' | 'suspect' | 'dead' | 'left'
  /** `native`: a hearsay replica; `foreign`: any other memberlist program, such as an Alertmanager. */
  readonly peerClass: 'native' | 'foreign'
  readonly incarnation: number
  /** Round trip of the last probe that was answered; undefined before the first. */
  readonly rttMs: number | undefined
  readonly isSelf: boolean
}

/** One replica of the state; `openReplica` makes it. */
export class EmbeddedReplica {
  /** Silences of the cluster. */
  readonly silences: ReplicaSilences
  /** Notifications of the cluster. */
  readonly notifications: ReplicaNotifications
  /** Alerts of this replica. */
  readonly alerts: ReplicaAlerts
  /** Gossip keys of this replica. */
  readonly keys: ReplicaKeys
  readonly #replica: Replica
  readonly #web: Web | undefined
  readonly #settled: Promise<void>
  /** Resolves when `close` is called. */
  readonly #leaving: Promise<void>
  #leave: () => void = () => undefined
  #closing: Promise<void> | undefined

  /** Made by `openReplica`. */
  constructor(replica: Replica, web: Web | undefined, ring: Keyring | undefined, settled: Promise<void>) {
    this.keys = new ReplicaKeys(ring)
    this.#replica = replica
    this.#web = web
    this.#settled = settled
    this.#leaving = new Promise((resolve) => {
      this.#leave = resolve
    })
    this.silences = new ReplicaSilences(replica.silences)
    const { notifier: driver, notificationLog: log, clock, hash } = replica
    this.notifications = new ReplicaNotifications({
      driver,
      log,
      spread: entrySpreadDeps(replica),
      clock,
      hash,
    })
    this.alerts = new ReplicaAlerts(replica.alerts, replica.alertsPosted)
  }

  /** Name among the peers. */
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

  /**
   * A map of values under keys; there are as many as are named, and none has to be made.
   * @param V type of its values; not checked at run time
   */
  map<V>(name: string): ReplicaMap<V> {
    const { store, acks, clock } = this.#replica
    return new ReplicaMap<V>(name, { kv: store.kv, watches: store.watches, acks, clock })
  }

  /**
   * A set of strings.
   * @param M type of its members, always strings; not checked at run time
   */
  set<M extends string = string>(name: string): ReplicaSet<M> {
    const { store, acks } = this.#replica
    return new ReplicaSet<M>(name, { sets: store.sets, watches: store.watches, acks })
  }

  /**
   * Name of the live replica that is responsible for a piece of work: the same on all that know the same members. Ask
   * `ready` first: until then only those are known that have been heard of. No lock: see docs/reference/embedding.md.
   */
  owner(key: string): string {
    return this.#replica.ownership.owner(key)
  }

  /** Whether that is this replica. */
  isOwner(key: string): boolean {
    return this.owner(key) === this.name
  }

  /** The owner of a key as it is, then each time it changes, until the loop is left, the signal aborts, or `close`. */
  ownerChanges(key: string, { signal }: WaitOptions = {}): AsyncIterableIterator<OwnerChange> {
    return this.#replica.ownership.changes(key, signal)
  }

  /** Members known, this one included; empty without gossip. */
  members(): readonly ReplicaMember[] {
    const members = this.#replica.gossip?.members() ?? []
    return members.map(({ name, endpoint, liveness, peerClass, incarnation, rttMs, isSelf }) => {
      return { name, address: endpointToText(endpoint), liveness, peerClass, incarnation, rttMs, isSelf }
    })
  }

  /**
   * Exchanges state with further peers, `host:port` each. Never rejects for a peer's sake; the result says who failed.
   * @throws the reason of `signal`; an exchange that runs then ends by itself
   */
  join(addresses: readonly string[], { signal }: WaitOptions = {}): Promise<JoinResult> {
    const { entry } = this.#replica
    const nobody = { contacted: 0, reached: [], failed: [] }
    return abortable(entry?.join(addresses) ?? Promise.resolve(nobody), signal)
  }

  /**
   * Resolves when this replica has settled: it has exchanged state with every peer it could reach since it started, or
   * has given up waiting for one that did not answer in 60 s. At once without gossip.
   * @throws HearsayError `STORE_CLOSED` when it is closed before; the reason of `signal`
   */
  async ready({ signal }: WaitOptions = {}): Promise<void> {
    // Settling may go on for a while after `close`, on timers that hold no process.
    await abortable(Promise.race([this.#settled, this.#leaving]), signal)
    if (this.#closing !== undefined) throw new HearsayError('STORE_CLOSED', 'this replica is closed')
  }

  /** Whether it is fit to serve just now: settled, its store writable, its clock right, not closing. */
  readiness(): ReplicaReadiness {
    return this.#replica.readiness()
  }

  /** Ends watches, leaves, finishes what waits, closes sockets and files; the process is free to exit. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  /** `await using replica = await openReplica()` closes it at the end of the block. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    this.#leave()
    await closeInOrder({ replica: this.#replica, web: this.#web }, this.#replica.clock)
  }
}
