/**
 * The reference model of writes: from the ledger's effects alone it knows which dot belongs to which operation and
 * which operations covered it, and so what any replica may and must hold.
 *
 * It shares no code with the store: dots are strings here, stamps are compared here, and a replica is seen only as a
 * `StateView` of plain maps and a question "have you seen this dot?".
 */
import { compareBytes } from '../base/bytes.ts'
import type { ActorId } from '../base/names.ts'
import type { Dot } from '../crdt/dot.ts'
import type { Stamp } from '../crdt/hlc.ts'
import type { Delta, FullState, MapPut, RecordPut, SetAdd } from '../store/core/delta.ts'
import type { Ledger, LedgerEntry } from './ledger.ts'

/** Dots of one actor without a gap, both ends included. */
export interface SeenRange {
  readonly actor: ActorId
  readonly first: number
  readonly last: number
}

/** One replica's state, arranged for looking things up. */
export interface StateView {
  readonly puts: ReadonlyMap<string, MapPut>
  /** Element of each live dot. */
  readonly live: ReadonlyMap<string, string>
  readonly records: ReadonlyMap<string, RecordPut>
  /** All dots seen, as ranges that neither overlap nor touch. */
  readonly ranges: readonly SeenRange[]
  seen(dot: Dot): boolean
}

export function viewOf(state: FullState): StateView {
  return {
    puts: new Map(state.puts.map((put) => [cellName(put.map, put.key), put])),
    live: new Map(state.adds.map((add) => [dotName(add.dot), cellName(add.set, add.member)])),
    records: new Map(state.records.map((put) => [cellName(put.table, put.key), put])),
    ranges: state.context
      .actors()
      .flatMap((actor) => state.context.intervals(actor).map(({ first, last }) => ({ actor, first, last }))),
    seen: (dot) => state.context.has(dot),
  }
}

export function cellName(container: string, key: string): string {
  return `${container}\0${key}`
}

export function dotName(dot: Dot): string {
  return `${dot.actor}:${dot.n}`
}

/** Negative when `a` is older. Equal stamps are one write: an actor never issues a stamp twice. */
export function compareStamps(a: Stamp, b: Stamp): number {
  if (a.epoch !== b.epoch) return a.epoch - b.epoch
  if (a.ms !== b.ms) return a.ms - b.ms
  if (a.logical !== b.logical) return a.logical - b.logical
  return a.actor < b.actor ? -1 : a.actor > b.actor ? 1 : 0
}

/** Negative when `a` loses: older version, or on a tie the smaller bytes. */
export function compareRecords(a: RecordPut, b: RecordPut): number {
  if (a.record.versionNs !== b.record.versionNs) return a.record.versionNs < b.record.versionNs ? -1 : 1
  return compareBytes(a.record.bytes, b.record.bytes)
}

/** A write to a map key, as its operation knows it. */
export interface CellWrite {
  readonly put: MapPut
  readonly entry: LedgerEntry
}

/** An addition to a set, as its operation knows it. */
export interface ElementAdd {
  readonly add: SetAdd
  readonly entry: LedgerEntry
}

export class WriteModel {
  readonly #byDot = new Map<string, readonly LedgerEntry[]>()
  readonly #coveredBy = new Map<string, readonly LedgerEntry[]>()
  readonly #covered = new Map<string, Dot>()
  readonly #uncovered = new Map<string, ElementAdd>()
  readonly #cells = new Map<string, CellWrite[]>()
  readonly #records = new Map<string, readonly RecordPut[]>()
  /** Actors of which several processes exist, because a disk was copied or set back on purpose. */
  readonly #doubled = new Set<ActorId>()
  /** Dots that two operations were given: must stay empty. */
  readonly reusedDots: string[] = []

  constructor(ledger?: Ledger) {
    for (const entry of ledger?.entries ?? []) {
      if (entry.effect !== undefined) this.learn(entry, entry.effect)
    }
  }

  /** From now on a dot of this actor may be given twice, until the replicas notice; both writes may be lost then. */
  doubled(actor: ActorId): void {
    this.#doubled.add(actor)
  }

