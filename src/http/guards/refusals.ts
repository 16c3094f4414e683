/** Counts what the guards refused, by reason: a closed set, there from the start, so that a rate can be taken of each. */
import type { Sample } from '../metrics/registry.ts'

const REASONS = [
  'host',
  'cross-site',
  'connections',
  'connections-of-address',
  'requests',
  'requests-of-connection',
  'body-memory',
  'answer-memory',
  'event-loop-delay',
  'rate',
  'headers',
  'malformed',
  'slow-request',
  'slow-body',
  'slow-reader',
  'answer-timeout',
] as const

export type RefusalReason = (typeof REASONS)[number]

export class Refusals {
  readonly #counts = new Map<RefusalReason, number>(REASONS.map((reason) => [reason, 0]))

  count(reason: RefusalReason): void {
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + 1)
  }

  of(reason: RefusalReason): number {
    return this.#counts.get(reason) ?? 0
  }

  *samples(): Iterable<Sample> {
    for (const [reason, value] of this.#counts) {
      yield { name: 'hearsay_http_refused_total', value, labels: { reason } }
    }
  }
}
