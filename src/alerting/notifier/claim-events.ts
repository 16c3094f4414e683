/** What the tables of claims tell those that wait for one. */
import type { ReleaseOutcome } from './claim-frames.ts'

/** The claim of another is over. */
export interface Freed {
  readonly holder: string
  /** `gone`: dead, left or restarted; `expired`: neither renewed nor released. */
  readonly outcome: ReleaseOutcome | 'gone' | 'expired'
  /** Of the log entry that was written; only after `sent`. */
  readonly version?: bigint | undefined
  /** Of what was sent; only after `sent`. */
  readonly notificationId?: string
}

/** Each may be called from within any call into the tables. */
export interface ClaimEvents {
  /** We hold the claim that we asked for. */
  held(work: string, nowMs: number): void
  /**
   * A claim of ours, asked for or held, is no more.
   *
   * @param newer version of a log entry that another has and we had not; otherwise another claims the work
   */
  lost(work: string, newer: bigint | undefined, nowMs: number): void
  freed(work: string, freed: Freed, nowMs: number): void
}

/** From its last renewal. A claim is renewed every `RENEW_EVERY_MS` while its holder works. */
export const LEASE_MS = 10_000
export const RENEW_EVERY_MS = 3000
/**
 * Who was stopped for longer than this, between a renewal and a step that relies on the claim, asks again first. Half the
 * lease, and less than it takes to be declared dead.
 */
export const TRUST_MS = 5000
