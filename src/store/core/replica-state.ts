/**
 * All the state of one replica, in memory: maps, sets and foreign records under one causal context and one clock.
 *
 * A join is the only way in, for own writes as for foreign ones. Every join reports two things: what was new (to be
 * relayed), and which pieces a reader or the disk would now see differently. The order of the rules is that of peers.md
 * section 3; the context is united last, after maps and sets have both consulted it.
 *
 * Suspicious input: a delta with a dot far above all seen of its actor, or with one gap or new actor too many, is refused
 * as a whole and counted; a complete state may bring the same dots. A stamp further ahead than the allowed skew is
 * merged, but does not move our clock; overwriting it still works, because writes go above what they replace.
 *
 * Not here: own writes' dots and stamps (commit-queue.ts), dropping tombstones, parking entries from the future.
 */
import type { ActorId } from '../../base/names.ts'
import { CausalContext } from '../../crdt/context.ts'
import type { Dot } from '../../crdt/dot.ts'
import { CLOCK_START, type ClockState, observe, type Stamp, tickLocal } from '../../crdt/hlc.ts'
import { OrSets } from '../../crdt/or-set.ts'
import type { Delta, ForeignRecord, FullState, MapEntry, RecordPut } from './delta.ts'
import type { ExpiryListener } from './expiry-index.ts'
import { ItemDigest } from './item-digest.ts'
import { type EntryPage, isVisible, type ListQuery, MapStore } from './map-store.ts'
import { isExpired, RecordTables } from './record-tables.ts'
import type { StateItem } from './state-item.ts'
import { StateItems } from './state-items.ts'
import type { StateKey } from './state-key.ts'
import type { StateDigest } from './syncable.ts'

export interface ReplicaStateOptions {
  /** Stamps further ahead than this do not move our clock. Default 10 s (--cluster.max-clock-skew). */
  readonly maxClockSkewMs?: number
  /** How far above the highest seen number of its actor a delta's dot may lie. Default 16,777,216. */
  readonly dotWindow?: number
  /** Gaps in the context beyond which deltas may not open new ones. Default 100,000, about 1 MB. */
  readonly contextHolesMax?: number
  /** Actors beyond which deltas may not name new ones. Default 100,000, about 10 MB. */
  readonly contextActorsMax?: number
}

/** What a replica is made of; given when it comes back from disk. */
export interface StateParts {
  readonly context: CausalContext
  /** Actors whose context on disk claims more than `context` does, and must be written anew. */
  readonly unsavedActors: readonly ActorId[]
  readonly clock: ClockState
  /** Of these maps, sets and records. */
  readonly digest: ItemDigest
  readonly maps: MapStore
  readonly sets: OrSets
  readonly records: RecordTables
}

export interface JoinOutcome {
  /** The part that was new here. */
  readonly effective: Delta
  /** What a reader or the disk would see differently now. */
  readonly changed: readonly StateKey[]
}

export interface StateCounts {
  /** Entries with a value, not expired. */
  readonly values: number
  readonly tombstones: number
  readonly setMembers: number
  readonly records: number
  readonly contextActors: number
  readonly contextHoles: number
  /** Deltas refused for dots out of bounds. */
  readonly refusedDeltas: number
  /** Dots claimed for two set elements. */
  readonly dotCollisions: number
  /** Stamps merged that were too far ahead to be believed. */
  readonly skewedStamps: number
}

const CLOCK_SKEW_MAX_MS = 10_000
const DOT_WINDOW = 16_777_216
const CONTEXT_HOLES_MAX = 100_000
const CONTEXT_ACTORS_MAX = 100_000

export class ReplicaState {
  /** Actors whose context on disk was wrong when this state was loaded. */
  readonly unsavedActors: readonly ActorId[]
  readonly #context: CausalContext
  readonly #digest: ItemDigest
  readonly #items: StateItems
  readonly #maps: MapStore
  readonly #sets: OrSets
  readonly #records: RecordTables
  readonly #maxClockSkewMs: number
  readonly #dotWindow: number
  readonly #contextHolesMax: number
  readonly #contextActorsMax: number
  #clock: ClockState
  #refusedDeltas = 0
  #skewedStamps = 0

  constructor(options: ReplicaStateOptions = {}, parts?: StateParts) {
    this.#maxClockSkewMs = options.maxClockSkewMs ?? CLOCK_SKEW_MAX_MS
    this.#dotWindow = options.dotWindow ?? DOT_WINDOW
    this.#contextHolesMax = options.contextHolesMax ?? CONTEXT_HOLES_MAX
    this.#contextActorsMax = options.contextActorsMax ?? CONTEXT_ACTORS_MAX
    this.unsavedActors = parts?.unsavedActors ?? []
    this.#context = parts?.context ?? new CausalContext()
    this.#clock = parts?.clock ?? CLOCK_START
    this.#digest = parts?.digest ?? new ItemDigest()
    this.#maps = parts?.maps ?? new MapStore(this.#digest)
    this.#sets = parts?.sets ?? new OrSets(this.#digest.onDot)
    this.#records = parts?.records ?? new RecordTables(this.#digest)
    this.#items = new StateItems(this.#maps, this.#sets, this.#records)
  }

