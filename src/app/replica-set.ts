/** A named add-wins set of strings as a library object. */
import type { StringSets } from '../store/string-sets.ts'

export class ReplicaSet<M extends string> {
  readonly #name: string
  readonly #sets: StringSets

  constructor(name: string, sets: StringSets) {
    this.#name = name
    this.#sets = sets
  }

  /** Resolves once fsynced here. An add that is concurrent with a removal elsewhere wins. @returns whether it was absent */
  async add(member: M): Promise<boolean> {
    return (await this.#sets.add(this.#name, member)).added
  }

  /** @returns whether it was present */
  async remove(member: M): Promise<boolean> {
    return (await this.#sets.remove(this.#name, member)).existed
  }

  has(member: M): boolean {
    return this.#sets.has(this.#name, member)
  }

  /** Sorted. */
  members(): readonly M[] {
    return this.#sets.members(this.#name) as readonly M[]
  }
}
