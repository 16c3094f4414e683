/**
 * All the state of one replica, in memory: maps, sets and foreign records under one causal context and one clock.
 *
 * A join is the only way in, for own writes as for foreign ones. Every join reports two things: what was new (to be
 * relayed), and which pieces a reader or the disk would now see differently. The order of the rules is that of peers.md
 * section 3. Anti-entropy has three more moves, described in syncable.ts: `retire`, and at the end `unite`.
 *
 * Suspicious input: a delta whose dots are out of bounds (dot-bounds.ts) is refused as a whole and counted. A put whose
 * stamp is further ahead than the allowed skew is parked until it is due (parking.ts), and does not move our clock.
 *
 * Time passes by `sweep`, once a minute: what has expired lets go of its bytes, and what is past its grace goes. Readers
 * compare deadlines themselves. Not here: own writes' dots and stamps (commit-queue.ts).
 */
import type { ActorId } from '../../base/names.ts'
import { CausalContext } from '../../crdt/context.ts'
import type { Dot } from '../../crdt/dot.ts'
import { CLOCK_START, type ClockState, observe, tickLocal } from '../../crdt/hlc.ts'
import { OrSets } from '../../crdt/or-set.ts'
import type { Delta, ForeignRecord, FullState, MapEntry, RecordPut } from './delta.ts'
import { type DotBoundOptions, DotBounds } from './dot-bounds.ts'
import type { ExpiryListener, LifetimeOptions } from './entry-lifetimes.ts'
import { firstNames, type NamePage, type NameQuery } from './first-names.ts'
import { ItemDigest } from './item-digest.ts'
import { type EntryPage, isVisible, type ListQuery, MapStore } from './map-store.ts'
import { type ParkedActor, Parking, type ParkingOptions } from './parking.ts'
import { isExpired, RecordTables } from './record-tables.ts'
import type { StateCounts } from './state-counts.ts'
import type { StateItem } from './state-item.ts'
import { StateItems } from './state-items.ts'
import type { StateKey } from './state-key.ts'
import type { StateDigest } from './syncable.ts'

export interface ReplicaStateOptions extends DotBoundOptions, LifetimeOptions, ParkingOptions {
  /** Puts with stamps further ahead than this are parked. Default 10 s (--cluster.max-clock-skew). */
  readonly maxClockSkewMs?: number
}

/** What a replica is made of; given when it comes back from disk. */
export interface StateParts {
  readonly context: CausalContext
  /** Actors of whom the disk claims something else than `context` does; to be written anew. */
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
  /** Every dot claimed since is of something held where nothing was; nothing went, and nothing was told to have gone. */
  readonly onlyGrew: boolean
}

/** What a part of a sweep did. */
export interface SweepOutcome {
  /** What readers see differently: records. */
  readonly changed: readonly StateKey[]
  /** What only the disk must be told: entries of which no reader saw anything any more. */
  readonly unsaved: readonly StateKey[]
  /** Whether the sweep of this minute is complete. */
  readonly done: boolean
}

