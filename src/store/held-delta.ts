/**
 * Whether a store has taken in all of a delta: each dot of it was seen, so its write is held here or was and is
 * superseded, and for each record this version or a later one is held. What was refused or is parked is not.
 */
import type { CausalContext } from '../crdt/context.ts'
import type { Delta } from './core/delta.ts'
import { compareRecords } from './core/record-tables.ts'
import type { Records } from './records.ts'

export interface DeltaHolder {
  readonly context: CausalContext
  readonly records: Pick<Records, 'get'>
}

export function holdsDelta({ context, records }: DeltaHolder, delta: Delta): boolean {
  return (
    delta.puts.every(({ entry }) => context.has(entry.dot)) &&
    delta.adds.every(({ dot }) => context.has(dot)) &&
    delta.covered.every((dot) => context.has(dot)) &&
    delta.records.every(({ table, key, record }) => {
      const held = records.get(table, key)
      return held !== undefined && compareRecords(held, record) >= 0
    })
  )
}