  /** The live object: read it, never change it. */
  get context(): CausalContext {
    return this.#context
  }

  /** Live: read it, or copy it. */
  get digest(): StateDigest {
    return this.#digest
  }

  get clock(): ClockState {
    return this.#clock
  }

  /** Advances the clock for one local write. */
  tick(nowMs: number): ClockState {
    this.#clock = tickLocal(this.#clock, nowMs)
    return this.#clock
  }

  /**
   * Lets the clock go back to the wall. Only for one that ran ahead because the wall itself was wrong and has been set
   * right: writes still go above what they replace, but no longer above everything written here.
   */
  turnBackClock(nowMs: number): void {
    this.#clock = { ms: Math.floor(nowMs), logical: 0 }
  }

  /** The entry a reader sees: no tombstone, nothing expired. */
  get(map: string, key: string, nowMs: number): MapEntry | undefined {
    const entry = this.#maps.entry(map, key)
    return entry !== undefined && isVisible(entry, nowMs) ? entry : undefined
  }

  /** The entry as held, tombstones and expired ones included. */
  entry(map: string, key: string): MapEntry | undefined {
    return this.#maps.entry(map, key)
  }

  list(map: string, query: ListQuery, nowMs: number): EntryPage {
    return this.#maps.list(map, query, nowMs)
  }

  /** Maps with at least one visible entry, by name. */
  maps(nowMs: number): readonly { readonly name: string; readonly count: number }[] {
    return this.#maps.maps(nowMs)
  }

  hasMember(set: string, member: string): boolean {
    return this.#sets.has(set, member)
  }

  dotsOf(set: string, member: string): readonly Dot[] {
    return this.#sets.dotsOf(set, member)
  }

