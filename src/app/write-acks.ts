/**
 * The write concern of a running replica: the machinery of store/replication/write-concern.ts with the real store, real
 * members and one timer, armed for the next deadline.
 */
import type { Clock } from '../base/clock.ts'
import { HearsayError } from '../base/errors.ts'
import type { Random } from '../base/random.ts'
import type { Broadcaster } from '../gossip/core/delegate.ts'
import type { KnownPeer } from '../gossip/core/reconnect.ts'
import type {
  Ack,
  Acknowledgements,
  AckPlan,
  AckResult,
  WriteConcernStats,
} from '../store/core/acknowledgement.ts'
import type { Delta } from '../store/core/delta.ts'
import { holdsDelta } from '../store/held-delta.ts'
import { WriteConcern } from '../store/replication/write-concern.ts'
import type { StateStore } from '../store/state-store.ts'

export interface WriteAcksOptions {
  readonly name: string
  readonly clock: Clock
  readonly random: Random
  readonly store: StateStore
  readonly broadcaster: Pick<Broadcaster, 'members' | 'sendReliable'>
  /** Members that gossip lists no more but still misses. */
  readonly lost: () => readonly KnownPeer[]
  /** Whether this replica has left its cluster: no other counts it, and none would answer. */
  readonly hasLeft: () => boolean
  /** Joins a delta of another replica as if it had come by gossip. */
  readonly receive: (delta: Delta) => void
  readonly note: (event: string, fields: Readonly<Record<string, string | number>>) => void
}

export class WriteAcks implements Acknowledgements {
  readonly #concern: WriteConcern
  readonly #clock: Clock
  readonly #hasLeft: () => boolean
  #timer: NodeJS.Timeout | undefined
  /** What the timer is armed for. */
  #armedMs = Number.POSITIVE_INFINITY
  #closed = false

  constructor(options: WriteAcksOptions) {
    const { name, clock, random, store, broadcaster, lost, receive, note } = options
    this.#clock = clock
    this.#hasLeft = options.hasLeft
    this.#concern = new WriteConcern({
      name,
      random,
      broadcaster,
      lost,
      receive,
      holds: (delta) => holdsDelta(store, delta),
      durable: (done) => store.durable(done),
      note,
    })
  }

  get stats(): WriteConcernStats {
    return this.#concern.stats
  }

  plan(ack: Ack): AckPlan {
    if (ack !== 'local' && ack !== 1 && this.#hasLeft()) {
      throw new HearsayError(
        'ACK_UNREACHABLE',
        `ack=${ack} needs other replicas, and this one has left the cluster`,
      )
    }
    return this.#concern.plan(ack)
  }

  confirm(plan: AckPlan, deltas: readonly Delta[], timeoutMs: number): Promise<AckResult> {
    return new Promise((resolve) => {
      this.#concern.confirm(plan, deltas, this.#clock.monotonicMs(), timeoutMs, resolve)
      if (this.#closed) this.#concern.close()
      else this.#arm()
    })
  }

  /** A frame of the write concern, from a peer. */
  heard(frame: Uint8Array): void {
    this.#concern.heard(frame)
  }

  /** Whoever waits is told what has been reached. Idempotent. */
  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
    this.#concern.close()
  }

  #arm(): void {
    const dueMs = this.#concern.dueMs
    if (dueMs === undefined || dueMs >= this.#armedMs) return
    clearTimeout(this.#timer)
    this.#armedMs = dueMs
    // Rounded up: a timer that fires early would be armed again for a fraction of a millisecond.
    const waitMs = Math.max(0, Math.ceil(dueMs - this.#clock.monotonicMs()))
    this.#timer = setTimeout(() => {
      this.#armedMs = Number.POSITIVE_INFINITY
      this.#concern.tick(this.#clock.monotonicMs())
      this.#arm()
    }, waitMs)
  }
}
