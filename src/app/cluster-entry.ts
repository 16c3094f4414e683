/**
 * Leaving the cluster and entering it again, while the process runs.
 *
 * Who leaves says goodbye and is silent from then on: what is written here stays here, and what others write does not come.
 * Reads and writes are served from what is here; the replica is not ready, owns nothing, and takes no write that other
 * replicas are to have. It notifies nobody: what it is sending when it is told to leave comes to its end and is logged first,
 * while the others still hear of it. Who enters again announces itself, calls on the peers it knows, and is not ready until it
 * has heard them, as after a start.
 *
 * A leave is of this process: a restart enters. Both may be asked for at any time, also twice or at once; the last one asked
 * for holds.
 */
import { HearsayError } from '../base/errors.ts'
import { type Endpoint, endpointKey } from '../gossip/core/endpoint.ts'
import { endpointToText } from '../gossip/io/endpoint-text.ts'
import type { Gossip, JoinResult } from '../gossip/io/gossip.ts'
import type { RoomLog } from './room-log.ts'

/** Known members that are called on at once; the first to answer tells of the others. */
const MEMBERS_CALLED_MAX = 8

export interface ClusterEntryOptions {
  readonly gossip: Pick<Gossip, 'join' | 'leave' | 'lostPeers' | 'members' | 'rejoin'>
  /** Configured peers, host:port or a name alone. */
  readonly seeds: readonly string[]
  /** For peers to hear of a leave. */
  readonly leaveTimeoutMs: number
  /** Resolves when nothing is being sent any more, or has had its time. Never rejects. */
  readonly finishSends: () => Promise<void>
  /** In the same turn as the goodbye begins: what is known of the peers' states is of the past. */
  readonly departed: () => void
  /**
   * In the same turn as the announcement: readiness waits for what the peers hold, and first for those called, who may tell
   * of members that are not known here yet.
   */
  readonly entered: (called: Promise<unknown>) => void
  readonly log: Pick<RoomLog, 'info'>
}

export class ClusterEntry {
  readonly #options: ClusterEntryOptions
  #left = false
  #departed = false
  #leaving: Promise<void> = Promise.resolve()
  #closed = false

  constructor(options: ClusterEntryOptions) {
    this.#options = options
  }

  /** From the moment that a leave is asked for. */
  get left(): boolean {
    return this.#left
  }

  /** From the moment that the goodbye begins. */
  get departed(): boolean {
    return this.#departed
  }

  /** Resolves when the peers were told, or had their time. */
  async leave(): Promise<void> {
    if (!this.#left) {
      this.#left = true
      this.#options.log.info('cluster_left', {})
      this.#leaving = this.#depart()
    }
    await this.#leaving
  }

  async #depart(): Promise<void> {
    const { gossip, finishSends, leaveTimeoutMs, departed } = this.#options
    await finishSends()
    // Taken back meanwhile.
    if (!this.#left) return
    this.#departed = true
    const told = gossip.leave(leaveTimeoutMs)
    departed()
    await told
  }

  /**
   * Takes a leave back and calls on peers. Never rejects for a peer's sake.
   * @param peers addresses to call; default the configured peers, some of the members known, and of the lost
   * @throws HearsayError `GOSSIP_NOT_RUNNING` while this replica stops
   */
  async join(peers?: readonly string[]): Promise<JoinResult> {
    if (this.#closed) throw new HearsayError('GOSSIP_NOT_RUNNING', 'this replica is stopping')
    const { gossip, entered, log } = this.#options
    const called = peers ?? this.#known()
    if (!this.#left) return gossip.join(called)
    this.#left = false
    this.#departed = false
    gossip.rejoin()
    log.info('cluster_entered', {})
    const calling = gossip.join(called)
    entered(calling)
    return calling
  }

  /** The replica stops and says goodbye itself: nobody enters any more. */
  close(): void {
    this.#closed = true
  }

  #known(): readonly string[] {
    const { gossip, seeds } = this.#options
    const live = gossip
      .members()
      .filter(({ isSelf, liveness }) => !isSelf && (liveness === 'alive' || liveness === 'suspect'))
    const known = new Map<string, Endpoint>()
    for (const { endpoint } of [...live, ...gossip.lostPeers()]) known.set(endpointKey(endpoint), endpoint)
    return [...seeds, ...[...known.values()].slice(0, MEMBERS_CALLED_MAX).map(endpointToText)]
  }
}
