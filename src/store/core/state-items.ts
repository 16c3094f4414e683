/**
 * The state as a bag of items (state-item.ts): listing them, fetching some, and dropping those that a peer removed.
 *
 * Hashes are not kept: an item that comes back is recognised by hashing again what is held under its key, so that it is
 * never taken for what stands there by now.
 */
import type { CausalContext } from '../../crdt/context.ts'
import type { OrSets } from '../../crdt/or-set.ts'
import type { Delta, MapPut, RecordPut, SetAdd } from './delta.ts'
import { ItemHasher } from './item-hasher.ts'
import type { MapStore } from './map-store.ts'
import type { RecordTables } from './record-tables.ts'
import type { StateItem } from './state-item.ts'
import type { StateKey } from './state-key.ts'

export class StateItems {
  readonly #hasher = new ItemHasher()
  readonly #maps: MapStore
  readonly #sets: OrSets
  readonly #records: RecordTables

  constructor(maps: MapStore, sets: OrSets, records: RecordTables) {
    this.#maps = maps
    this.#sets = sets
    this.#records = records
  }

  *scan(): Generator<StateItem, undefined> {
    const hasher = this.#hasher
    for (const { map, key, entry } of this.#maps.puts()) {
      hasher.entry(map, key, entry)
      yield { hi: hasher.hi, lo: hasher.lo, key: { kind: 'entry', map, key }, dot: entry.dot }
    }
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
      const { key } = item
      if (!this.#holds(item)) continue
      if (key.kind === 'entry') {
        const entry = this.#maps.entry(key.map, key.key)
        if (entry !== undefined) puts.push({ map: key.map, key: key.key, entry })
      } else if (key.kind === 'record') {
        const record = this.#records.held(key.table, key.key)
        if (record !== undefined) records.push({ table: key.table, key: key.key, record })
      } else if (item.dot !== undefined) adds.push({ set: key.set, member: key.member, dot: item.dot })
    }
    return { puts, adds, covered: [], records }
  }

  /** @returns what went */
  retire(items: Iterable<StateItem>, theirs: CausalContext): StateKey[] {
    const gone: StateKey[] = []
    for (const item of items) {
      const { key, dot } = item
      if (dot === undefined || !theirs.has(dot) || !this.#holds(item)) continue
      if (key.kind === 'entry') this.#maps.drop(key.map, key.key)
      else this.#sets.drop(dot)
      gone.push(key)
    }
    return gone
  }

  /** Whether what is held under the key of the item is still the item. */
  #holds({ hi, lo, key, dot }: StateItem): boolean {
    const hasher = this.#hasher
    if (key.kind === 'member') {
      return dot !== undefined && this.#sets.holds({ set: key.set, member: key.member, dot })
    }
    if (key.kind === 'entry') {
      const entry = this.#maps.entry(key.map, key.key)
      if (entry === undefined) return false
      hasher.entry(key.map, key.key, entry)
    } else {
      const record = this.#records.held(key.table, key.key)
      if (record === undefined) return false
      hasher.record(key.table, key.key, record)
    }
    return hasher.hi === hi && hasher.lo === lo
  }
}
