/**
 * What the HTTP items are asked of: a running server and the release it behaves as. Hearsay follows 0.34; the Alertmanager
 * that can be installed is 0.25, and what it answers otherwise is in differences.ts.
 */
import type { Difference } from './differences.ts'

export type Release = '0.34' | '0.25'

export interface Subject {
  readonly name: string
  readonly release: Release
  readonly url: string
  /** Another server of the same kind, all of it below this path. */
  startUnder(prefix: string): Promise<Subject>
  stop(): Promise<void>
}

/** Receivers of every subject, in this order: configured, or for hearsay, which routes nothing, named by claims. */
export const RECEIVERS: readonly string[] = ['none', 'team-b', 'team-a']

/** What `subject` is to answer where releases differ. */
export function expected<T>(difference: Difference<T>, subject: Subject): T {
  return difference[subject.release]
}
