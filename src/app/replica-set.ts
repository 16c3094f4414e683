/** A named add-wins set of strings as a library object. */
import type { Acknowledgements } from '../store/core/acknowledgement.ts'
import type { StringSets } from '../store/string-sets.ts'
import type { Watches } from '../store/watches.ts'
import type { DeleteResult } from './replica-map.ts'
import { type Gap, type WatchOptions, watchStream } from './watch-stream.ts'
import { type Acknowledged, acknowledged, type WriteOptions } from './write-options.ts'

/** What `set.add` resolves to. */
export interface AddResult extends Acknowledged {
  /** Whether it was absent. */
  readonly added: boolean
}

/** What became of a member, as `set.watch` tells it. It holds after the change, and may be told again. */
export type SetChange<M extends string> =
  | {
      readonly type: 'add' | 'remove'
      readonly member: M
      /** For `after` of a later watch. */
      readonly cursor: string
    }
  | Gap

/** What a set is made of. */
export interface SetParts {
  readonly sets: StringSets
  readonly watches: Watches
  readonly acks: Acknowledgements
}

/** One named set. `replica.set` gives as many of the same name as asked for; they are one set. */
export class ReplicaSet<M extends string = string> {
  readonly #name: string
  readonly #parts: SetParts

  /** Made by `replica.set`. */
  constructor(name: string, parts: SetParts) {
    this.#name = name
    this.#parts = parts
  }

  /**
   * Resolves once fsynced here, and elsewhere with `ack`. An add that is concurrent with a removal elsewhere wins.
   * @throws as `map.set`
   */
  async add(member: M, options: WriteOptions = {}): Promise<AddResult> {
    const { sets, acks } = this.#parts
    const done = await acknowledged(acks, options, () => sets.add(this.#name, member))
    return { added: done.written.added, ...done.acknowledged }
  }

  /** Removes the adds that are known here; one that is not survives. Resolves and throws as `add`. */
  async remove(member: M, options: WriteOptions = {}): Promise<DeleteResult> {
    const { sets, acks } = this.#parts
    const done = await acknowledged(acks, options, () => sets.remove(this.#name, member))
    return { existed: done.written.existed, ...done.acknowledged }
  }

  /** Whether it is in the set, as known here. */
  has(member: M): boolean {
    return this.#parts.sets.has(this.#name, member)
  }

  /** Sorted by UTF-16 code units. */
  members(): readonly M[] {
    return this.#parts.sets.members(this.#name) as readonly M[]
  }

  /** What changes; everything as `map.watch`, with `members` in place of `entries`. */
  watch(options: WatchOptions = {}): AsyncIterableIterator<SetChange<M>> {
    return watchStream(this.#parts.watches, { set: this.#name }, options, (change, cursor) =>
      'set' in change ? { type: change.type, member: change.member as M, cursor } : undefined,
    )
  }
}
