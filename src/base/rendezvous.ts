/**
 * Rendezvous hashing: who of several is responsible for a key, without anybody deciding it.
 *
 * Each name draws a lot for the key, the same lot everywhere; the highest wins. So all who know the same names agree; when
 * a name leaves, only its keys move, each to whoever drew second; a new name takes about 1 / n of the keys and moves no
 * other. With 3 names and 3,000 keys each has about 1,000, give or take 26.
 *
 * Not here: which names take part (app/ownership.ts). It is no lock: two who know different names may both win.
 */
import { type Hash64, Hasher64 } from './hash64.ts'

const hasher = new Hasher64()

/** @returns the name that owns the key; undefined without names. Their order and repetition do not matter. */
export function rendezvousOwner(key: string, names: Iterable<string>): string | undefined {
  let owner: string | undefined
  let best: Hash64 = { hi: 0, lo: 0 }
  for (const name of names) {
    hasher.start().text(key).text(name)
    const lot = { hi: hasher.hi(), lo: hasher.lo() }
    const difference = lot.hi - best.hi || lot.lo - best.lo
    if (owner !== undefined && (difference < 0 || (difference === 0 && name >= owner))) continue
    owner = name
    best = lot
  }
  return owner
}
