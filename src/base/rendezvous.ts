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
    const drawn = lot(key, name)
    if (owner !== undefined && compareLots(drawn, name, best, owner) >= 0) continue
    owner = name
    best = drawn
  }
  return owner
}

/** Each name once, the owner first, then whoever drew second, and so on. */
export function rendezvousOrder(key: string, names: Iterable<string>): string[] {
  return [...new Set(names)]
    .map((name) => ({ name, drawn: lot(key, name) }))
    .sort((a, b) => compareLots(a.drawn, a.name, b.drawn, b.name))
    .map(({ name }) => name)
}

/** Whether `name` comes before `other`, another name, in the order of the key. */
export function isBetterLot(key: string, name: string, other: string): boolean {
  return compareLots(lot(key, name), name, lot(key, other), other) < 0
}

function lot(key: string, name: string): Hash64 {
  hasher.start().text(key).text(name)
  return { hi: hasher.hi(), lo: hasher.lo() }
}

/** Negative when `a` comes before `b`: by the higher lot, then by the lower name. */
function compareLots(a: Hash64, aName: string, b: Hash64, bName: string): number {
  return b.hi - a.hi || b.lo - a.lo || (aName < bName ? -1 : aName > bName ? 1 : 0)
}
