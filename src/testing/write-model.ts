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
import type { Delta, FullState, MapPut, RecordPut } from '../store/core/delta.ts'
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

export class WriteModel {
  readonly #byDot = new Map<string, LedgerEntry>()
  readonly #coveredBy = new Map<string, readonly LedgerEntry[]>()
  readonly #records = new Map<string, readonly RecordPut[]>()
  /** Dots that two operations were given: must stay empty. */
  readonly reusedDots: string[] = []

  constructor(ledger?: Ledger) {
    for (const entry of ledger?.entries ?? []) {
      if (entry.effect !== undefined) this.learn(entry, entry.effect)
    }
  }

  /** Takes in what an operation did, once. */
  learn(entry: LedgerEntry, effect: Delta): void {
    for (const { dot } of [...effect.puts.map((put) => put.entry), ...effect.adds]) {
      const name = dotName(dot)
      if (this.#byDot.has(name)) this.reusedDots.push(name)
      this.#byDot.set(name, entry)
    }
    for (const dot of effect.covered) {
      const name = dotName(dot)
      this.#coveredBy.set(name, [...this.coverers(name), entry])
    }
    for (const put of effect.records) {
      const name = cellName(put.table, put.key)
      this.#records.set(name, [...(this.#records.get(name) ?? []), put])
    }
  }

  /** An operation turned out to have failed before its batch reached a disk: it did nothing at all. */
  forget(entry: LedgerEntry, effect: Delta): void {
    for (const { dot } of [...effect.puts.map((put) => put.entry), ...effect.adds]) {
      this.#byDot.delete(dotName(dot))
    }
    for (const dot of effect.covered) {
      const name = dotName(dot)
      this.#coveredBy.set(
        name,
        this.coverers(name).filter((coverer) => coverer !== entry),
      )
    }
    for (const put of effect.records) {
      const name = cellName(put.table, put.key)
      this.#records.set(
        name,
        this.recordsOf(name).filter((other) => other !== put),
      )
    }
  }

  /** The operation that was given this dot. */
  issuer(dot: string): LedgerEntry | undefined {
    return this.#byDot.get(dot)
  }

  /** Operations that removed or overwrote what this dot wrote, as far as anybody knows. */
  coverers(dot: string): readonly LedgerEntry[] {
    return this.#coveredBy.get(dot) ?? []
  }

  /** Everything ever written to a record cell. */
  recordsOf(cell: string): readonly RecordPut[] {
    return this.#records.get(cell) ?? []
  }
}
