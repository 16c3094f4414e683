/**
 * The verdict on one record from a peer. Records come from whoever can reach the gossip port, and Alertmanagers pass on
 * anything; what is wrong with one record must cost its neighbours nothing.
 *
 * - accepted: goes into its table.
 * - quarantined: has an identity and a version, but acting on it would do harm (see silence-admission.ts). It goes into
 *   a table of its own, where it converges like any other, is listed by id, and touches no query.
 * - refused: cannot even be identified, or not be ordered; counted and dropped.
 */
import type { RecordPut } from '../../store/core/delta.ts'

/** Silences in effect. */
export const SILENCE_TABLE = 'sil'
/** Silences that were well formed but not valid. */
export const QUARANTINE_TABLE = 'sil-quarantine'
/** The notification log. */
export const NOTIFICATION_TABLE = 'nfl'

/** Decoding stops being worth it above this; Go's readers cap a record at the same size. */
export const RECORD_BYTES_MAX: number = 4 * 1024 * 1024
/** Identities become keys of the store. Those of the notification log name every matcher and label of a group. */
export const IDENTITY_BYTES_MAX = 4096

export type RefusalReason =
  | 'RECORD_MALFORMED'
  | 'RECORD_TOO_LARGE'
  | 'RECORD_EMPTY'
  | 'IDENTITY_INVALID'
  | 'INSTANT_INVALID'

export type Admission =
  | { readonly verdict: 'accepted'; readonly put: RecordPut }
  | { readonly verdict: 'quarantined'; readonly put: RecordPut; readonly detail: string }
  | { readonly verdict: 'refused'; readonly reason: RefusalReason }

export function refused(reason: RefusalReason): Admission {
  return { verdict: 'refused', reason }
}
