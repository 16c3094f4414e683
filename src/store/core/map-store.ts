/**
 * All the LWW maps of a replica, with what readers need beside the entries: key order, pages, time to live, counts.
 *
 * Tombstones and expired entries are held but not seen by readers. Counts are kept as entries change, so asking for them
 * costs nothing but the expiries that have become due. Not here: dropping old tombstones.
 */
import type { CausalContext } from '../../crdt/context.ts'
import { compareEntries, LwwMap } from '../../crdt/lww-map.ts'
import type { MapEntry, MapPut } from './delta.ts'
import { ExpiryIndex, type ExpiryListener } from './expiry-index.ts'
import { ItemDigest } from './item-digest.ts'
import { SortedKeys } from './sorted-keys.ts'
import { Tables } from './tables.ts'

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

interface Table {
  readonly entries: LwwMap<MapEntry>
  readonly keys: SortedKeys
  /** Entries with a value, expired or not. */
  values: number
}

/** Whether a reader sees it: a value, and before its deadline. */
export function isVisible(entry: MapEntry, nowMs: number): boolean {
  return entry.value !== undefined && (entry.expiresAtMs === undefined || entry.expiresAtMs > nowMs)
}

export class MapStore {
  readonly #tables = new Map<string, Table>()
  readonly #expiry = new ExpiryIndex()
  readonly #digest: ItemDigest
  #values = 0
  #tombstones = 0

  /** @param digest counts what is held */
  constructor(digest: ItemDigest = new ItemDigest()) {
    this.#digest = digest
  }

  get tombstones(): number {
    return this.#tombstones
  }

  /** Entries that a reader sees. */
  values(nowMs: number): number {
    this.#expiry.advance(nowMs)
    return this.#values - this.#expiry.expired()
  }

  /** One listener: it hears of each entry that passes its time, when it is next looked at. */
  onExpired(listener: ExpiryListener): void {
    this.#expiry.onExpired(listener)
  }

  /** Takes note of what has passed its time. @returns a time before which nothing further does; undefined for never */
  expire(nowMs: number): number | undefined {
    this.#expiry.advance(nowMs)
    return this.#expiry.nextAtMs
  }

  /** As held: tombstones and expired entries included. */
  entry(map: string, key: string): MapEntry | undefined {
    return this.#tables.get(map)?.entries.get(key)
  }

  list(map: string, query: ListQuery, nowMs: number): EntryPage {
    const table = this.#tables.get(map)
    const items: (readonly [string, MapEntry])[] = []
    if (table === undefined) return { items, next: undefined }
    const prefix = query.prefix ?? ''
    const resumes = query.after !== undefined && query.after >= prefix
    const start = resumes ? (query.after ?? '') : prefix
    for (const key of table.keys.from(start, !resumes)) {
      if (!key.startsWith(prefix)) break
      const entry = table.entries.get(key)
      if (entry === undefined || !isVisible(entry, nowMs)) continue
      if (items.length >= query.limit) return { items, next: items.at(-1)?.[0] }
      items.push([key, entry])
    }
    return { items, next: undefined }
  }

  /** Maps with at least one entry a reader sees, by name. */
  maps(nowMs: number): { readonly name: string; readonly count: number }[] {
    this.#expiry.advance(nowMs)
    return [...this.#tables]
      .map(([name, table]) => ({ name, count: table.values - this.#expiry.expired(name) }))
      .filter(({ count }) => count > 0)
      .sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** Delta rule. @returns whether the held entry changed */
  joinPut(context: CausalContext, put: MapPut): boolean {
    const table = this.#table(put.map)
    const before = table.entries.get(put.key)
    if (!table.entries.joinPut(context, put.key, put.entry)) return false
    this.#changed(put.map, table, put.key, before, put.entry)
    return true
  }

  /** Full rule over every key that either side holds. @returns the keys whose held entry changed, with what left */
  joinFull(
    mine: CausalContext,
    puts: readonly MapPut[],
    theirContext: CausalContext,
  ): { readonly map: string; readonly key: string; readonly before: MapEntry | undefined }[] {
    const theirs = new Tables<MapEntry>()
    for (const { map, key, entry } of puts) {
      const twice = theirs.get(map, key)
      if (twice === undefined || compareEntries(entry, twice) > 0) theirs.set(map, key, entry)
    }
    const changed: { map: string; key: string; before: MapEntry | undefined }[] = []
    const joinKey = (map: string, key: string, their: MapEntry | undefined): void => {
      const table = this.#table(map)
      const before = table.entries.get(key)
      if (!table.entries.joinFullKey(mine, key, their, theirContext)) return
      this.#changed(map, table, key, before, table.entries.get(key))
      changed.push({ map, key, before })
    }
    for (const [map, table] of this.#tables) {
      for (const [key] of table.entries.entries()) {
        if (theirs.get(map, key) === undefined) joinKey(map, key, undefined)
      }
    }
    for (const [map, key, entry] of theirs.entries()) joinKey(map, key, entry)
    return changed
  }

  /** Forgets an entry; its dot stays in the context. */
  drop(map: string, key: string): void {
    const table = this.#tables.get(map)
    const before = table?.entries.get(key)
    if (table === undefined || before === undefined) return
    table.entries.delete(key)
    this.#changed(map, table, key, before, undefined)
  }

  restore({ map, key, entry }: MapPut): void {
    const table = this.#table(map)
    const before = table.entries.get(key)
    table.entries.restore(key, entry)
    const after = table.entries.get(key)
    if (after !== before) this.#changed(map, table, key, before, after)
  }

  *puts(): Generator<MapPut> {
    for (const [map, table] of this.#tables) {
      for (const [key, entry] of table.entries.entries()) yield { map, key, entry }
    }
  }

  #table(map: string): Table {
    let table = this.#tables.get(map)
    if (table === undefined) {
      const entries = new LwwMap<MapEntry>()
      table = { entries, keys: new SortedKeys((key) => entries.get(key) !== undefined), values: 0 }
      this.#tables.set(map, table)
    }
    return table
  }

  #changed(
    map: string,
    table: Table,
    key: string,
    before: MapEntry | undefined,
    after: MapEntry | undefined,
  ): void {
    if (before === undefined) table.keys.add(key)
    else {
      this.#count(map, table, key, before, -1)
      this.#digest.entry(map, key, before, -1)
    }
    if (after === undefined) table.keys.remove()
    else {
      this.#count(map, table, key, after, 1)
      this.#digest.entry(map, key, after, 1)
    }
  }

  #count(map: string, table: Table, key: string, entry: MapEntry, by: 1 | -1): void {
    if (entry.value === undefined) {
      this.#tombstones += by
      return
    }
    this.#values += by
    table.values += by
    if (by > 0) this.#expiry.add(map, key, entry)
    else this.#expiry.remove(map, entry)
  }
}
