/**
 * Oracle of one process: what it has once shown it never takes back (reliability.md 3.1, "Monotonic per replica").
 *
 * Per key the stamp never falls, a dot once seen stays seen, the own incarnation never falls, and neither does that of
 * a member as long as it is remembered. Holds from boot to kill: what was merged but not yet durable may be gone
 * after a crash and come back from the peers.
 */
import type { Dot } from '../crdt/dot.ts'
import type { Member } from '../gossip/core/delegate.ts'
import type { MapPut } from '../store/core/delta.ts'
import { compareRecords, compareStamps, dotName, type StateView } from './write-model.ts'

export class MonotoneOracle {
  #view: StateView | undefined
  readonly #seen = new Map<string, Dot>()
  #incarnation = 0
  #members = new Map<string, number>()

  /** @param issued dots that exist in the cluster and that this replica may have seen */
  checkState(view: StateView, issued: Iterable<Dot>): string[] {
    const wrong: string[] = []
    for (const [cell, before] of this.#view?.puts ?? []) {
      const now = view.puts.get(cell)
      if (now === undefined || isOlder(now, before))
        wrong.push(`the stamp of ${cell.replace('\0', '/')} fell`)
    }
    for (const [cell, before] of this.#view?.records ?? []) {
      const now = view.records.get(cell)
      if (now === undefined || compareRecords(now, before) < 0)
        wrong.push(`record ${cell.replace('\0', '/')} fell`)
    }
    for (const [name, dot] of this.#seen) {
      if (!view.seen(dot)) wrong.push(`${name} was seen and is not any more`)
    }
    for (const dot of issued) if (view.seen(dot)) this.#seen.set(dotName(dot), dot)
    this.#view = view
    return wrong
  }

  checkMembers(selfIncarnation: number, members: readonly Member[]): string[] {
    const wrong: string[] = []
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
