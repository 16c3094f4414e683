/**
 * What changed: the unit that is committed, gossiped and merged. A delta lists explicit dots only, never a whole
 * version vector, so that it survives loss, duplication and reordering (peers.md 3a). Joining two deltas is a delta.
 */

import type { CausalContext } from '../../crdt/context.ts'
import type { Dot } from '../../crdt/dot.ts'
import type { LwwEntry } from '../../crdt/lww-map.ts'
import type { LiveDot } from '../../crdt/or-set.ts'

/** Bytes as a client gave them, with their media type. Empty bytes are a value like any other. */
export interface StoredValue {
  readonly contentType: string
  readonly bytes: Uint8Array
}

/** One LWW entry. `value` undefined is a tombstone. */
export interface MapEntry extends LwwEntry {
  readonly value: StoredValue | undefined
  /** Absolute wall time in ms; part of the entry, so every replica expires it alike. */
  readonly expiresAtMs: number | undefined
}

export interface MapPut {
  readonly map: string
  readonly key: string
  readonly entry: MapEntry
}

export interface SetAdd extends LiveDot {}

/**
 * A dot-less LWW record, for state that is also written by foreign peers (silences, notification log). Order: version,
 * then bytes; so all hearsay replicas agree on ties where Alertmanager's do not.
 */
export interface ForeignRecord {
  /** `updated_at` or `timestamp` in ns since 1970. */
  readonly versionNs: bigint
  /** The record as it stands on the foreign wire, canonically encoded; opaque to the store. */
  readonly bytes: Uint8Array
  /** Wall ms after which it is gone, here and as input. */
  readonly expiresAtMs: number
}

export interface RecordPut {
  readonly table: string
  readonly key: string
  readonly record: ForeignRecord
}

export interface Delta {
  readonly puts: readonly MapPut[]
  readonly adds: readonly SetAdd[]
  /** Dots whose write or element is superseded or removed. */
  readonly covered: readonly Dot[]
  readonly records: readonly RecordPut[]
}

/** Everything a replica holds. Only a complete state may carry the context (peers.md 3a pitfall 1). */
export interface FullState {
  readonly context: CausalContext
  readonly puts: readonly MapPut[]
  readonly adds: readonly SetAdd[]
  readonly records: readonly RecordPut[]
}

export function isEmptyDelta(delta: Delta): boolean {
  return delta.puts.length + delta.adds.length + delta.covered.length + delta.records.length === 0
}
