/** StringSets over the commit queue. An add is always written, present or not: see Stage.addMember. */
import type { NamePage, NameQuery } from './core/first-names.ts'
import { checkRoom, checkText, OPERATION_BYTES, type StoreLimits } from './store-limits.ts'
import type { StoreParts } from './store-parts.ts'
import type { AddResult, RemoveResult, StringSets } from './string-sets.ts'

export class StringSetStore implements StringSets {
  readonly #parts: StoreParts

  constructor(parts: StoreParts) {
    this.#parts = parts
  }

  async add(set: string, member: string): Promise<AddResult> {
    const { committer, limits, entries } = this.#parts
    const bytes = checkMemberNames(set, member, limits) + OPERATION_BYTES
    const { result: added, deltas } = await committer.write((stage) => {
      if (!stage.hasMember(set, member)) checkRoom(entries(), limits)
      return stage.addMember(set, member)
    }, bytes)
    return { added, deltas }
  }

  async remove(set: string, member: string): Promise<RemoveResult> {
    const { committer, limits, removals } = this.#parts
    const bytes = checkMemberNames(set, member, limits) + OPERATION_BYTES
    const { result: existed, deltas } = await committer.write(
      (stage) => stage.removeMember(set, member),
      bytes,
    )
    if (!existed) return { existed, deltas: removals.of(set, member) }
    removals.remember(set, member, deltas)
    return { existed, deltas }
  }

  has(set: string, member: string): boolean {
    return this.#parts.state.hasMember(set, member)
  }

  members(set: string): readonly string[] {
    return this.#parts.state.members(set)
  }

  page(set: string, query: NameQuery): NamePage {
    return this.#parts.state.memberPage(set, query)
  }

  sets(): readonly { readonly name: string; readonly count: number }[] {
    return this.#parts.state.sets()
  }
}

/** @returns their bytes. @throws HearsayError `STORE_KEY_MALFORMED`, `STORE_KEY_TOO_LARGE` */
export function checkMemberNames(set: string, member: string, limits: StoreLimits): number {
  return checkText('set', set, limits.nameBytesMax) + checkText('member', member, limits.keyBytesMax)
}
