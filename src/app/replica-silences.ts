/**
 * Silences as a library object: what a service that sends alerts asks of them. They are those of the cluster, shared with
 * Alertmanagers, and of the HTTP interface.
 */

import { parseDateTime } from '../alerting/core/date-time.ts'
import { matchesValue } from '../alerting/core/matcher.ts'
import { parseMatcher } from '../alerting/core/matcher-parser.ts'
import { nanosFromMs, ZERO_TIME_NS } from '../alerting/core/nanos.ts'
import { type Silence, silenceState } from '../alerting/core/silence.ts'
import type { Silences } from '../alerting/silences.ts'
import { HearsayError } from '../base/errors.ts'

/** A point in time: a Date, or RFC 3339 text such as `2026-11-21T09:00:00Z`. */
export type Instant = Date | string

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
      startsAtNs: startsAt === undefined ? ZERO_TIME_NS : nanosOf(startsAt),
      endsAtNs: nanosOf(endsAt),
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
    const nowNs = this.#silences.nowNs()
    const found: string[] = []
    for (const silence of this.#silences.all()) {
      if (silenceState(silence, nowNs) === 'active' && mutes(silence, labels)) found.push(silence.id)
    }
    return found.sort((a, b) => (a < b ? -1 : 1))
  }
}

function mutes(silence: Silence, labels: Readonly<Record<string, string>>): boolean {
  return silence.matcherSets.some((matchers) =>
    matchers.every((matcher) =>
      matchesValue(matcher, Object.hasOwn(labels, matcher.name) ? (labels[matcher.name] ?? '') : ''),
    ),
  )
}

function nanosOf(instant: Instant): bigint {
  if (instant instanceof Date && !Number.isNaN(instant.getTime())) return nanosFromMs(instant.getTime())
  const ns = typeof instant === 'string' && instant !== '' ? parseDateTime(instant) : undefined
  if (ns === undefined) throw new HearsayError('DATE_MALFORMED', `not a point in time: ${String(instant)}`)
  return ns
}
