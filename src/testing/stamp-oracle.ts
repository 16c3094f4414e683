/**
 * Oracle of stamps: a new one comes after everything its replica has seen, also after a restart with a clock that was
 * set back. Writes that nobody was told of and nobody saw may be forgotten, and their stamps with them.
 */
import type { ActorId } from '../base/names.ts'
import type { Stamp } from '../crdt/hlc.ts'
import type { Delta, MapPut } from '../store/core/delta.ts'
import { compareStamps, dotName } from './write-model.ts'

export class StampOracle {
  readonly #acknowledged = new Map<ActorId, Stamp>()

  /** @param held what the replica held when it made `effect` */
  check(effect: Delta, held: Iterable<MapPut>): string[] {
    const wrong: string[] = []
    for (const { entry } of effect.puts) {
      const name = dotName(entry.dot)
      const own = this.#acknowledged.get(entry.stamp.actor)
      if (own !== undefined && compareStamps(entry.stamp, own) <= 0) {
        wrong.push(`${name} is not stamped after an earlier acknowledged write of its own actor`)
      }
      for (const other of held) {
        if (compareStamps(entry.stamp, other.entry.stamp) > 0) continue
        wrong.push(`${name} is not stamped after ${dotName(other.entry.dot)}, which its replica had seen`)
      }
    }
    return wrong
  }

  acknowledged(effect: Delta): void {
    for (const { entry } of effect.puts) {
      const last = this.#acknowledged.get(entry.stamp.actor)
      if (last === undefined || compareStamps(entry.stamp, last) > 0) {
        this.#acknowledged.set(entry.stamp.actor, entry.stamp)
      }
    }
  }
}