  isDoubled(actor: ActorId): boolean {
    return this.#doubled.has(actor)
  }

  /** Takes in what an operation did, once. */
  learn(entry: LedgerEntry, effect: Delta): void {
    for (const dot of issuedDots(effect)) {
      const name = dotName(dot)
      const issuers = [...this.issuers(name), entry]
      this.#byDot.set(name, issuers)
      if (issuers.length === 1) continue
      if (!this.#doubled.has(dot.actor)) this.reusedDots.push(name)
      for (const issuer of issuers) issuer.excuse = 'doubled'
    }
    for (const add of effect.adds) {
      if (this.coverers(dotName(add.dot)).length === 0) this.#uncovered.set(dotName(add.dot), { add, entry })
    }
    for (const put of effect.puts) {
      const name = cellName(put.map, put.key)
      const writes = this.#cells.get(name) ?? []
      this.#cells.set(name, writes)
      writes.push({ put, entry })
      writes.sort((a, b) => compareStamps(b.put.entry.stamp, a.put.entry.stamp))
    }
    for (const dot of effect.covered) {
      const name = dotName(dot)
      this.#covered.set(name, dot)
      this.#uncovered.delete(name)
      this.#coveredBy.set(name, [...this.coverers(name), entry])
    }
    for (const put of effect.records) {
      const name = cellName(put.table, put.key)
      this.#records.set(name, [...(this.#records.get(name) ?? []), put])
    }
  }

  /** An operation turned out to have failed before its batch reached a disk: it did nothing at all. */
  forget(entry: LedgerEntry, effect: Delta): void {
    const others = (entries: readonly LedgerEntry[]): LedgerEntry[] =>
      entries.filter((other) => other !== entry)
    for (const dot of issuedDots(effect)) {
      const name = dotName(dot)
      this.#byDot.set(name, others(this.issuers(name)))
    }
    for (const put of effect.puts) {
      const name = cellName(put.map, put.key)
      this.#cells.set(
        name,
        this.writesOf(name).filter((write) => write.entry !== entry),
      )
    }
    for (const dot of effect.covered) {
      const name = dotName(dot)
      const coverers = others(this.coverers(name))
      this.#coveredBy.set(name, coverers)
      if (coverers.length === 0) this.#uncover(name)
    }
    for (const add of effect.adds) this.#uncovered.delete(dotName(add.dot))
    for (const put of effect.records) {
      const name = cellName(put.table, put.key)
      this.#records.set(
        name,
        this.recordsOf(name).filter((other) => other !== put),
      )
    }
  }

  #uncover(name: string): void {
    this.#covered.delete(name)
    for (const entry of this.issuers(name)) {
      const add = entry.effect?.adds.find(({ dot }) => dotName(dot) === name)
      if (add !== undefined) this.#uncovered.set(name, { add, entry })
    }
  }

  /** Additions that nobody removed. */
  uncoveredAdds(): IterableIterator<ElementAdd> {
    return this.#uncovered.values()
  }

  /** The operations that were given this dot; more than one only where an actor was doubled. */
  issuers(dot: string): readonly LedgerEntry[] {
    return this.#byDot.get(dot) ?? []
  }

  /** Operations that removed or overwrote what this dot wrote, as far as anybody knows. */
  coverers(dot: string): readonly LedgerEntry[] {
    return this.#coveredBy.get(dot) ?? []
  }

  /** Dots that some operation removed or overwrote. */
  coveredDots(): IterableIterator<[name: string, dot: Dot]> {
    return this.#covered.entries()
  }

  /** Map keys ever written. */
  cells(): IterableIterator<string> {
    return this.#cells.keys()
  }

  /** Everything ever written to a map key, newest first. */
  writesOf(cell: string): readonly CellWrite[] {
    return this.#cells.get(cell) ?? []
  }

  /** Everything ever written to a record cell. */
  recordsOf(cell: string): readonly RecordPut[] {
    return this.#records.get(cell) ?? []
  }
}

function issuedDots(effect: Delta): readonly Dot[] {
  return [...effect.puts.map((put) => put.entry.dot), ...effect.adds.map((add) => add.dot)]
}
