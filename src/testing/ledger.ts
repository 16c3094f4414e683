/**
 * What the clients of a simulated cluster know: every operation, when it was asked for, how it ended, and what it
 * did. The ledger stands outside the nodes; the oracles hold the nodes to it.
 *
 * An operation ends `acked` (durable, must never be lost), `failed` (refused, must never show) or `unknown` (its node
 * crashed or its disk failed: it may have happened or not, but only as a whole).
 */
import { assert } from '../base/assert.ts'
import type { Delta, ForeignRecord, StoredValue } from '../store/core/delta.ts'

export type ClientOp =
  | {
      readonly kind: 'put'
      readonly map: string
      readonly key: string
      readonly value: StoredValue
      /** Time to live. */
      readonly ttlMs?: number
    }
  | { readonly kind: 'delete'; readonly map: string; readonly key: string }
  | { readonly kind: 'add'; readonly set: string; readonly member: string }
  | { readonly kind: 'remove'; readonly set: string; readonly member: string }
  | { readonly kind: 'record'; readonly table: string; readonly key: string; readonly record: ForeignRecord }

export interface LedgerEntry {
  readonly id: number
  readonly node: number
  readonly op: ClientOp
  readonly invokedAtMs: number
  outcome: 'pending' | 'acked' | 'failed' | 'unknown'
  endedAtMs: number | undefined
  /** What the node made of it (dots, stamps), known as soon as the node tried to commit it; undefined before. */
  effect: Delta | undefined
  /**
   * Why it may be lost although it was acknowledged: all disks that held it were harmed on purpose, or an actor was
   * doubled on purpose and gave its dot to two writes.
   */
  excuse: 'harmed' | 'doubled' | undefined
}

export class Ledger {
  readonly #entries: LedgerEntry[] = []

  get entries(): readonly LedgerEntry[] {
    return this.#entries
  }

  count(outcome: LedgerEntry['outcome']): number {
    return this.#entries.filter((entry) => entry.outcome === outcome).length
  }

  invoke(node: number, op: ClientOp, atMs: number): LedgerEntry {
    const entry: LedgerEntry = {
      id: this.#entries.length,
      node,
      op,
      invokedAtMs: atMs,
      outcome: 'pending',
      endedAtMs: undefined,
      effect: undefined,
      excuse: undefined,
    }
    this.#entries.push(entry)
    return entry
  }

  end(entry: LedgerEntry, outcome: 'acked' | 'failed' | 'unknown', atMs: number): void {
    assert(entry.outcome === 'pending', 'an operation ends once')
    entry.outcome = outcome
    entry.endedAtMs = atMs
  }

  /** A node crashed: whoever still waits there will never hear. */
  crashed(node: number, atMs: number): void {
    for (const entry of this.#entries) {
      if (entry.node === node && entry.outcome === 'pending') this.end(entry, 'unknown', atMs)
    }
  }
}

/** One line for a person. */
export function describeEntry(entry: LedgerEntry): string {
  const { op } = entry
  const target =
    'map' in op ? `${op.map}/${op.key}` : 'set' in op ? `${op.set}/${op.member}` : `${op.table}/${op.key}`
  return `op ${entry.id} (${op.kind} ${target} at n${entry.node}, ${entry.invokedAtMs.toFixed(1)} ms, ${entry.outcome})`
}
