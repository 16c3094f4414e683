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
 *
 * What may be absent though nothing outranks it is what has had its time: a tombstone after its grace, a value after its
 * expiry and that grace, by the clock that is furthest ahead. A key whose newest write was excused is not judged.
 */
import { compareBytes } from '../base/bytes.ts'
import type { MapPut, SetAdd } from '../store/core/delta.ts'
import type { ReplicaState } from '../store/core/replica-state.ts'
import { describeEntry, type LedgerEntry } from './ledger.ts'
import {
  type CellWrite,
  cellName,
  compareRecords,
  compareStamps,
  dotName,
  type StateView,
  type WriteModel,
} from './write-model.ts'

/** What lets entries go in time. */
export interface Lifetimes {
  /** Of the wall clock furthest ahead, so far. */
  readonly latestWallMs: number
  readonly graceMs: number
}

/** Everything that was ever written is held to. */
export const NOTHING_ENDS: Lifetimes = { latestWallMs: Number.NEGATIVE_INFINITY, graceMs: 0 }

export function inventions(view: StateView, model: WriteModel): string[] {
  const wrong: string[] = []
  for (const [cell, put] of view.puts) {
    const name = dotName(put.entry.dot)
    const written = model
      .writesOf(cell)
      .some((write) => sameWrite(write.put, put) || isHuskOf(put, write.put))
    if (!written) wrong.push(`${show(cell)} holds ${name}, which nobody wrote so`)
  }
  for (const [dot, cell] of view.live) {
    const adds = model.issuers(dot).flatMap((issuer) => issuer.effect?.adds ?? [])
    if (!adds.some((add) => dotName(add.dot) === dot && cellName(add.set, add.member) === cell)) {
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

export function overclaims(view: StateView, model: WriteModel, limits: Lifetimes = NOTHING_ENDS): string[] {
  const wrong: string[] = []
  for (const cell of model.cells()) {
    const newest = model.writesOf(cell).find((write) => view.seen(write.put.entry.dot))
    if (newest === undefined || holdsCell(view, cell, newest, model, limits)) continue
    const { put, entry } = newest
    wrong.push(
      `${dotName(put.entry.dot)} is claimed as seen, but ${show(cell)} is older or absent: ${describeEntry(entry)}`,
    )
  }
  for (const { add, entry } of model.uncoveredAdds()) {
    if (entry.excuse !== undefined || !view.seen(add.dot) || view.live.has(dotName(add.dot))) continue
    wrong.push(
      `${dotName(add.dot)} is claimed as seen, is not held and nobody removed it: ${describeEntry(entry)}`,
    )
  }
  return wrong
}

/** Two replicas that have seen the same dots hold the same maps (removals from sets leave no dot of their own). */
export function mapsDiffer(
  a: StateView,
  b: StateView,
  model: WriteModel,
  limits: Lifetimes = NOTHING_ENDS,
): string[] {
  const cells = new Set([...a.puts.keys(), ...b.puts.keys()])
  return [...cells].flatMap((cell) => {
    const [left, right] = [a.puts.get(cell), b.puts.get(cell)]
    if (left !== undefined && right !== undefined && sameWrite(left, right)) return []
    const newest = model.writesOf(cell).find((write) => a.seen(write.put.entry.dot))
    if (newest === undefined || mayBeGone(model, cell, newest.put, { ...limits, graceMs: 0 })) return []
    return [`${show(cell)} differs from that of a replica that has seen the same writes`]
  })
}

/** @param entries those to hold this replica to: all acknowledged ones at the end, its own after its restart */
export function lostWrites(
  view: StateView,
  model: WriteModel,
  entries: readonly LedgerEntry[],
  limits: Lifetimes = NOTHING_ENDS,
): string[] {
  const wrong: string[] = []
  for (const entry of entries) {
    const { effect } = entry
    if (effect === undefined || entry.excuse !== undefined) continue
    const reasons: string[] = []
    for (const put of effect.puts) {
      const cell = cellName(put.map, put.key)
      if (!view.seen(put.entry.dot) && !hadItsTime(put, limits) && !isExcused(model, cell))
        reasons.push('its dot is unknown')
      if (!holdsCell(view, cell, { put, entry }, model, limits)) reasons.push('its key is older or absent')
    }
    for (const add of effect.adds) {
      if (!view.seen(add.dot) && !isRemoved(model, add)) reasons.push('its dot is unknown')
      if (!holdsOrRemoved(view, model, add)) reasons.push('the element is gone, and nobody removed that dot')
    }
    for (const dot of effect.covered) {
      const name = dotName(dot)
      if (model.issuers(name).length > 1) continue
      if (view.live.has(name)) reasons.push(`${name} is still held`)
      if (!view.seen(dot)) reasons.push(`${name}, which it removed, is unknown`)
    }
    for (const put of effect.records) {
      const held = view.records.get(cellName(put.table, put.key))
      if (held === undefined || compareRecords(held, put) < 0) reasons.push('its record is older or absent')
    }
    if (reasons.length > 0) wrong.push(`lost ${describeEntry(entry)}: ${reasons.join(', ')}`)
  }
  return wrong
}

/** Excuses acknowledged operations that no disk holds any more. @param disks what each of them holds */
export function excuseHarmed(
  entries: readonly LedgerEntry[],
  disks: readonly StateView[],
  model: WriteModel,
  limits: Lifetimes,
): void {
  for (const entry of entries) {
    if (entry.outcome !== 'acked' || entry.excuse !== undefined) continue
    if (!disks.some((disk) => lostWrites(disk, model, [entry], limits).length === 0)) entry.excuse = 'harmed'
  }
}

/** An entry is invisible from its expiry on, whether or not it was collected. */
export function expiredButVisible(view: StateView, state: ReplicaState, wallMs: number): string[] {
  const wrong: string[] = []
  for (const { map, key, entry } of view.puts.values()) {
    if (entry.expiresAtMs === undefined || entry.expiresAtMs > wallMs) continue
    if (state.get(map, key, wallMs) !== undefined) wrong.push(`${map}/${key} is read after its expiry`)
  }
  return wrong
}

/** Whether a tombstone or an expired value may be gone by now. */
export function hadItsTime({ entry }: MapPut, limits: Lifetimes, graceMs: number = limits.graceMs): boolean {
  // A husk, the rest of an expired value, has a deadline as well.
  const endMs = entry.expiresAtMs ?? (entry.value === undefined ? entry.stamp.ms : undefined)
  return endMs !== undefined && limits.latestWallMs >= endMs + graceMs
}

/** Whether a key that has seen `write` is as it should be: it holds it or a newer one, or may have let go of that. */
function holdsCell(
  view: StateView,
  cell: string,
  write: CellWrite,
  model: WriteModel,
  limits: Lifetimes,
): boolean {
  const held = view.puts.get(cell)
  if (held !== undefined && compareStamps(held.entry.stamp, write.put.entry.stamp) >= 0) return true
  return mayBeGone(model, cell, write.put, limits)
}

/**
 * Whether a key may hold nothing newer than `put`: that, or something newer, may have been collected, perhaps by a peer that
 * has told of it by its context alone; or the key is not judged.
 */
export function mayBeGone(model: WriteModel, cell: string, put: MapPut, limits: Lifetimes): boolean {
  const isNewer = (other: MapPut): boolean => compareStamps(other.entry.stamp, put.entry.stamp) >= 0
  return (
    hadItsTime(put, limits) ||
    model.writesOf(cell).some((other) => isNewer(other.put) && hadItsTime(other.put, limits)) ||
    isExcused(model, cell)
  )
}

/** Whether two processes gave one dot to different writes, of which one was to this key. */
function isExcused(model: WriteModel, cell: string): boolean {
  return model.writesOf(cell).some(({ entry }) => entry.excuse === 'doubled')
}

function holdsOrRemoved(view: StateView, model: WriteModel, add: SetAdd): boolean {
  return view.live.has(dotName(add.dot)) || isRemoved(model, add)
}

function isRemoved(model: WriteModel, add: SetAdd): boolean {
  return model.coverers(dotName(add.dot)).length > 0
}

/** An expired value whose bytes were let go. */
function isHuskOf(held: MapPut, written: MapPut): boolean {
  return (
    held.entry.value === undefined &&
    written.entry.expiresAtMs !== undefined &&
    dotName(held.entry.dot) === dotName(written.entry.dot) &&
    compareStamps(held.entry.stamp, written.entry.stamp) === 0
  )
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
    dotName(a.entry.dot) === dotName(b.entry.dot) &&
    compareStamps(a.entry.stamp, b.entry.stamp) === 0 &&
    a.entry.expiresAtMs === b.entry.expiresAtMs
  )
}

function show(cell: string): string {
  return cell.replace('\0', '/')
}
