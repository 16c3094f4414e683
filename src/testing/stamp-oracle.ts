/**
 * Oracle of stamps: a new one comes after everything its replica has seen, also after a restart with a clock that was
 * set back. Writes that nobody was told of and nobody saw may be forgotten, and their stamps with them.
 */
import type { ActorId } from '../base/names.ts'
import type { Stamp } from '../crdt/hlc.ts'
import type { Delta, MapPut } from '../store/core/delta.ts'
import { compareStamps, dotName } from './write-model.ts'

export class StampOracle {
  /** By actor, and by actor and key. */
  readonly #acknowledged = new Map<string, Stamp>()
  readonly #doubled = new Set<ActorId>()

  /**
   * @param held what the replica held when it made `effect`
   * @param believedMs stamps further ahead do not move a replica's clock: they bind writes to the same key only
   */
  check(effect: Delta, held: Iterable<MapPut>, believedMs: number = Number.POSITIVE_INFINITY): string[] {
    const wrong: string[] = []
    for (const put of effect.puts) {
      const { entry } = put
      const name = dotName(entry.dot)
      const { actor } = entry.stamp
      const before = [this.#acknowledged.get(actor), this.#acknowledged.get(ownKey(put))]
      const binds = (stamp: Stamp | undefined, index: number): boolean =>
        stamp !== undefined &&
        compareStamps(entry.stamp, stamp) <= 0 &&
        (index === 1 || stamp.ms <= believedMs)
      if (before.some(binds))
        wrong.push(`${name} is not stamped after an earlier acknowledged write of its own actor`)
      for (const other of held) {
        const sameKey = put.map === other.map && put.key === other.key
        if (!sameKey && other.entry.stamp.ms > believedMs) continue
        if (compareStamps(entry.stamp, other.entry.stamp) > 0) continue
        wrong.push(`${name} is not stamped after ${dotName(other.entry.dot)}, which its replica had seen`)
      }
    }
    return wrong
  }

  /**
   * The disk of this actor lost something. What it wrote over an entry from far ahead is beyond the bound that the lease
   * file keeps (store/stamp-bound.ts), so it is not held to its past per key.
   * @param doubled several processes exist that have the actor: it is held to nothing any more
   */
  forget(actor: ActorId, doubled: boolean): void {
    if (doubled) this.#doubled.add(actor)
    for (const name of [...this.#acknowledged.keys()]) {
      if (name.startsWith(doubled ? actor : `${actor}\0`)) this.#acknowledged.delete(name)
    }
  }

  acknowledged(effect: Delta): void {
    for (const put of effect.puts) {
      const { stamp } = put.entry
      if (this.#doubled.has(stamp.actor)) continue
      for (const name of [stamp.actor, ownKey(put)]) {
        const last = this.#acknowledged.get(name)
        if (last === undefined || compareStamps(stamp, last) > 0) this.#acknowledged.set(name, stamp)
      }
    }
  }
}

function ownKey(put: MapPut): string {
  return `${put.entry.stamp.actor}\0${put.map}\0${put.key}`
}
