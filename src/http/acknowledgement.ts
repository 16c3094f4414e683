/**
 * `?ack=` and `?timeout=` of writes: how many replicas must have the write on disk before the answer is 200. Planned
 * before the write, so that what cannot be met writes nothing; counted after it. What was not met in time is answered
 * with 202 and the names of those who have it: the write stays, and goes on spreading.
 */
import {
  ACK_TIMEOUT_MS,
  type Ack,
  type Acknowledgements,
  type AckPlan,
  parseAck,
} from '../store/core/acknowledgement.ts'
import type { Delta } from '../store/core/delta.ts'
import { durationParameter, queryFault } from './query-fault.ts'

/** Longest wait for other replicas: a client that waits longer does better to ask again. */
export const ACK_TIMEOUT_MS_MAX = 60_000

export interface AcknowledgementQuery {
  readonly ack?: string
  readonly timeout?: string
}

export interface Acknowledged {
  /** 200, 201 and 204 when true; 202 when not. */
  readonly reached: boolean
  /** Names of the replicas that have the write on disk, this one first. */
  readonly acked: string[]
  /** How many were to have it. */
  readonly needed: number
}

/** What a query says, where it says so. */
export interface AskedFor {
  readonly ack: Ack | undefined
  readonly timeoutMs: number | undefined
}

/** Of a write that waits for this replica only. */
type Local = 'local'
type Planned = { readonly plan: AckPlan; readonly timeoutMs: number }

export class Acknowledger {
  readonly #acks: Acknowledgements
  readonly #local: Acknowledged

  /** @param name of this replica */
  constructor(acks: Acknowledgements, name: string) {
    this.#acks = acks
    this.#local = { reached: true, acked: [name], needed: 1 }
  }

  /**
   * @throws HttpError `HTTP_QUERY_INVALID`, `DURATION_MALFORMED`, `ACK_UNREACHABLE`, `ACK_OVERLOADED`
   */
  plan(query: AcknowledgementQuery): Planned | Local {
    const { ack, timeoutMs = ACK_TIMEOUT_MS } = askedFor(query)
    if (ack === undefined) return 'local'
    const plan = this.#acks.plan(ack)
    return plan.needed === 1 ? 'local' : { plan, timeoutMs }
  }

  /** For a write that is durable here. */
  async confirm(planned: Planned | Local, deltas: readonly Delta[]): Promise<Acknowledged> {
    if (planned === 'local') return this.#local
    const { plan, timeoutMs } = planned
    const { reached, acked } = await this.#acks.confirm(plan, deltas, timeoutMs)
    return { reached, acked: [...acked], needed: plan.needed }
  }
}

/** @throws HttpError `HTTP_QUERY_INVALID`, `DURATION_MALFORMED` */
export function askedFor({ ack, timeout }: AcknowledgementQuery): AskedFor {
  const timeoutMs = timeout === undefined ? undefined : durationParameter('timeout', timeout)
  if (timeoutMs === 0 || (timeoutMs ?? 0) > ACK_TIMEOUT_MS_MAX) {
    throw queryFault('timeout', 'timeout must be more than 0 and at most 60s')
  }
  const parsed = ack === undefined ? undefined : parseAck(ack)
  if (ack === undefined || parsed !== undefined) return { ack: parsed, timeoutMs }
  throw queryFault(
    'ack',
    `ack must be local, a number from 1 to 9999, majority or all: ${JSON.stringify(ack)}`,
  )
}
