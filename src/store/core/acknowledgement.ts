/**
 * How many replicas must have a write on their disk before it counts as done: the face of the write concern towards
 * HTTP and embedders. The machinery is store/replication/write-concern.ts.
 *
 * Three steps. `plan` before the write, so that a concern that cannot be met writes nothing; then the write, durable
 * here; then `confirm`, which asks the others. What `confirm` does not reach in time is not undone: the write is durable
 * here and goes on spreading, and the answer names who has it.
 *
 * The roster is the hearsay members that have not left, this replica included, be they alive, dead or long out of sight
 * (store/replication/ack-roster.ts); Alertmanagers hold none of this state.
 */
import { HearsayError } from '../../base/errors.ts'
import type { Delta } from './delta.ts'

/** A number counts this replica: 1 and `local` are the same. */
export type Ack = 'local' | 'majority' | 'all' | number

export interface AckPlan {
  /** Replicas that must have the write, this one included. */
  readonly needed: number
  /** The other members of the roster that gossip lists, by name, when the plan was made. */
  readonly others: readonly string[]
}

export interface AckResult {
  /** Whether `needed` replicas have it. */
  readonly reached: boolean
  /** Who has it on disk: this replica first, then the others in the order of their answers. */
  readonly acked: readonly string[]
}

export interface Acknowledgements {
  /**
   * @throws HearsayError `ACK_UNREACHABLE` when fewer members can be reached than are needed; `ACK_OVERLOADED` when too
   *   many writes wait for other replicas already; `ACK_MALFORMED` for what is no whole number from 1
   */
  plan(ack: Ack): AckPlan
  /**
   * Resolves when enough replicas have `deltas` on disk, or after `timeoutMs`; never rejects. At once when the plan needs
   * this replica only.
   * @param deltas of a write that is durable here
   */
  confirm(plan: AckPlan, deltas: readonly Delta[], timeoutMs: number): Promise<AckResult>
}

/** What became of writes that waited for other replicas. */
export interface WriteConcernStats {
  /** Writes that wait for other replicas just now. */
  readonly waiting: number
  readonly reached: number
  readonly notReached: number
  /** Answers that came when nobody waited any more. */
  readonly late: number
}

/** How long a write waits for other replicas when the caller does not say. */
export const ACK_TIMEOUT_MS = 2000

const WORDS: readonly string[] = ['local', 'majority', 'all'] satisfies Ack[]
const FORM = /^(?:local|majority|all|[1-9]\d{0,3})$/

/** @returns undefined when the text is none of `local`, `majority`, `all` or a number from 1 to 9999 */
export function parseAck(text: string): Ack | undefined {
  if (!FORM.test(text)) return undefined
  return text === 'local' || text === 'majority' || text === 'all' ? text : Number(text)
}

/** For programs without types. @throws HearsayError `ACK_MALFORMED` */
export function checkAck(ack: Ack): void {
  if (typeof ack === 'number' ? Number.isSafeInteger(ack) && ack >= 1 : WORDS.includes(ack)) return
  throw new HearsayError('ACK_MALFORMED', `ack must be local, majority, all or a number from 1: ${ack}`)
}

/** @param rosterSize this replica included */
export function neededOf(ack: Ack, rosterSize: number): number {
  if (ack === 'local') return 1
  if (ack === 'all') return rosterSize
  return ack === 'majority' ? Math.floor(rosterSize / 2) + 1 : ack
}
