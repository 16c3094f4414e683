/** What a schedule needs of a replica, so that production code, a plain model and broken models can all be tried. */

import type { ActorId } from '../../src/base/names.ts'
import { CommitQueue } from '../../src/store/core/commit-queue.ts'
import type { Delta, FullState } from '../../src/store/core/delta.ts'
import type { Stage } from '../../src/store/core/operation.ts'
import { ReplicaState } from '../../src/store/core/replica-state.ts'
import { joinFull, sideOf } from '../../src/testing/full-join.ts'

export const FAR_MS = 1_000_000_000

export interface Replica {
  put(map: string, key: string, text: string, nowMs: number): Delta
  /** An empty delta when there is nothing to delete. */
  delete(map: string, key: string, nowMs: number): Delta
  add(set: string, member: string, nowMs: number): Delta
  remove(set: string, member: string, nowMs: number): Delta
  record(table: string, key: string, versionNs: bigint, text: string, nowMs: number): Delta
  join(delta: Delta, nowMs: number): Delta
  joinFull(full: FullState, nowMs: number): void
  fullState(): FullState
  /** Forgets every tombstone, as collection without any grace would. */
  dropTombstones(): void
}

export const NOTHING: Delta = { puts: [], adds: [], covered: [], records: [] }

/** The production state, written through the production commit queue with a disk that never fails. */
export class RealReplica implements Replica {
  readonly #actor: ActorId
  #n = 0
  #state = new ReplicaState()
  #queue: CommitQueue

  constructor(actor: ActorId) {
    this.#actor = actor
    this.#queue = this.#newQueue()
  }

  put(map: string, key: string, text: string, nowMs: number): Delta {
    const value = { contentType: 'text/plain', bytes: new TextEncoder().encode(text) }
    return this.#write(nowMs, (stage) => stage.put(map, key, value, undefined))
  }

  delete(map: string, key: string, nowMs: number): Delta {
    return this.#write(nowMs, (stage) => stage.delete(map, key))
  }

  add(set: string, member: string, nowMs: number): Delta {
    return this.#write(nowMs, (stage) => stage.addMember(set, member))
  }

  remove(set: string, member: string, nowMs: number): Delta {
    return this.#write(nowMs, (stage) => stage.removeMember(set, member))
  }

  record(table: string, key: string, versionNs: bigint, text: string, nowMs: number): Delta {
    const record = { versionNs, bytes: new TextEncoder().encode(text), expiresAtMs: FAR_MS }
    return this.#write(nowMs, (stage) => stage.putRecord(table, key, record))
  }

  join(delta: Delta, nowMs: number): Delta {
    return this.#queue.join(delta, nowMs)
  }

  joinFull(full: FullState, nowMs: number): void {
    joinFull(
      {
        scan: () => this.#state.scan(),
        retire: (items, theirs) => this.#queue.retire(items, theirs),
        join: (delta, theirs) => this.#queue.join(delta, nowMs, theirs),
        unite: (theirs) => this.#queue.unite(theirs),
      },
      full,
    )
  }

  fullState(): FullState {
    return this.#state.fullState()
  }

  dropTombstones(): void {
    const full = this.#state.fullState()
    this.#state = new ReplicaState()
    joinFull(sideOf(this.#state, FAR_MS), {
      ...full,
      puts: full.puts.filter(({ entry }) => entry.value !== undefined),
    })
    this.#queue = this.#newQueue()
  }

  #newQueue(): CommitQueue {
    return new CommitQueue(this.#state, { nextDot: () => ({ actor: this.#actor, n: ++this.#n }) })
  }

  #write(nowMs: number, run: (stage: Stage) => unknown): Delta {
    let failure: Error | undefined
    this.#queue.submit({
      run: (stage) => void run(stage),
      done: (outcome) => {
        if (!outcome.ok) failure = outcome.error
      },
    })
    const committed = this.#queue.begin(nowMs) && this.#queue.finish({ ok: true }, nowMs).committed
    if (failure !== undefined) throw failure
    return committed?.[0] ?? NOTHING
  }
}
