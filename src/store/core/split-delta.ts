/**
 * Cuts a large delta into pieces that gossip can carry: one map put, set add or record each, and the covered dots in
 * runs. Every piece is a delta of its own, so they may arrive in any order, or not at all.
 *
 * A put loses the company of the dots it covers. That is sound (the stamps still decide between two puts of a key), and
 * only news out of a full state is cut like this: a writer's own mutation always leaves whole. An add has no such company
 * to lose: news out of a full state cover only dots of elements that are gone (replica-state.ts).
 */
import type { Delta } from './delta.ts'

/** About 1 kB of covered dots a piece. */
const COVERED_PER_PIECE = 200

const EMPTY: Delta = { puts: [], adds: [], covered: [], records: [] }

export function splitDelta(delta: Delta): Delta[] {
  const pieces: Delta[] = []
  for (const put of delta.puts) pieces.push({ ...EMPTY, puts: [put] })
  for (const add of delta.adds) pieces.push({ ...EMPTY, adds: [add] })
  for (const record of delta.records) pieces.push({ ...EMPTY, records: [record] })
  for (let from = 0; from < delta.covered.length; from += COVERED_PER_PIECE) {
    pieces.push({ ...EMPTY, covered: delta.covered.slice(from, from + COVERED_PER_PIECE) })
  }
  return pieces
}
