/** The add-wins OR-sets of a replica: sets of strings. Writes resolve once fsynced; errors as key-value.ts. */
import type { NamePage, NameQuery } from './core/first-names.ts'
import type { Committed } from './key-value.ts'

export interface AddResult extends Committed {
  readonly added: boolean
}

export interface RemoveResult extends Committed {
  readonly existed: boolean
}

export interface StringSets {
  add(set: string, member: string): Promise<AddResult>
  /** When there was nothing to remove, `deltas` are those of the last removal made here, if it is remembered. */
  remove(set: string, member: string): Promise<RemoveResult>
  has(set: string, member: string): boolean
  /** Sorted by UTF-16 code units. */
  members(set: string): readonly string[]
  /** Some of them, in the same order. */
  page(set: string, query: NameQuery): NamePage
  /** Sets that have at least one member, by name. */
  sets(): readonly { readonly name: string; readonly count: number }[]
}
