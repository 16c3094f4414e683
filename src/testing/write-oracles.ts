/**
 * Oracles of writes: what one replica's state must look like, given what clients were told (reliability.md 3.1).
 *
 * Each check returns sentences; an empty list is a pass. All of them may be asked of any live replica:
 *
 * - `inventions`: everything held was written by somebody, under that dot, with that stamp and value;
 * - `mapsDiffer`: replicas that have seen the same dots hold the same maps;
 * - `overclaims`: a replica that says it has seen a write holds it, or something that outranks or removes it;
 * - `lostWrites`: the given acknowledged writes were seen, are held or outranked, and what they removed is gone.
 *
 * At the end, when all have everything, the three together are exact: add-wins is decided dot by dot.
 */
import { compareBytes } from '../base/bytes.ts'
import type { MapPut, SetAdd } from '../store/core/delta.ts'
import { describeEntry, type LedgerEntry } from './ledger.ts'
import {
  cellName,
  compareRecords,
  compareStamps,
  dotName,
  type StateView,
  type WriteModel,
} from './write-model.ts'

export function inventions(view: StateView, model: WriteModel): string[] {
  const wrong: string[] = []
  for (const [cell, put] of view.puts) {
    const name = dotName(put.entry.dot)
    const written = model.issuer(name)?.effect?.puts.find((other) => dotName(other.entry.dot) === name)
    if (written === undefined || !sameWrite(written, put))
      wrong.push(`${show(cell)} holds ${name}, which nobody wrote so`)
  }
  for (const [dot, cell] of view.live) {
    const written = model.issuer(dot)?.effect?.adds.find((other) => dotName(other.dot) === dot)
    if (written === undefined || cellName(written.set, written.member) !== cell) {
      wrong.push(`${show(cell)} is held by ${dot}, which nobody added so`)
    }
  }
  for (const [cell, put] of view.records) {
    if (!model.recordsOf(cell).some((written) => compareRecords(written, put) === 0)) {
      wrong.push(`record ${show(cell)} holds what nobody wrote`)
    }
  }
  return wrong
}

export function overclaims(view: StateView, model: WriteModel, entries: readonly LedgerEntry[]): string[] {
  const wrong: string[] = []
  for (const entry of entries) {
    const { effect } = entry
    if (effect === undefined) continue
    for (const put of effect.puts) {
      if (view.seen(put.entry.dot) && !holdsOrOutranks(view, put)) {
        wrong.push(
          `${dotName(put.entry.dot)} is claimed as seen, but ${show(cellName(put.map, put.key))} is older or absent: ${describeEntry(entry)}`,
        )
      }
    }
    for (const add of effect.adds) {
      if (view.seen(add.dot) && !holdsOrRemoved(view, model, add)) {
        wrong.push(
          `${dotName(add.dot)} is claimed as seen, is not held and nobody removed it: ${describeEntry(entry)}`,
        )
      }
    }
  }
  return wrong
}

/** Two replicas that have seen the same dots hold the same maps (removals from sets leave no dot of their own). */
export function mapsDiffer(a: StateView, b: StateView): string[] {
  const cells = new Set([...a.puts.keys(), ...b.puts.keys()])
  return [...cells].flatMap((cell) => {
    const [left, right] = [a.puts.get(cell), b.puts.get(cell)]
    if (left !== undefined && right !== undefined && sameWrite(left, right)) return []
    return [`${show(cell)} differs from that of a replica that has seen the same writes`]
  })
}

/** @param entries those to hold this replica to: all acknowledged ones at the end, its own after its restart */
export function lostWrites(view: StateView, model: WriteModel, entries: readonly LedgerEntry[]): string[] {
  const wrong: string[] = []
  for (const entry of entries) {
    const { effect } = entry
    if (effect === undefined) continue
    const reasons: string[] = []
    for (const put of effect.puts) {
      if (!view.seen(put.entry.dot)) reasons.push('its dot is unknown')
      if (!holdsOrOutranks(view, put)) reasons.push('its key is older or absent')
    }
    for (const add of effect.adds) {
      if (!view.seen(add.dot)) reasons.push('its dot is unknown')
      if (!holdsOrRemoved(view, model, add)) reasons.push('the element is gone, and nobody removed that dot')
    }
    for (const dot of effect.covered) {
      if (view.live.has(dotName(dot))) reasons.push(`${dotName(dot)} is still held`)
    }
    for (const put of effect.records) {
      const held = view.records.get(cellName(put.table, put.key))
      if (held === undefined || compareRecords(held, put) < 0) reasons.push('its record is older or absent')
    }
    if (reasons.length > 0) wrong.push(`lost ${describeEntry(entry)}: ${reasons.join(', ')}`)
  }
  return wrong
}

function holdsOrOutranks(view: StateView, put: MapPut): boolean {
  const held = view.puts.get(cellName(put.map, put.key))
  return held !== undefined && compareStamps(held.entry.stamp, put.entry.stamp) >= 0
}

function holdsOrRemoved(view: StateView, model: WriteModel, add: SetAdd): boolean {
  const dot = dotName(add.dot)
  return view.live.has(dot) || model.coverers(dot).length > 0
}

function sameWrite(a: MapPut, b: MapPut): boolean {
  const [x, y] = [a.entry.value, b.entry.value]
  const sameValue =
    x === undefined || y === undefined
      ? x === y
      : x.contentType === y.contentType && compareBytes(x.bytes, y.bytes) === 0
  return (
    sameValue &&
    a.map === b.map &&
    a.key === b.key &&
    compareStamps(a.entry.stamp, b.entry.stamp) === 0 &&
    a.entry.expiresAtMs === b.entry.expiresAtMs
  )
}

function show(cell: string): string {
  return cell.replace('\0', '/')
}
