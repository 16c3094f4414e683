/**
 * Judges a silence record from a peer, and brings it into canonical form.
 *
 * What is quarantined and why: a pattern that RE2 refuses makes an Alertmanager fail the lookup of every alert; a
 * matcher type of the future makes it fail the whole list; no matchers, or only such that hold for absent labels,
 * silence everything. Peers will not send what they would not create themselves, unless they are old, new or hostile.
 */
import { utf8Encode } from '../../base/bytes.ts'
import type { ForeignRecord } from '../../store/core/delta.ts'
import {
  type Admission,
  IDENTITY_BYTES_MAX,
  QUARANTINE_TABLE,
  RECORD_BYTES_MAX,
  refused,
  SILENCE_TABLE,
} from './admission.ts'
import type { MeshSilence } from './alertmanager_pb.ts'
import { readCanonicalSilence } from './canonical-silence.ts'
import { ENDED_VERSION_END_NS, isValidInstant, VERSION_END_NS } from './nanos.ts'
import type { Silence } from './silence.ts'
import {
  decodeMeshSilence,
  recordOf,
  rememberSilence,
  silenceFromMessage,
  silenceRecord,
} from './silence-codec.ts'
import { silenceFault } from './silence-validation.ts'

/** Of what is said of a fault, which quotes a pattern of up to 4 MiB. */
export const REASON_CHARS_MAX = 256

/** By the very record; records are never changed. */
const reasons = new WeakMap<ForeignRecord, string>()

function reasonOf(fault: string): string {
  return fault.length <= REASON_CHARS_MAX ? fault : `${fault.slice(0, REASON_CHARS_MAX - 1)}…`
}

/** Why a record is quarantined, as found when it was judged: a second look at 10,000 patterns would take half a second. */
export function quarantineReason(record: ForeignRecord, silence: Silence): string {
  const reason =
    reasons.get(record) ?? reasonOf(silenceFault(silence) ?? 'valid by the rules of this release')
  reasons.set(record, reason)
  return reason
}

/** @param bytes one record, without its length; never throws */
export function admitSilence(bytes: Uint8Array): Admission {
  if (bytes.length === 0) return refused('RECORD_EMPTY')
  if (bytes.length > RECORD_BYTES_MAX) return refused('RECORD_TOO_LARGE')
  const usual = readCanonicalSilence(bytes)
  // A copy: a view would keep all that came with it.
  if (usual !== undefined) return judged(usual, recordOf(usual, bytes.slice()))
  let message: MeshSilence
  try {
    message = decodeMeshSilence(bytes)
  } catch {
    return refused('RECORD_MALFORMED')
  }
  const silence = silenceFromMessage(message)
  const inner = message.silence
  if (silence === undefined || inner === undefined) return refused('RECORD_EMPTY')
  const instants = [inner.startsAt, inner.endsAt, inner.updatedAt, message.expiresAt]
  return judged(silence, silenceRecord(message), instants.every(isValidInstant))
}

function judged(silence: Silence, record: ForeignRecord, instantsHold = true): Admission {
  if (silence.id === '' || utf8Encode(silence.id).length > IDENTITY_BYTES_MAX)
    return refused('IDENTITY_INVALID')
  // The matchers are written twice, whatever they came as.
  if (record.bytes.length > RECORD_BYTES_MAX) return refused('RECORD_TOO_LARGE')
  const { versionNs } = record
  // What mutes nothing may have a version above all that mute: so every silence can be ended (silence-rules.ts).
  const versionEndNs = silence.startsAtNs === silence.endsAtNs ? ENDED_VERSION_END_NS : VERSION_END_NS
  if (!instantsHold || versionNs < 0n || versionNs >= versionEndNs) {
    return refused('INSTANT_INVALID')
  }
  rememberSilence(record, silence)
  const detail = silenceFault(silence)
  if (detail === undefined)
    return { verdict: 'accepted', put: { table: SILENCE_TABLE, key: silence.id, record } }
  reasons.set(record, reasonOf(detail))
  return { verdict: 'quarantined', put: { table: QUARANTINE_TABLE, key: silence.id, record }, detail }
}
