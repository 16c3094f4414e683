/**
 * Oracle of the join itself, asked of states that a run really reached rather than of made-up ones (reliability.md 3.1,
 * "SEC"): the order of merging does not matter, merging again changes nothing, and a state survives its encoding.
 */
import type { FullState } from '../store/core/delta.ts'
import { ReplicaState } from '../store/core/replica-state.ts'
import { canonicalState } from './canonical-state.ts'
import { joinFull, sideOf } from './full-join.ts'
import { decodeFullState, encodeFullState } from './full-state-codec.ts'

/** The join itself: nothing is too early or too late for it. */
const ETERNAL = { maxClockSkewMs: 1e12, tombstoneGraceMs: 1e12 }

/**
 * @param states of the live replicas at one moment
 * @param wallMs the time then
 * @param collected whether a tombstone was collected anywhere: then an older write that its deleter had not seen may or may
 *   not survive, and which of the two depends on who meets whom first (peers.md 3c)
 */
export function algebra(states: readonly FullState[], wallMs: number, collected = false): string[] {
  const wrong: string[] = []
  const join = (...parts: readonly FullState[]): FullState => {
    const state = new ReplicaState(ETERNAL)
    for (const part of parts) joinFull(sideOf(state, wallMs), part)
    return state.fullState()
  }
  const same = (rule: string, a: FullState, b: FullState): void => {
    if (canonicalState(a) !== canonicalState(b)) wrong.push(rule)
  }
  for (const [i, a] of states.entries()) {
    same(`decode(encode(x)) is not x, for n${i}`, decodeFullState(encodeFullState(a)), a)
    same(`joining nothing with x is not x, for n${i}`, join(a), a)
    same(`joining x twice changes it, for n${i}`, join(a, a), a)
    for (const [j, b] of states.entries()) {
      if (j <= i) continue
      const both = join(a, b)
      same(`join is not commutative, for n${i} and n${j}`, both, join(b, a))
      same(`join loses its left side, for n${i} and n${j}`, join(both, a), both)
      const c = states[(j + 1) % states.length]
      if (c !== undefined && !collected)
        same(`join is not associative, for n${i} and n${j}`, join(both, c), join(a, join(b, c)))
    }
  }
  return wrong
}
