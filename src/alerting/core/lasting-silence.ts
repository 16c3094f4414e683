/**
 * Never back from the dead: of two versions of one silence, what is held outlasts both.
 *
 * An ended silence is its own tombstone and goes at its `expires_at`. Alertmanager sets that to the end plus its retention
 * whatever the version before said: a silence that was to end in 30 days and is expired on the first is forgotten on
 * the sixth, and a peer that was away until the twentieth brings it back. So the version that wins takes over the later
 * `expires_at`: as the same silence, stamped one nanosecond higher, because peers take nothing of an equal stamp.
 *
 * It does not matter which of the two was here first: replicas that meet the same two make the same bytes. And it
 * ends: a lift gives a version an expiry that some version had already, and a later one than it had itself, so each
 * version is lifted at most as often as there are different expiries. An Alertmanager takes the lifted version and lifts
 * nothing itself.
 *
 * What cannot be known: a version that nobody here has seen, which outlasts every one that was. It comes back if it
 * arrives when all is forgotten. And where the stamps end (nanos.ts) a version stays as it came.
 */
import type { ForeignRecord } from '../../store/core/delta.ts'
import { compareRecords } from '../../store/core/record-tables.ts'
import { ENDED_VERSION_END_NS, VERSION_END_NS } from './nanos.ts'
import { encodeSilence, silenceFromRecord } from './silence-codec.ts'

/**
 * Expiries are compared in whole milliseconds, as the store goes by them.
 *
 * @param a one version as admitted, `b` another of the same silence; their order means nothing
 * @returns the one that wins, itself or lifted
 */
export function lastingSilence(a: ForeignRecord, b: ForeignRecord): ForeignRecord {
  const [winner, loser] = compareRecords(a, b) >= 0 ? [a, b] : [b, a]
  if (loser.expiresAtMs <= winner.expiresAtMs) return winner
  const [silence, other] = [silenceFromRecord(winner), silenceFromRecord(loser)]
  if (silence === undefined || other === undefined) return winner
  const updatedAtNs = winner.versionNs + 1n
  const isEmpty = silence.startsAtNs === silence.endsAtNs
  if (updatedAtNs >= (isEmpty ? ENDED_VERSION_END_NS : VERSION_END_NS)) return winner
  return encodeSilence({ ...silence, updatedAtNs, expiresAtNs: other.expiresAtNs })
}
