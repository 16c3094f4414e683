/** The add-wins OR-sets of a replica: sets of strings. Writes resolve once fsynced; errors as key-value.ts. */
export interface StringSets {
  add(set: string, member: string): Promise<{ readonly added: boolean }>
  remove(set: string, member: string): Promise<{ readonly existed: boolean }>
  has(set: string, member: string): boolean
  /** Sorted by UTF-16 code units. */
  members(set: string): readonly string[]
  /** Sets that have at least one member, by name. */
  sets(): readonly { readonly name: string; readonly count: number }[]
}
