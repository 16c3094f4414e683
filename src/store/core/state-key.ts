/** Names one independently stored piece of a replica's state: what a change touched, and what a disk record holds. */
export type StateKey =
  | { readonly kind: 'entry'; readonly map: string; readonly key: string }
  | { readonly kind: 'member'; readonly set: string; readonly member: string }
  | { readonly kind: 'record'; readonly table: string; readonly key: string }

/** A string equal for equal keys only. Lengths keep names with any characters apart. */
export function stateKeyName(key: StateKey): string {
  if (key.kind === 'entry') return `e${key.map.length}:${key.map}${key.key}`
  if (key.kind === 'member') return `m${key.set.length}:${key.set}${key.member}`
  return `r${key.table.length}:${key.table}${key.key}`
}