  /** Sorted by UTF-16 code units. */
  members(set: string): readonly string[] {
    return [...this.#sets.members(set)].sort((a, b) => (a < b ? -1 : 1))
  }

  /** Sets with at least one member, by name. */
  sets(): readonly { readonly name: string; readonly count: number }[] {
    return [...this.#sets.names()]
      .map((name) => ({ name, count: this.#sets.count(name) }))
      .sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  record(table: string, key: string, nowMs: number): ForeignRecord | undefined {
    const record = this.#records.held(table, key)
    return record !== undefined && !isExpired(record, nowMs) ? record : undefined
  }

  /** The record as held, expired or not. */
  heldRecord(table: string, key: string): ForeignRecord | undefined {
    return this.#records.held(table, key)
  }

  records(table: string, nowMs: number): Iterable<readonly [string, ForeignRecord]> {
    return this.#records.live(table, nowMs)
  }

  counts(nowMs: number): StateCounts {
    return {
      values: this.#maps.values(nowMs),
      tombstones: this.#maps.tombstones,
      setMembers: this.#sets.size,
      records: this.#records.size,
      contextActors: this.#context.actorCount,
      contextHoles: this.#context.holes,
      refusedDeltas: this.#refusedDeltas,
      dotCollisions: this.#sets.collisions,
      skewedStamps: this.#skewedStamps,
    }
  }

  /** Merges a peer's delta. */
  join(delta: Delta, nowMs: number): JoinOutcome {
    const changed: StateKey[] = []
    const records = this.#joinRecords(delta.records, nowMs, changed)
    const news = this.#admits(delta) ? this.#joinDotted(delta, nowMs, changed) : false
    if (news) return { effective: { ...delta, records }, changed }
    return { effective: { puts: [], adds: [], covered: [], records }, changed }
  }

  /** Takes in an own mutation, which no bound applies to. @param nowMs the time it was staged at */
  apply(delta: Delta, nowMs: number): readonly StateKey[] {
    const changed: StateKey[] = []
    this.#joinRecords(delta.records, nowMs, changed)
    this.#joinDotted(delta, nowMs, changed)
    return changed
  }

  /** Merges a peer's complete state. */
  joinFull(full: FullState, nowMs: number): JoinOutcome {
    const changed: StateKey[] = []
    const records = this.#joinRecords(full.records, nowMs, changed)
    const puts = full.puts.filter(({ entry }) => !this.#context.has(entry.dot))
    const covered: Dot[] = []
    for (const { map, key, before } of this.#maps.joinFull(this.#context, full.puts, full.context)) {
      changed.push({ kind: 'entry', map, key })
      // A replaced entry needs no cover: its successor is among the puts, and stamps decide between the two.
      if (before !== undefined && this.#maps.entry(map, key) === undefined) covered.push(before.dot)
    }
    const sets = this.#sets.joinFull(this.#context, full.adds, full.context)
    for (const { set, member } of [...sets.added, ...sets.dropped, ...sets.moved]) {
      changed.push({ kind: 'member', set, member })
    }
    // Nor does a dot of an element that stays by another add: the two would travel apart (split-delta.ts), and where the
    // cover arrives alone an element would vanish that nobody removed.
    for (const { set, member, dot } of sets.dropped) if (!this.#sets.has(set, member)) covered.push(dot)
    this.#context.union(full.context)
    for (const { entry } of puts) {
      this.#context.add(entry.dot)
      this.#see(entry.stamp, nowMs)
    }
    for (const { dot } of full.adds) this.#context.add(dot)
    return { effective: { puts, adds: sets.added, covered, records }, changed }
  }

  /** See Syncable.scan. */
  scan(): Iterator<StateItem> {
    return this.#items.scan()
  }

  /** See Syncable.read. */
  read(items: Iterable<StateItem>): Delta {
    return this.#items.read(items)
  }

  /** See Syncable.retire. @returns what is gone */
  retire(items: Iterable<StateItem>, theirs: CausalContext): readonly StateKey[] {
    return this.#items.retire(items, theirs)
  }

  /** See Syncable.unite. @returns the actors of whom more is seen now, to be saved */
  unite(theirs: CausalContext): readonly ActorId[] {
    const grown: ActorId[] = []
    for (const actor of theirs.actors()) {
      if (theirs.intervals(actor).every((interval) => this.#context.hasAll(actor, interval))) continue
      this.#context.addActor(theirs, actor)
      grown.push(actor)
    }
    return grown
  }

  fullState(): FullState {
    return {
      context: this.#context.clone(),
      puts: [...this.#maps.puts()],
      adds: [...this.#sets.liveDots()],
      records: [...this.#records.puts()],
    }
  }

  /** See MapStore: who follows changes hears of entries that pass their time. */
  onExpired(listener: ExpiryListener): void {
    this.#maps.onExpired(listener)
  }

  /** See MapStore. */
  expire(nowMs: number): number | undefined {
    return this.#maps.expire(nowMs)
  }

  /** Drops foreign records that have expired. @returns what went */
  sweepRecords(nowMs: number): readonly StateKey[] {
    return this.#records.sweep(nowMs).map(({ table, key }) => ({ kind: 'record', table, key }))
  }

  #joinRecords(puts: readonly RecordPut[], nowMs: number, changed: StateKey[]): readonly RecordPut[] {
    const won = puts.filter((put) => this.#records.join(put, nowMs))
    for (const { table, key } of won) changed.push({ kind: 'record', table, key })
    return won
  }

  /** @returns whether anything of it was new: then it is passed on whole, a put never without the dots it covers */
  #joinDotted(delta: Delta, nowMs: number, changed: StateKey[]): boolean {
    let news = false
    for (const put of delta.puts) {
      if (this.#context.has(put.entry.dot)) continue
      news = true
      this.#see(put.entry.stamp, nowMs)
      if (this.#maps.joinPut(this.#context, put)) changed.push({ kind: 'entry', map: put.map, key: put.key })
    }
    for (const add of delta.adds) {
      for (const { set, member } of this.#sets.joinAdd(this.#context, add)) {
        news = true
        changed.push({ kind: 'member', set, member })
      }
    }
    const added = delta.covered.length === 0 ? undefined : dotNames(delta.adds)
    for (const dot of delta.covered) {
      if (added?.has(dotName(dot))) continue
      if (!this.#context.has(dot)) news = true
      const left = this.#sets.joinCovered(this.#context, dot)
      if (left === undefined) continue
      news = true
      changed.push({ kind: 'member', set: left.set, member: left.member })
    }
    return news
  }

  #see(stamp: Stamp, nowMs: number): void {
    if (stamp.ms > nowMs + this.#maxClockSkewMs) this.#skewedStamps++
    else this.#clock = observe(this.#clock, stamp)
  }

  /** Bounds of peers.md 3a pitfall 8, over all dots of a delta: half a mutation would claim what it does not bring. */
  #admits(delta: Delta): boolean {
    let [holes, actors] = [this.#context.holes, this.#context.actorCount]
    const admitted = (dot: Dot): boolean => {
      if (this.#context.has(dot)) return true
      const highest = this.#context.maxOf(dot.actor)
      if (dot.n > highest + this.#dotWindow) return false
      if (highest === 0 && ++actors > this.#contextActorsMax) return false
      return !this.#context.wouldOpenHole(dot) || ++holes <= this.#contextHolesMax
    }
    const all =
      delta.puts.every(({ entry }) => admitted(entry.dot)) &&
      delta.adds.every(({ dot }) => admitted(dot)) &&
      delta.covered.every(admitted)
    if (!all) this.#refusedDeltas++
    return all
  }
}

function dotName(dot: Dot): string {
  return `${dot.n}@${dot.actor}`
}

function dotNames(holders: readonly { readonly dot: Dot }[]): ReadonlySet<string> {
  return new Set(holders.map(({ dot }) => dotName(dot)))
}
