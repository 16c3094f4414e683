/**
 * All the LWW maps of a replica, with what readers need beside the entries: key order, pages, time to live, counts.
 *
 * Tombstones, expired entries and husks (entry-lifetimes.ts) are held but not seen by readers. Everything held counts in
 * the digest, husks and tombstones too, so that replicas agree about them as well.
 *
 * A sweep works on the whole minute that it is given, and what is joined later is judged by the same minute: an entry past
 * its time comes in as a husk, one past its grace is seen and not held. So replicas whose clocks differ by a little agree
 * except for moments after a full minute.
 */
import { assert } from '../../base/assert.ts'
import type { CausalContext } from '../../crdt/context.ts'
import { compareEntries, putWins } from '../../crdt/lww-map.ts'
import type { MapEntry, MapPut } from './delta.ts'
import { EntryLifetimes, type ExpiryListener, huskOf, type LifetimeOptions } from './entry-lifetimes.ts'
import type { HeldEntry } from './held-entry.ts'
import { ItemDigest } from './item-digest.ts'
import { SortedKeys } from './sorted-keys.ts'

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
  readonly entries: Map<string, HeldEntry>
  readonly keys: SortedKeys
  /** Entries with a value, expired or not. */
  values: number
}

/** Expiries that a count takes note of at most, so that none takes long after many came at once. */
const EXPIRIES_PER_COUNT = 1000

/** Whether a reader sees it: a value, and before its deadline. */
export function isVisible(entry: MapEntry, nowMs: number): boolean {
  return entry.value !== undefined && (entry.expiresAtMs === undefined || entry.expiresAtMs > nowMs)
}

export class MapStore {
  readonly lifetimes: EntryLifetimes
  readonly #tables = new Map<string, Table>()
  readonly #digest: ItemDigest
  #values = 0
  #sweptMs = 0

  /** @param digest counts what is held */
  constructor(digest: ItemDigest = new ItemDigest(), options: LifetimeOptions = {}) {
    this.#digest = digest
    this.lifetimes = new EntryLifetimes(options)
  }

  /** Entries that a reader sees; a little late when very many expire at once. */
  values(nowMs: number): number {
    this.lifetimes.advance(nowMs, EXPIRIES_PER_COUNT)
    return this.#values - this.lifetimes.expired()
  }

  /** One listener: it hears of each entry that passes its time, when it is next looked at. */
  onExpired(listener: ExpiryListener): void {
    this.lifetimes.onExpired(listener)
  }

  /** Takes note of what has passed its time. @returns a time before which nothing further does; undefined for never */
  expire(nowMs: number): number | undefined {
    this.lifetimes.advance(nowMs)
    return this.lifetimes.nextExpiryMs
  }

  /** As held: tombstones, expired entries and husks included. */
  entry(map: string, key: string): HeldEntry | undefined {
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
    this.lifetimes.advance(nowMs, EXPIRIES_PER_COUNT)
    return [...this.#tables]
      .map(([name, table]) => ({ name, count: table.values - this.lifetimes.expired(name) }))
      .filter(({ count }) => count > 0)
      .sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** Delta rule. @returns whether the held entry changed */
  joinPut(context: CausalContext, { map, key, entry }: MapPut): boolean {
    const table = this.#tables.get(map)
    const held = table?.entries.get(key)
    if (!putWins(context, entry, held)) return false
    const aged = this.#aged(entry)
    // A value that comes again when its husk is held.
    if (aged !== undefined && aged !== entry && held !== undefined && compareEntries(aged, held) === 0) {
      return false
    }
    return this.#place(map, key, held, aged)
  }

  /** Forgets an entry; its dot stays in the context. */
  drop(map: string, key: string): void {
    this.#place(map, key, this.entry(map, key), undefined)
  }

  /** Puts an entry read back from disk; of two under one key the newer stays. */
  restore({ map, key, entry }: MapPut): void {
    const held = this.entry(map, key)
    if (held === undefined || compareEntries(entry, held) > 0) this.#place(map, key, held, entry)
  }

  /**
   * Begins or goes on with the sweep of one whole minute; drops the oldest tombstones and husks beyond their bound, too.
   *
   * @param max how much is done at most
   * @param changed gets what the disk must be told, and readers need not
   * @returns how much was done; less than `max` when the sweep is complete
   */
  sweep(minuteMs: number, max: number, changed: (map: string, key: string) => void): number {
    this.#sweptMs = minuteMs
    let done = this.lifetimes.advance(minuteMs, max)
    for (; done < max; done++) {
      const due = this.lifetimes.due(minuteMs)
      if (due === undefined) break
      const { map, key, entry } = due
      assert(this.entry(map, key) === entry, 'what is due is held')
      this.#place(map, key, entry, entry.value === undefined ? undefined : huskOf(entry))
      changed(map, key)
    }
    return done
  }

  *puts(): Generator<{ readonly map: string; readonly key: string; readonly entry: HeldEntry }> {
    for (const [map, table] of this.#tables) {
      for (const [key, entry] of table.entries) yield { map, key, entry }
    }
  }

  /** What of an entry is held at this time: itself, its husk, or nothing. */
  #aged(entry: MapEntry): MapEntry | undefined {
    const { value, expiresAtMs } = entry
    if (value !== undefined && expiresAtMs === undefined) return entry
    if (this.lifetimes.isPast(entry, this.#sweptMs)) return undefined
    return value !== undefined && expiresAtMs !== undefined && expiresAtMs <= this.#sweptMs
      ? huskOf(entry)
      : entry
  }

  /** @returns whether anything changed */
  #place(map: string, key: string, before: HeldEntry | undefined, entry: MapEntry | undefined): boolean {
    if (before === undefined && entry === undefined) return false
    const table = this.#table(map)
    if (before === undefined) table.keys.add(key)
    else this.#count(map, table, key, before, -1)
    if (entry !== undefined) {
      const after = this.#digest.held(map, key, entry)
      table.entries.set(key, after)
      this.#count(map, table, key, after, 1)
    } else {
      table.entries.delete(key)
      table.keys.remove()
      if (table.entries.size === 0) this.#tables.delete(map)
    }
    return true
  }

  #table(map: string): Table {
    let table = this.#tables.get(map)
    if (table === undefined) {
      const entries = new Map<string, HeldEntry>()
      table = { entries, keys: new SortedKeys(entries), values: 0 }
      this.#tables.set(map, table)
    }
    return table
  }

  #count(map: string, table: Table, key: string, entry: HeldEntry, by: 1 | -1): void {
    this.#digest.toggle(entry.hi, entry.lo, by)
    if (entry.value !== undefined) {
      this.#values += by
      table.values += by
    }
    if (by > 0) this.lifetimes.add(map, key, entry)
    else this.lifetimes.remove(map, entry)
  }
}
