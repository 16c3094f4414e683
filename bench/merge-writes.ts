/**
 * The writes that every contestant of the merge benchmark takes in: each of a million keys once, by one writer, then
 * half of them again, by another; in an order that has nothing to do with that of the keys.
 */

export interface MergeWrite {
  readonly key: string
  /** Text of 16 characters. */
  readonly value: string
  readonly overwrites: boolean
}

/** Coprime to any number of keys that ends in zeros: visits all of them. */
const STRIDE = 7_654_321

/** 1.5 writes a key. */
export function* mergeWrites(keys: number): Generator<MergeWrite> {
  for (let i = 0; i < keys; i++) yield write((i * STRIDE) % keys, i, false)
  for (let i = 0; i < keys / 2; i++) yield write((2 * i * STRIDE) % keys, i, true)
}

function write(key: number, index: number, overwrites: boolean): MergeWrite {
  const text = String(key).padStart(7, '0')
  return { key: `instance-${text}`, value: `{"cpu":${String(index % 1e8).padStart(8, '0')}}`, overwrites }
}

/** Writes in groups of `size`, none of which mixes first writes with overwrites. */
export function* mergeGroups(keys: number, size: number): Generator<MergeWrite[]> {
  let group: MergeWrite[] = []
  for (const write of mergeWrites(keys)) {
    if (group.length === size || (group.length > 0 && group[0]?.overwrites !== write.overwrites)) {
      yield group
      group = []
    }
    group.push(write)
  }
  if (group.length > 0) yield group
}
