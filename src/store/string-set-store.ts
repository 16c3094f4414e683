/** StringSets over the commit queue. An add is always written, present or not: see Stage.addMember. */
import { checkRoom, checkText } from './store-limits.ts'
import type { StoreParts } from './store-parts.ts'
import type { AddResult, RemoveResult, StringSets } from './string-sets.ts'

export class StringSetStore implements StringSets {
  readonly #parts: StoreParts

  constructor(parts: StoreParts) {
    this.#parts = parts
  }

  async add(set: string, member: string): Promise<AddResult> {
    const { committer, limits, entries } = this.#parts
    this.#checkNames(set, member)
    const { result: added, deltas } = await committer.write((stage) => {
      if (!stage.hasMember(set, member)) checkRoom(entries(), limits)
      return stage.addMember(set, member)
    })
    return { added, deltas }
  }

  async remove(set: string, member: string): Promise<RemoveResult> {
    this.#checkNames(set, member)
    const { result: existed, deltas } = await this.#parts.committer.write((stage) =>
      stage.removeMember(set, member),
    )
    return { existed, deltas }
  }

  has(set: string, member: string): boolean {
    return this.#parts.state.hasMember(set, member)
  }

  members(set: string): readonly string[] {
    return this.#parts.state.members(set)
  }

  sets(): readonly { readonly name: string; readonly count: number }[] {
    return this.#parts.state.sets()
  }

  #checkNames(set: string, member: string): void {
    checkText('set', set, this.#parts.limits.nameBytesMax)
    checkText('member', member, this.#parts.limits.keyBytesMax)
  }
}
