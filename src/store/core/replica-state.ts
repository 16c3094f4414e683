/**
 * All the state of one replica, in memory: maps, sets and foreign records under one causal context and one clock.
 */
import type { CausalContext } from '../../crdt/context.ts'
import type { ClockState } from '../../crdt/hlc.ts'
import type { Delta, ForeignRecord, FullState, MapEntry } from './delta.ts'
import type { StateKey } from './state-key.ts'

export interface ReplicaStateOptions {
  /** Stamps further ahead than this do not move our clock. Default 10 s (--cluster.max-clock-skew). */
  readonly maxClockSkewMs?: number
}

export interface JoinOutcome {
  /** The part that was new here. */
  readonly effective: Delta
  /** What a reader or the disk would see differently now. */
  readonly changed: readonly StateKey[]
}

export interface ListQuery {
  readonly prefix?: string
  /** Exclusive. */
  readonly after?: string
  readonly limit: number
}

export interface EntryPage {
  readonly items: readonly (readonly [key: string, entry: MapEntry])[]
  /** Pass as `after` for the next page; undefined on the last one. */
  readonly next: string | undefined
}

export interface StateCounts {
  /** Entries with a value, not expired. */
  readonly values: number
  readonly tombstones: number
  readonly setMembers: number
  readonly records: number
  readonly contextActors: number
  readonly contextHoles: number
}

export class ReplicaState {
  constructor(_options: ReplicaStateOptions = {}) {
    throw new Error('being written')
  }

  get context(): CausalContext {
    throw new Error('being written')
  }

  get clock(): ClockState {
    throw new Error('being written')
  }

  /** The entry a reader sees: no tombstone, nothing expired. */
  get(_map: string, _key: string, _nowMs: number): MapEntry | undefined {
    throw new Error('being written')
  }

  /** The entry as held, tombstones and expired ones included. */
  entry(_map: string, _key: string): MapEntry | undefined {
    throw new Error('being written')
  }

  list(_map: string, _query: ListQuery, _nowMs: number): EntryPage {
    throw new Error('being written')
  }

  maps(_nowMs: number): readonly { readonly name: string; readonly count: number }[] {
    throw new Error('being written')
  }

  hasMember(_set: string, _member: string): boolean {
    throw new Error('being written')
  }

  members(_set: string): readonly string[] {
    throw new Error('being written')
  }

  sets(): readonly { readonly name: string; readonly count: number }[] {
    throw new Error('being written')
  }

  record(_table: string, _key: string, _nowMs: number): ForeignRecord | undefined {
    throw new Error('being written')
  }

  records(_table: string, _nowMs: number): Iterable<readonly [string, ForeignRecord]> {
    throw new Error('being written')
  }

  counts(_nowMs: number): StateCounts {
    throw new Error('being written')
  }

  join(_delta: Delta, _nowMs: number): JoinOutcome {
    throw new Error('being written')
  }

  joinFull(_full: FullState, _nowMs: number): JoinOutcome {
    throw new Error('being written')
  }

  fullState(): FullState {
    throw new Error('being written')
  }
}
