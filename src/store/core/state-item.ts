/**
 * An item: the unit that digests count and anti-entropy compares. One map entry (tombstones included), one live dot of a
 * set element, or one foreign record is one item.
 *
 * Its hash is 64 bits as two unsigned halves. `hi` is taken over what a join tells items apart by: map, key and dot of an
 * entry, the dot of a set element, table and key of a record. `lo` is taken over all the rest as well. So two items with
 * one `hi` and different `lo` are two contents under one name: a dot used twice by clones, or two versions of a record.
 * Neither side may take the other's absence for a removal then (peers.md 3a, pitfall 6).
 */
import type { Dot } from '../../crdt/dot.ts'
import type { ItemHash } from '../../crdt/sketch.ts'
import type { StateKey } from './state-key.ts'

export type { ItemHash }

export interface StateItem extends ItemHash {
  readonly key: StateKey
  /** Undefined for a foreign record, which has none. */
  readonly dot: Dot | undefined
}