const CLOCK_SKEW_MAX_MS = 10_000
const NOTHING: Delta = { puts: [], adds: [], covered: [], records: [] }
/** A few ms of work. */
const ITEMS_PER_SWEEP = 2000

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
  readonly #bounds: DotBounds
  readonly #parking: Parking
  #clock: ClockState
  #refusedDeltas = 0

  constructor(options: ReplicaStateOptions = {}, parts?: StateParts) {
    this.#maxClockSkewMs = options.maxClockSkewMs ?? CLOCK_SKEW_MAX_MS
    this.#bounds = new DotBounds(options)
    this.unsavedActors = parts?.unsavedActors ?? []
    this.#context = parts?.context ?? new CausalContext()
    this.#clock = parts?.clock ?? CLOCK_START
    this.#digest = parts?.digest ?? new ItemDigest()
    this.#maps = parts?.maps ?? new MapStore(this.#digest, options)
    this.#sets = parts?.sets ?? new OrSets(this.#digest.onDot)
    this.#records = parts?.records ?? new RecordTables(this.#digest)
    this.#parking = new Parking(this.#digest, options)
    this.#items = new StateItems(this.#maps, this.#sets, this.#records, this.#parking)
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

  memberPage(set: string, query: NameQuery): NamePage {
    return firstNames(this.#sets.members(set), query)
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
    const { lifetimes } = this.#maps
    return {
      values: this.#maps.values(nowMs),
      tombstones: lifetimes.tombstones,
      husks: lifetimes.husks,
      oldestTombstoneMs: lifetimes.oldestTombstoneMs,
      collected: lifetimes.collected,
      earlyCollected: lifetimes.earlyCollected,
      setMembers: this.#sets.size,
      records: this.#records.size,
      contextActors: this.#context.actorCount,
      contextHoles: this.#context.holes,
      refusedDeltas: this.#refusedDeltas,
      dotCollisions: this.#sets.collisions,
      parked: this.#parking.size,
      parkedRefused: this.#parking.refused,
    }
  }

  /** Whose clock is ahead of ours, by what is parked. */
  parkedActors(nowMs: number): readonly ParkedActor[] {
    return this.#parking.actors(nowMs)
  }

  /** Merges a peer's delta. @param theirs what that peer has seen, where it is known: its dots need no other bound */
  join(delta: Delta, nowMs: number, theirs?: CausalContext): JoinOutcome {
    const changed: StateKey[] = []
    const records = this.#joinRecords(delta.records, changed)
    if (!this.#bounds.admit(this.#context, delta, theirs)) {
      this.#refusedDeltas++
      return { effective: { ...NOTHING, records }, changed, onlyGrew: true }
    }
    const mergeable = this.#parkFuture(delta, nowMs)
    const { news, onlyGrew } = this.#joinDotted(mergeable, nowMs, changed)
    if (news) return { effective: { ...mergeable, records }, changed, onlyGrew }
    return { effective: { ...NOTHING, records }, changed, onlyGrew }
  }

  /** Takes in an own mutation, which no bound applies to. @param nowMs the time it was staged at */
  apply(delta: Delta, nowMs: number): readonly StateKey[] {
    const changed: StateKey[] = []
    this.#joinRecords(delta.records, changed)
    this.#joinDotted(delta, nowMs, changed)
    return changed
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

  /**
   * See Syncable.unite. Nothing of a peer that has merged what is parked here: it has seen what that write covers too, and
   * here nothing is held in its place yet. Claimed, it would be taken from those who hold it, and they would have nothing
   * either. A peer that has parked it as well claims no more than we may.
   * @returns the actors of whom more is seen now, to be saved
   */
  unite(theirs: CausalContext): readonly ActorId[] {
    const grown: ActorId[] = []
    if (this.#parking.isSeenBy(theirs)) return grown
    for (const actor of theirs.actors()) {
      const news = theirs.intervals(actor).filter((interval) => !this.#context.hasAll(actor, interval))
      for (const interval of news) this.#context.addInterval(actor, interval)
      if (news.length > 0) grown.push(actor)
    }
    return grown
  }

  /** Merges the parked entries that are due. */
  releaseParked(nowMs: number): JoinOutcome {
    const changed: StateKey[] = []
    const effective = { ...NOTHING, puts: this.#parking.due(nowMs + this.#maxClockSkewMs) }
    const { onlyGrew } = this.#joinDotted(effective, nowMs, changed)
    return { effective, changed, onlyGrew }
  }

  /**
   * Does a part of what is due at a whole minute: to be called, with the same minute, until it is done, and as often as
   * one likes after that: it then drops surplus tombstones. What is joined from then on is judged by this minute too.
   *
   * @param max how many items are looked at; 2,000 take a few ms
   */
  sweep(minuteMs: number, max: number = ITEMS_PER_SWEEP): SweepOutcome {
    const changed: StateKey[] = []
    const unsaved: StateKey[] = []
    let done = this.#maps.sweep(minuteMs, max, (map, key) => unsaved.push({ kind: 'entry', map, key }))
    if (done < max) {
      done += this.#records.sweep(minuteMs, max - done, (table, key) => {
        changed.push({ kind: 'record', table, key })
      })
    }
    return { changed, unsaved, done: done < max }
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

  #joinRecords(puts: readonly RecordPut[], changed: StateKey[]): readonly RecordPut[] {
    const won = puts.filter((put) => this.#records.join(put))
    for (const { table, key } of won) changed.push({ kind: 'record', table, key })
    return won
  }

  /** @returns what of a delta is not ahead of its time; without covered dots when a put of it was parked */
  #parkFuture(delta: Delta, nowMs: number): Delta {
    const untilMs = nowMs + this.#maxClockSkewMs
    if (delta.puts.every(({ entry }) => entry.stamp.ms <= untilMs)) return delta
    const puts = delta.puts.filter(({ entry }) => entry.stamp.ms <= untilMs)
    for (const put of delta.puts) {
      if (put.entry.stamp.ms > untilMs && !this.#context.has(put.entry.dot)) this.#parking.park(put)
    }
    return { puts, adds: delta.adds, covered: [], records: [] }
  }

  /** @returns whether anything of it was new: then it is passed on whole, a put never without the dots it covers */
  #joinDotted(
    delta: Delta,
    nowMs: number,
    changed: StateKey[],
  ): { readonly news: boolean; readonly onlyGrew: boolean } {
    let news = false
    let onlyGrew = delta.covered.length === 0
    for (const put of delta.puts) {
      const { dot, stamp } = put.entry
      const seen = this.#context.has(dot)
      const wasHeld = onlyGrew && this.#maps.entry(put.map, put.key) !== undefined
      const won = this.#maps.joinPut(this.#context, put)
      if (won) changed.push({ kind: 'entry', map: put.map, key: put.key })
      if (seen && !won) continue
      if (wasHeld || !won) onlyGrew = false
      news = true
      this.#parking.dropDot(dot)
      if (stamp.ms <= nowMs + this.#maxClockSkewMs) this.#clock = observe(this.#clock, stamp)
    }
    for (const add of delta.adds) {
      const changes = this.#sets.joinAdd(this.#context, add)
      // A dot claimed by two elements: it went from one to the other.
      if (changes.length > 1) onlyGrew = false
      for (const { set, member } of changes) {
        news = true
        changed.push({ kind: 'member', set, member })
      }
    }
    const added = delta.covered.length * delta.adds.length === 0 ? undefined : dotNames(delta.adds)
    for (const dot of delta.covered) {
      if (added?.has(dotName(dot))) continue
      if (!this.#context.has(dot)) news = true
      const left = this.#sets.joinCovered(this.#context, dot)
      this.#parking.dropDot(dot)
      if (left === undefined) continue
      news = true
      changed.push({ kind: 'member', set: left.set, member: left.member })
    }
    return { news, onlyGrew }
  }
}

function dotName(dot: Dot): string {
  return `${dot.n}@${dot.actor}`
}

function dotNames(holders: readonly { readonly dot: Dot }[]): ReadonlySet<string> {
  return new Set(holders.map(({ dot }) => dotName(dot)))
}
