/**
 * The state as a bag of items (state-item.ts): listing them, fetching some, and dropping those that a peer removed.
 *
 * An item that comes back is recognised by the hashes of what is held under its key, so that it is never taken for what
 * stands there by now. Parked entries (parking.ts) are items too, beside those that are held under their keys.
 */
import type { CausalContext } from '../../crdt/context.ts'
import type { OrSets } from '../../crdt/or-set.ts'
import type { Delta, MapPut, RecordPut, SetAdd } from './delta.ts'
import type { HeldEntry } from './held-entry.ts'
import { ItemHasher } from './item-hasher.ts'
import type { MapStore } from './map-store.ts'
import type { Parked, Parking } from './parking.ts'
import type { RecordTables } from './record-tables.ts'
import type { StateItem } from './state-item.ts'
import type { StateKey } from './state-key.ts'

export class StateItems {
  readonly #hasher = new ItemHasher()
  readonly #maps: MapStore
  readonly #sets: OrSets
  readonly #records: RecordTables
  readonly #parking: Parking

  constructor(maps: MapStore, sets: OrSets, records: RecordTables, parking: Parking) {
    this.#maps = maps
    this.#sets = sets
    this.#records = records
    this.#parking = parking
  }

  *scan(): Generator<StateItem, undefined> {
    const hasher = this.#hasher
    for (const put of this.#maps.puts()) yield itemOf(put)
    for (const parked of this.#parking.puts()) yield itemOf(parked)
    for (const live of this.#sets.liveDots()) {
      // Another dot of the same element may have been met a turn ago.
      if (!this.#sets.holds(live)) continue
      const { set, member, dot } = live
      hasher.member(set, member, dot)
      yield { hi: hasher.hi, lo: hasher.lo, key: { kind: 'member', set, member }, dot }
    }
    for (const { table, key, record } of this.#records.puts()) {
      hasher.record(table, key, record)
      yield { hi: hasher.hi, lo: hasher.lo, key: { kind: 'record', table, key }, dot: undefined }
    }
    return undefined
  }

  read(items: Iterable<StateItem>): Delta {
    const puts: MapPut[] = []
    const adds: SetAdd[] = []
    const records: RecordPut[] = []
    for (const item of items) {
      const { key, dot } = item
      if (key.kind === 'entry') {
        const parked = this.#held(item, key) === undefined ? this.#parked(item, key)?.entry : undefined
        const entry = parked ?? this.#maps.entry(key.map, key.key)
        if (entry !== undefined) puts.push({ map: key.map, key: key.key, entry })
      } else if (key.kind === 'record') {
        const record = this.#records.held(key.table, key.key)
        if (record !== undefined) records.push({ table: key.table, key: key.key, record })
      } else {
        const { set, member } = key
        const dots = dot !== undefined && this.#holds(item) ? [dot] : this.#sets.dotsOf(set, member)
        for (const live of dots) adds.push({ set, member, dot: live })
      }
    }
    return { puts, adds, covered: [], records }
  }

  /** @returns what went */
  retire(items: Iterable<StateItem>, theirs: CausalContext): StateKey[] {
    const dead = [...items].filter(({ dot }) => dot !== undefined && theirs.has(dot))
    // Parked ones first, for they keep what is held under their keys.
    for (const item of dead) {
      const parked = item.key.kind === 'entry' ? this.#parked(item, item.key) : undefined
      if (parked !== undefined) this.#parking.drop(parked)
    }
    return dead.filter((item) => this.#retireHeld(item)).map(({ key }) => key)
  }

  #retireHeld(item: StateItem): boolean {
    const { key, dot } = item
    if (key.kind === 'entry') {
      if (this.#held(item, key) === undefined || this.#parking.get(key.map, key.key) !== undefined)
        return false
      this.#maps.drop(key.map, key.key)
      return true
    }
    if (dot === undefined || !this.#holds(item)) return false
    this.#sets.drop(dot)
    return true
  }

  /** The held entry, if it is still the item. */
  #held({ hi, lo }: StateItem, { map, key }: EntryKey): HeldEntry | undefined {
    const entry = this.#maps.entry(map, key)
    return entry?.hi === hi && entry.lo === lo ? entry : undefined
  }

  #parked({ hi, lo }: StateItem, { map, key }: EntryKey): Parked | undefined {
    const parked = this.#parking.get(map, key)
    return parked?.entry.hi === hi && parked.entry.lo === lo ? parked : undefined
  }

  /** The same of a set element or a record, whose hashes are not kept. */
  #holds({ hi, lo, key, dot }: StateItem): boolean {
    if (key.kind === 'member') {
      return dot !== undefined && this.#sets.holds({ set: key.set, member: key.member, dot })
    }
    const record = key.kind === 'record' ? this.#records.held(key.table, key.key) : undefined
    if (record === undefined || key.kind !== 'record') return false
    this.#hasher.record(key.table, key.key, record)
    return this.#hasher.hi === hi && this.#hasher.lo === lo
  }
}

type EntryKey = StateKey & { readonly kind: 'entry' }

function itemOf({ map, key, entry }: Parked): StateItem {
  return { hi: entry.hi, lo: entry.lo, key: { kind: 'entry', map, key }, dot: entry.dot }
}
