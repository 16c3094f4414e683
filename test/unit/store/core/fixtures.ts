/** Short ways to say what a replica holds. */
import { type ActorId, actorId } from '../../../../src/base/names.ts'
import type { Dot } from '../../../../src/crdt/dot.ts'
import type { Delta, ForeignRecord, MapEntry, StoredValue } from '../../../../src/store/core/delta.ts'

export const A: ActorId = actorId('a'.repeat(32))
export const B: ActorId = actorId('b'.repeat(32))
export const NOW_MS = 1000
export const NOTHING: Delta = { puts: [], adds: [], covered: [], records: [] }

export function dot(n: number, actor: ActorId = A): Dot {
  return { actor, n }
}

export function text(value: string): StoredValue {
  return { contentType: 'text/plain', bytes: new TextEncoder().encode(value) }
}

/** @param value undefined: a tombstone */
export function entry(n: number, ms: number, value?: string, changes: Partial<MapEntry> = {}): MapEntry {
  return {
    dot: dot(n),
    stamp: { epoch: 0, ms, logical: 0, actor: A },
    value: value === undefined ? undefined : text(value),
    expiresAtMs: undefined,
    ...changes,
  }
}

export function put(key: string, held: MapEntry, map = 'm'): Delta {
  return { ...NOTHING, puts: [{ map, key, entry: held }] }
}

export function add(member: string, n: number, actor: ActorId = A, set = 's'): Delta {
  return { ...NOTHING, adds: [{ set, member, dot: dot(n, actor) }] }
}

export function covered(...dots: readonly Dot[]): Delta {
  return { ...NOTHING, covered: dots }
}

export function record(versionNs: bigint, value: string, expiresAtMs = 5000): ForeignRecord {
  return { versionNs, bytes: new TextEncoder().encode(value), expiresAtMs }
}
