/**
 * Alerts as a library object: what Prometheus has posted to `/api/v2/alerts` of this replica, and what `post` was given. Each
 * replica has its own; nothing here is shared with the others or kept on disk.
 */
import { type Alerts, byFingerprint, type HeldAlert } from '../alerting/alerts.ts'
import { isResolved } from '../alerting/core/alert.ts'
import type { AlertRequest } from '../alerting/core/alert-rules.ts'
import { ZERO_TIME_NS } from '../alerting/core/nanos.ts'
import { HearsayError } from '../base/errors.ts'
import type { ChangeStream } from './change-stream.ts'
import { type Instant, nanosOfInstant } from './instant.ts'
import type { LatestValues } from './latest-values.ts'
import { checkOptionNames, optionInvalid } from './option-names.ts'

/** What `alerts.post` takes. */
export interface AlertOptions {
  /** At least one; those with an empty value count as absent. */
  readonly labels: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  /** Default: now, or `endsAt` where that is given. */
  readonly startsAt?: Instant
  /** Default: five minutes from now, unless it is posted again. In the past: it is resolved. */
  readonly endsAt?: Instant
  readonly generatorURL?: string
}

/** An alert as this replica knows it. */
export interface ReplicaAlert {
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly startsAt: Date
  readonly endsAt: Date
  /** When it was posted last. */
  readonly updatedAt: Date
  /** Empty when nobody said. */
  readonly generatorURL: string
  /** Names its labels, 16 hexadecimal digits. */
  readonly fingerprint: string
  /** As it was when you asked. */
  readonly status: 'firing' | 'resolved'
}

/** Something has been posted. */
export interface AlertsChange {
  /** Counts the posts that changed something since the replica was opened. */
  readonly posts: number
}

const POST: readonly string[] = [
  'labels',
  'annotations',
  'startsAt',
  'endsAt',
  'generatorURL',
] satisfies (keyof AlertOptions)[]

/** The alerts of this replica. */
export class ReplicaAlerts {
  readonly #alerts: Alerts
  readonly #posted: LatestValues

  /** Made by `openReplica`. */
  constructor(alerts: Alerts, posted: LatestValues) {
    this.#alerts = alerts
    this.#posted = posted
  }

  /** Those that fire just now, by fingerprint. */
  active(): readonly ReplicaAlert[] {
    return this.all().filter(({ status }) => status === 'firing')
  }

  /** Those too that have resolved within the last half hour, by fingerprint. */
  all(): readonly ReplicaAlert[] {
    const nowNs = this.#alerts.nowNs()
    const held = [...this.#alerts.snapshot()].sort(byFingerprint)
    return held.map((one) => shown(one, nowNs))
  }

  /**
   * Takes alerts as `POST /api/v2/alerts` does: one with labels that are known goes on with that alert. In memory, at once.
   * What is valid and finds room is taken, whatever the others are.
   * @throws HearsayError `ALERT_INVALID` (what is wrong with each, one a line), `ALERTS_FULL`, `OPTION_INVALID`, `DATE_MALFORMED`;
   *   after the last two nothing has been taken
   */
  post(alerts: readonly AlertOptions[]): void {
    const { faults, refused } = this.#alerts.post(alerts.map(requestOf))
    if (refused > 0) throw new HearsayError('ALERTS_FULL', this.#alerts.fullText(refused, alerts.length))
    if (faults.length > 0) throw new HearsayError('ALERT_INVALID', faults.join('\n'))
  }

  /**
   * Once at the start, then after each post that changed something; who is slow misses those in between, never the last. An
   * alert that resolves because its time is up is no change here: look at `all()` when you are about to notify.
   * @param options.signal ends the iteration: it throws the signal's reason
   */
  changes({ signal }: { readonly signal?: AbortSignal } = {}): ChangeStream<AlertsChange> {
    return this.#posted.stream(
      () => this.#alerts.stats.posts,
      (posts) => ({ posts }),
      signal,
    )
  }
}

function shown({ fingerprint, alert }: HeldAlert, nowNs: bigint): ReplicaAlert {
  return {
    labels: alert.labels,
    annotations: alert.annotations,
    startsAt: dateOf(alert.startsAtNs),
    endsAt: dateOf(alert.endsAtNs),
    updatedAt: dateOf(alert.updatedAtNs),
    generatorURL: alert.generatorUrl,
    fingerprint,
    status: isResolved(alert, nowNs) ? 'resolved' : 'firing',
  }
}

function dateOf(ns: bigint): Date {
  return new Date(Number(ns / 1_000_000n))
}

function requestOf(alert: AlertOptions, index: number): AlertRequest {
  const path = `alerts[${index}].`
  checkOptionNames(path, alert, POST)
  const { labels, annotations = {}, startsAt, endsAt, generatorURL = '' } = alert
  if (typeof generatorURL !== 'string') throw optionInvalid(`${path}generatorURL`, 'must be a text')
  return {
    labels: checkedTexts(`${path}labels`, labels),
    annotations: checkedTexts(`${path}annotations`, annotations),
    startsAtNs: startsAt === undefined ? ZERO_TIME_NS : nanosOfInstant(startsAt),
    endsAtNs: endsAt === undefined ? ZERO_TIME_NS : nanosOfInstant(endsAt),
    generatorUrl: generatorURL,
  }
}

function checkedTexts(
  path: string,
  texts: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const isObject = typeof texts === 'object' && texts !== null && !Array.isArray(texts)
  if (isObject && Object.values(texts).every((text) => typeof text === 'string')) return { ...texts }
  throw optionInvalid(path, 'must be an object of texts')
}
