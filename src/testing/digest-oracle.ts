/**
 * Oracle of digests: what is kept up to date with every change equals what is computed anew from the whole state, and
 * two replicas have equal roots exactly when they hold equal items. A digest that drifts would make replicas exchange
 * for ever, or take themselves for equal when they are not.
 */
import { compareBytes } from '../base/bytes.ts'
import type { FullState } from '../store/core/delta.ts'
import { ItemDigest } from '../store/core/item-digest.ts'
import type { StateDigest } from '../store/core/syncable.ts'
import { canonicalItems } from './canonical-state.ts'

export function digestDrifted(kept: StateDigest, held: FullState): string[] {
  const fresh = new ItemDigest()
  for (const { map, key, entry } of held.puts) fresh.entry(map, key, entry, 1)
  for (const { set, member, dot } of held.adds) fresh.onDot(set, member, dot, 1)
  for (const { table, key, record } of held.records) fresh.record(table, key, record, 1)
  const wrong: string[] = []
  if (kept.count !== fresh.count) wrong.push(`the digest counts ${kept.count} items of ${fresh.count}`)
  if (compareBytes(kept.root(), fresh.root()) !== 0) wrong.push('the root is not that of the items held')
  if (kept.buckets.some((word, index) => word !== fresh.buckets[index]))
    wrong.push('the buckets are not those of the items held')
  return wrong
}

/** @param replicas of one moment */
export function rootsLie(replicas: readonly { digest: StateDigest; held: FullState }[]): string[] {
  const byRoot = new Map<string, string>()
  const byItems = new Map<string, string>()
  const wrong: string[] = []
  for (const { digest, held } of replicas) {
    const root = digest.root().join('.')
    const items = canonicalItems(held)
    if ((byRoot.get(root) ?? items) !== items) wrong.push('two replicas hold different items under one root')
    if ((byItems.get(items) ?? root) !== root)
      wrong.push('two replicas hold the same items under different roots')
    byRoot.set(root, items)
    byItems.set(items, root)
  }
  return wrong
}
