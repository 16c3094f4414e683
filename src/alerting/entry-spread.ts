/**
 * What becomes of a log entry that is on disk here: who else has it before its sender goes on.
 *
 * The notification has left, so nothing may refuse its entry any more. The live hearsay members have a second to say that
 * they have it; one that does not is counted and left to anti-entropy. Who wants more, or less, says so with `ack`: what
 * cannot be had, because members are dead or too many writes wait, is told and not thrown, after the live ones have been
 * asked all the same. Alertmanagers are told by gossip and asked for nothing.
 */
import { HearsayError } from '../base/errors.ts'
import type { Tally } from '../base/tally.ts'
import type { Member } from '../gossip/core/delegate.ts'
import type { KnownPeer } from '../gossip/core/reconnect.ts'
import {
  type Ack,
  type Acknowledgements,
  type AckPlan,
  type AckResult,
  neededOf,
} from '../store/core/acknowledgement.ts'
import type { Delta } from '../store/core/delta.ts'
import { ackRoster } from '../store/replication/ack-roster.ts'

export interface EntrySpreadDeps {
  /** Of this replica. */
  readonly name: string
  /** All known; empty without gossip. */
  readonly members: () => readonly Member[]
  /** Those that gossip lists no more but still misses; for `ack` alone. Default none. */
  readonly lost?: () => readonly KnownPeer[]
  readonly acks: Acknowledgements
  /** Counts entries that not all had in time. */
  readonly dropped: Tally
}

export interface EntrySpreadOptions {
  /** Default: all hearsay members that are alive just now. */
  readonly ack?: Ack | undefined
  /** Default 1 s. */
  readonly timeoutMs?: number | undefined
}

export interface EntrySpread extends AckResult {
  /** How many replicas were to have it, this one included. */
  readonly needed: number
}

export const ENTRY_ACK_MS = 1000

/** @param deltas of an entry that is durable here @returns after `timeoutMs` at the latest; never rejects */
export async function spreadEntry(
  deps: EntrySpreadDeps,
  deltas: readonly Delta[],
  { ack, timeoutMs = ENTRY_ACK_MS }: EntrySpreadOptions = {},
): Promise<EntrySpread> {
  const { name, members, lost, acks, dropped } = deps
  const { size, listed } = ackRoster(members(), lost?.() ?? [])
  const alive = listed.filter(({ liveness }) => liveness === 'alive').length + 1
  const needed = ack === undefined ? alive : neededOf(ack, size)
  const plan = planned(acks, needed) ?? planned(acks, alive)
  const { acked } = plan === undefined ? { acked: [name] } : await acks.confirm(plan, deltas, timeoutMs)
  // Without a change there is nothing that others could lack.
  const reached = acked.length >= needed || deltas.length === 0
  if (!reached) dropped.add('notification_entry_not_acknowledged')
  return { reached, acked, needed }
}

/** @returns undefined for more than can be reached, or when too many writes wait already */
function planned(acks: Acknowledgements, needed: number): AckPlan | undefined {
  try {
    return acks.plan(needed)
  } catch (error) {
    if (!(error instanceof HearsayError)) throw error
    return undefined
  }
}
