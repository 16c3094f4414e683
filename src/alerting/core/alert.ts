/**
 * An alert: labels that say what is wrong, from one instant to another. Its labels are its identity, by their fingerprint.
 *
 * Whoever posts it names an end in the near future and posts again before that, or names an end that has passed and so
 * resolves it. Where no end is named, one is assumed; `endIsAssumed` keeps such a guess from outlasting a named end.
 */

export type LabelSet = Readonly<Record<string, string>>

export interface Alert {
  /** None with an empty value. */
  readonly labels: LabelSet
  readonly annotations: LabelSet
  readonly startsAtNs: bigint
  readonly endsAtNs: bigint
  /** When it was posted last, by the clock here. */
  readonly updatedAtNs: bigint
  readonly endIsAssumed: boolean
  /** Where it comes from; empty when nobody said. */
  readonly generatorUrl: string
}

/** At exactly its end it is resolved. */
export function isResolved(alert: Alert, nowNs: bigint): boolean {
  return alert.endsAtNs <= nowNs
}
