/**
 * Silences as a library object: what a service that sends alerts asks of them. They are those of the cluster, shared with
 * Alertmanagers, and of the HTTP interface.
 */

import { formatMatcher } from '../alerting/core/matcher.ts'
import { parseMatcher } from '../alerting/core/matcher-parser.ts'
import { ZERO_TIME_NS } from '../alerting/core/nanos.ts'
import { type Silence, type SilenceState, shownSilenceState } from '../alerting/core/silence.ts'
import type { Silences } from '../alerting/silences.ts'
import { type Instant, nanosOfInstant } from './instant.ts'
import { checkOptionNames, optionInvalid } from './option-names.ts'

export type { Instant, SilenceState }

/** What `silences.create` takes. */
export interface SilenceOptions {
  /** As people type them: `alertname="DiskFull"`, `instance=~"db-.*"`, `severity!="info"`. All must hold. */
  readonly matchers: readonly string[]
  /** Default: now. */
  readonly startsAt?: Instant
  readonly endsAt: Instant
  readonly createdBy: string
  readonly comment: string
  /** Text by name, for programs; Alertmanagers before 0.32 keep it and do not show it. Default: none. */
  readonly annotations?: Readonly<Record<string, string>>
}

/** What `silences.query` takes; all of it must hold. */
export interface SilenceFilter {
  /** Matchers that a silence must have, to the letter; not labels that it would match. Default: any. */
  readonly filters?: readonly string[]
  /** Default: all three. */
  readonly states?: readonly SilenceState[]
}

/** A silence as this replica knows it: a copy of your own. */
export interface ReplicaSilence {
  readonly id: string
  /** As it was when you asked. */
  readonly state: SilenceState
  /** As `create` takes them. */
  readonly matchers: readonly string[]
  /** Sets of which any one may match instead; only Alertmanagers from 0.32 on make them, and hardly ever. */
  readonly otherMatcherSets: readonly (readonly string[])[]
  readonly startsAt: Date
  readonly endsAt: Date
  /** When it was changed last. */
  readonly updatedAt: Date
  readonly createdBy: string
  readonly comment: string
  readonly annotations: Readonly<Record<string, string>>
}

const CREATE: readonly string[] = [
  'matchers',
  'startsAt',
  'endsAt',
  'createdBy',
  'comment',
  'annotations',
] satisfies (keyof SilenceOptions)[]
const STATES: readonly SilenceState[] = ['active', 'pending', 'expired']

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
   *   everything, ...), `SILENCES_MAX`, `SILENCE_TOO_LARGE`, `DATE_MALFORMED`, `OPTION_INVALID`, and what a write throws
   */
  async create(options: SilenceOptions): Promise<string> {
    checkOptionNames('', options, CREATE)
    const { matchers, startsAt, endsAt, createdBy, comment, annotations = {} } = options
    return this.#silences.create({
      id: '',
      matchers: parsedMatchers(matchers),
      startsAtNs: startsAt === undefined ? ZERO_TIME_NS : nanosOfInstant(startsAt),
      endsAtNs: nanosOfInstant(endsAt),
      createdBy: checkedText('createdBy', createdBy),
      comment: checkedText('comment', comment),
      annotations: annotationMap(annotations),
    })
  }

  /**
   * Changes what is named and leaves the rest. Other matchers, or another start of one that is active, make a new silence
   * and end this one; so does any change of one that has ended. Resolves once fsynced here.
   * @returns the id of the silence as it is then
   * @throws HearsayError `SILENCE_NOT_FOUND`, and as `create`
   */
  async update(id: string, changes: Partial<SilenceOptions>): Promise<string> {
    checkOptionNames('', changes, CREATE)
    const { matchers, startsAt, endsAt, createdBy, comment, annotations } = changes
    const newMatchers = matchers === undefined ? undefined : parsedMatchers(matchers)
    return this.#silences.update(id, (existing) => {
      const [kept = [], ...others] = existing.matcherSets
      return {
        id,
        matchers: newMatchers ?? kept,
        ...(newMatchers === undefined ? { otherMatcherSets: others } : {}),
        startsAtNs: startsAt === undefined ? existing.startsAtNs : nanosOfInstant(startsAt),
        endsAtNs: endsAt === undefined ? existing.endsAtNs : nanosOfInstant(endsAt),
        createdBy: createdBy === undefined ? existing.createdBy : checkedText('createdBy', createdBy),
        comment: comment === undefined ? existing.comment : checkedText('comment', comment),
        annotations: annotations === undefined ? existing.annotations : annotationMap(annotations),
      }
    })
  }

  /** Ends one now; resolves once fsynced here. @throws HearsayError `SILENCE_NOT_FOUND`, and what a write throws */
  expire(id: string): Promise<void> {
    return this.#silences.expire(id)
  }

  /** One of them, also for some days after its end; or `undefined`. */
  get(id: string): ReplicaSilence | undefined {
    const silence = this.#silences.get(id)
    return silence === undefined ? undefined : shown(silence, this.#silences.nowNs())
  }

  /**
   * Active ones by their end, then pending ones by their start, then expired ones with the latest end first.
   * @throws HearsayError `MATCHER_MALFORMED`, `OPTION_INVALID`
   */
  query(filter: SilenceFilter = {}): readonly ReplicaSilence[] {
    checkOptionNames('', filter, ['filters', 'states'])
    const { filters = [], states = STATES } = filter
    const unknown = states.find((state) => !STATES.includes(state))
    if (unknown !== undefined)
      throw optionInvalid('states', `has ${String(unknown)}; there are ${STATES.join(', ')}`)
    const nowNs = this.#silences.nowNs()
    const found = this.#silences.query({ filters: parsedMatchers(filters), states: new Set(states) })
    return found.map((silence) => shown(silence, nowNs))
  }

  /** Ids of the silences that mute an alert with these labels just now, sorted; empty: it is not muted. */
  matching(labels: Readonly<Record<string, string>>): readonly string[] {
    return this.#silences.matching(labels)
  }
}

function shown(silence: Silence, nowNs: bigint): ReplicaSilence {
  const [matchers = [], ...others] = silence.matcherSets.map((set) => set.map(formatMatcher))
  const { id, createdBy, comment } = silence
  return {
    id,
    state: shownSilenceState(silence, nowNs),
    matchers,
    otherMatcherSets: others,
    startsAt: dateOf(silence.startsAtNs),
    endsAt: dateOf(silence.endsAtNs),
    updatedAt: dateOf(silence.updatedAtNs),
    createdBy,
    comment,
    annotations: Object.fromEntries(silence.annotations),
  }
}

/** Earlier by less than a millisecond, never later: a start that is given back stays in its second. */
function dateOf(ns: bigint): Date {
  const ms = ns / 1_000_000n
  return new Date(Number(ms * 1_000_000n > ns ? ms - 1n : ms))
}

function parsedMatchers(texts: readonly string[]): ReturnType<typeof parseMatcher>[] {
  if (!Array.isArray(texts) || !texts.every((text) => typeof text === 'string')) {
    throw optionInvalid('matchers', 'must be a list of texts')
  }
  return texts.map(parseMatcher)
}

function checkedText(name: string, text: string): string {
  if (typeof text !== 'string') throw optionInvalid(name, 'must be text')
  return text
}

function annotationMap(annotations: Readonly<Record<string, string>>): ReadonlyMap<string, string> {
  const entries = Object.entries(annotations)
  for (const [name, text] of entries) checkedText(`annotations.${name}`, text)
  return new Map(entries)
}
