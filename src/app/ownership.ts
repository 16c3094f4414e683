/**
 * Who is responsible for a piece of work: one of the live hearsay replicas, by rendezvous hash (base/rendezvous.ts).
 *
 * Live is who is a hearsay member and neither dead nor left, this replica included. A suspected one still counts: most
 * suspicions are refuted within a second or two, and work that moved would move back. So the work of a killed process
 * moves when its peers declare it dead (some seconds), that of one which leaves at once.
 *
 * All replicas that know the same members agree. While they do not (a change on its way, a partition) two may hold
 * themselves responsible for one key, or for a moment none: it is for dividing work, not for excluding others from it.
 */
import { rendezvousOwner } from '../base/rendezvous.ts'
import type { Member } from '../gossip/core/delegate.ts'
import type { ChangeStream } from './change-stream.ts'
import { LatestValues } from './latest-values.ts'

/** Who is responsible from now on. */
export interface OwnerChange {
  /** Name of a replica. */
  readonly owner: string
  readonly isSelf: boolean
}

export class Ownership {
  readonly #name: string
  readonly #members: () => readonly Member[]
  readonly #values = new LatestValues()

  /** @param members all that are known, ourselves included; none without gossip */
  constructor(name: string, members: () => readonly Member[]) {
    this.#name = name
    this.#members = members
  }

  /** Streams that wait for a change. */
  get waiting(): number {
    return this.#values.waiting
  }

  /** Name of the replica that is responsible; ourselves when nobody else is known. */
  owner(key: string): string {
    const live = this.#members().filter(isLiveReplica)
    return (
      rendezvousOwner(
        key,
        live.map(({ name }) => name),
      ) ?? this.#name
    )
  }

  /** The owner as it is, then each other one. Who is slow misses those in between, never the last. */
  changes(key: string, signal: AbortSignal | undefined): ChangeStream<OwnerChange> {
    const told = (owner: string): OwnerChange => ({ owner, isSelf: owner === this.#name })
    return this.#values.stream(() => this.owner(key), told, signal)
  }

  /** To be called after each change of the members. */
  membersChanged(): void {
    this.#values.changed()
  }

  /** Ends all streams. */
  close(): void {
    this.#values.close()
  }
}

function isLiveReplica({ peerClass, liveness, isSelf }: Member): boolean {
  return (isSelf || peerClass === 'native') && (liveness === 'alive' || liveness === 'suspect')
}
