/**
 * Silences as a library object: what a service that sends alerts asks of them. They are those of the cluster, shared with
 * Alertmanagers, and of the HTTP interface.
 */

import { parseMatcher } from '../alerting/core/matcher-parser.ts'
import { ZERO_TIME_NS } from '../alerting/core/nanos.ts'
import type { Silences } from '../alerting/silences.ts'
import { type Instant, nanosOfInstant } from './instant.ts'

export type { Instant }

/** What `silences.create` takes. */
export interface SilenceOptions {
  /** As people type them: `alertname="DiskFull"`, `instance=~"db-.*"`, `severity!="info"`. All must hold. */
  readonly matchers: readonly string[]
  /** Default: now. */
  readonly startsAt?: Instant
  readonly endsAt: Instant
  readonly createdBy: string
  readonly comment: string
}

/** The silences of the cluster, as known here. */
export class ReplicaSilences {
  readonly #silences: Silences

  /** Made by `openReplica`. */
  constructor(silences: Silences) {
    this.#silences = silences
  }

  /**
   * Resolves once fsynced here.
   * @returns its id
   * @throws HearsayError `MATCHER_MALFORMED`, `SILENCE_INVALID` (as Alertmanager judges: ends before it starts, matches
   *   everything, ...), `DATE_MALFORMED`, and what a write throws
   */
  async create(options: SilenceOptions): Promise<string> {
    const { matchers, startsAt, endsAt, createdBy, comment } = options
    return this.#silences.create({
      id: '',
      matchers: matchers.map(parseMatcher),
      startsAtNs: startsAt === undefined ? ZERO_TIME_NS : nanosOfInstant(startsAt),
      endsAtNs: nanosOfInstant(endsAt),
      createdBy,
      comment,
      annotations: new Map(),
    })
  }

  /** Ends one now; resolves once fsynced here. @throws HearsayError `SILENCE_NOT_FOUND`, and what a write throws */
  expire(id: string): Promise<void> {
    return this.#silences.expire(id)
  }

  /** Ids of the silences that mute an alert with these labels just now, sorted; empty: it is not muted. */
  matching(labels: Readonly<Record<string, string>>): readonly string[] {
    return this.#silences.matching(labels)
  }
}
