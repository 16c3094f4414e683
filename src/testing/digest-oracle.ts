/**
 * Oracle of digests: what is kept up to date with every change equals what is computed anew from the whole state, and
 * two replicas have equal roots exactly when they hold equal items. A digest that drifts would make replicas exchange
 * for ever, or take themselves for equal when they are not.
 */
import { compareBytes } from '../base/bytes.ts'
import type { FullState, MapPut } from '../store/core/delta.ts'
import { ItemDigest } from '../store/core/item-digest.ts'
import type { ReplicaState } from '../store/core/replica-state.ts'
import type { StateItem } from '../store/core/state-item.ts'
import { canonicalItems } from './canonical-state.ts'
import { dotName } from './write-model.ts'

export function digestDrifted(state: ReplicaState): string[] {
  const held = withParked(state)
  const fresh = new ItemDigest()
  for (const { map, key, entry } of held.puts) fresh.entry(map, key, entry, 1)
  for (const { set, member, dot } of held.adds) fresh.onDot(set, member, dot, 1)
  for (const { table, key, record } of held.records) fresh.record(table, key, record, 1)
  const kept = state.digest
  const wrong: string[] = []
  if (kept.count !== fresh.count) wrong.push(`the digest counts ${kept.count} items of ${fresh.count}`)
  if (compareBytes(kept.root(), fresh.root()) !== 0) wrong.push('the root is not that of the items held')
  if (kept.buckets.some((word, index) => word !== fresh.buckets[index]))
    wrong.push('the buckets are not those of the items held')
  return wrong
}

/** @param states of several replicas at one moment */
export function rootsLie(states: readonly ReplicaState[]): string[] {
  const byRoot = new Map<string, string>()
  const byItems = new Map<string, string>()
  const wrong: string[] = []
  for (const state of states) {
    const root = state.digest.root().join('.')
    const items = canonicalItems(withParked(state))
    if ((byRoot.get(root) ?? items) !== items) wrong.push('two replicas hold different items under one root')
    if ((byItems.get(items) ?? root) !== root)
      wrong.push('two replicas hold the same items under different roots')
    byRoot.set(root, items)
    byItems.set(items, root)
  }
  return wrong
}

/** What is held, and what waits for its time beside it: the digest counts both. */
function withParked(state: ReplicaState): FullState {
  const held = state.fullState()
  if (state.counts(0).parked === 0) return held
  const known = new Set(held.puts.map(({ entry }) => dotName(entry.dot)))
  const parked: StateItem[] = []
  const items = state.scan()
  for (let next = items.next(); next.done !== true; next = items.next()) {
    const { key, dot } = next.value
    if (key.kind === 'entry' && dot !== undefined && !known.has(dotName(dot))) parked.push(next.value)
  }
  const puts: readonly MapPut[] = state.read(parked).puts
  return { ...held, puts: [...held.puts, ...puts] }
}
