/**
 * The rules of a dotted last-writer-wins map: the newest stamp wins, and what was deleted stays deleted.
 *
 * Every entry, value or tombstone, carries a dot. The causal context remembers all dots seen, so an old entry that comes
 * back after its successor (or its forgotten tombstone) is recognised and dropped. Therefore the order of the rules: the
 * dot first, the stamps after. A map that asks the stamps first lets ghosts in: 12 in 6,000 random schedules, against
 * none in 8,000 with this order (peers.md 3c).
 *
 * The context is shared by all maps and sets of a replica, and so comes in as an argument. Not here: clocks (hlc.ts),
 * time to live and key order (store/core/map-store.ts).
 */
import { compareBytes } from '../base/bytes.ts'
import type { CausalContext } from './context.ts'
import { compareDots, type Dot, sameDot } from './dot.ts'
import { compareStamps, type Stamp } from './hlc.ts'

export interface LwwEntry {
  readonly dot: Dot
  readonly stamp: Stamp
  /** Undefined: a tombstone; with an expiry, the husk of a value whose time has passed. */
  readonly value: { readonly contentType: string; readonly bytes: Uint8Array } | undefined
  readonly expiresAtMs: number | undefined
}

/**
 * Total order over everything a reader can see; positive when `a` wins. Stamps decide. Equal stamps mean a cloned actor:
 * then a tombstone beats a value (a wrong silence hides pages, a wrong delete only repeats them), and the rest is there
 * so that all replicas choose alike.
 */
export function compareEntries(a: LwwEntry, b: LwwEntry): number {
  return (
    compareStamps(a.stamp, b.stamp) ||
    compareValues(a, b) ||
    (a.expiresAtMs ?? Number.POSITIVE_INFINITY) - (b.expiresAtMs ?? Number.POSITIVE_INFINITY) ||
    compareDots(a.dot, b.dot)
  )
}

function compareValues(a: LwwEntry, b: LwwEntry): number {
  const rank = rankOf(a) - rankOf(b)
  if (rank !== 0 || a.value === undefined || b.value === undefined) return rank
  return compareContents(a.value, b.value)
}

/** A value that has let go of its bytes, as it does when its time to live has passed, gives way to the value itself. */
function rankOf({ value, expiresAtMs }: LwwEntry): number {
  if (value !== undefined) return 1
  return expiresAtMs === undefined ? 2 : 0
}

type Contents = NonNullable<LwwEntry['value']>

function compareContents(a: Contents, b: Contents): number {
  const difference = compareBytes(a.bytes, b.bytes)
  if (difference !== 0 || a.contentType === b.contentType) return difference
  return a.contentType < b.contentType ? -1 : 1
}

/**
 * Delta rule: whether a put replaces what is held under its key. A dot seen before is ignored, for its write is either held
 * or was superseded; unless it is the very dot of what is held, which two clones may have given to two contents: then
 * the larger stays. The dot is seen from now on.
 */
export function putWins(context: CausalContext, entry: LwwEntry, held: LwwEntry | undefined): boolean {
  if (!context.add(entry.dot) && (held === undefined || !sameDot(entry.dot, held.dot))) return false
  return held === undefined || compareEntries(entry, held) > 0
}
