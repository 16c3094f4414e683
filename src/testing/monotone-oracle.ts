/**
 * Oracle of one process: what it has once shown it never takes back (reliability.md 3.1, "Monotonic per replica").
 *
 * Per key the stamp never falls, unless what was held had its time; a dot once seen stays seen, the own incarnation never falls, and neither does that of
 * a member as long as it is remembered. Holds from boot to kill: what was merged but not yet durable may be gone
 * after a crash and come back from the peers.
 */
import type { Member } from '../gossip/core/delegate.ts'
import type { MapPut } from '../store/core/delta.ts'
import { compareRecords, compareStamps, type SeenRange, type StateView } from './write-model.ts'

export class MonotoneOracle {
  #view: StateView | undefined
  #incarnation = 0
  #members = new Map<string, number>()

  /** @param mayBeGone whether a key may hold nothing newer than this any more */
  checkState(view: StateView, mayBeGone: (cell: string, before: MapPut) => boolean = () => false): string[] {
    const wrong: string[] = []
    for (const [cell, before] of this.#view?.puts ?? []) {
      const now = view.puts.get(cell)
      if (now !== undefined && !isOlder(now, before)) continue
      if (!mayBeGone(cell, before)) wrong.push(`the stamp of ${cell.replace('\0', '/')} fell`)
    }
    for (const [cell, before] of this.#view?.records ?? []) {
      const now = view.records.get(cell)
      if (now === undefined || compareRecords(now, before) < 0)
        wrong.push(`record ${cell.replace('\0', '/')} fell`)
    }
    for (const before of this.#view?.ranges ?? []) {
      if (!view.ranges.some((now) => contains(now, before))) {
        wrong.push(`${before.actor}:${before.first}-${before.last} was seen and is not any more`)
      }
    }
    this.#view = view
    return wrong
  }

  /** @param forgotten names that were forgotten since this was asked last, and perhaps met again */
  checkMembers(
    selfIncarnation: number,
    members: readonly Member[],
    forgotten: Iterable<string> = [],
  ): string[] {
    const wrong: string[] = []
    for (const name of forgotten) this.#members.delete(name)
    if (selfIncarnation < this.#incarnation) wrong.push('the own incarnation fell')
    this.#incarnation = selfIncarnation
    for (const { name, incarnation } of members) {
      if (incarnation < (this.#members.get(name) ?? 0)) wrong.push(`the incarnation of ${name} fell`)
    }
    this.#members = new Map(members.map((member) => [member.name, member.incarnation]))
    return wrong
  }
}

function isOlder(now: MapPut, before: MapPut): boolean {
  return compareStamps(now.entry.stamp, before.entry.stamp) < 0
}

function contains(outer: SeenRange, inner: SeenRange): boolean {
  return outer.actor === inner.actor && outer.first <= inner.first && outer.last >= inner.last
}
