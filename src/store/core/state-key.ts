/** Names one independently stored piece of a replica's state: what a change touched, and what a disk record holds. */
export type StateKey =
  | { readonly kind: 'entry'; readonly map: string; readonly key: string }
  | { readonly kind: 'member'; readonly set: string; readonly member: string }
  | { readonly kind: 'record'; readonly table: string; readonly key: string }
