/**
 * What an Alertmanager keeps on its disk: a file of silences and one of the notification log, each a list of the records
 * that it would gossip, without header or checksum.
 *
 * So the records get the verdict of those from peers: a bad one costs only itself. But where a length runs over the end
 * the file was cut or is no such file, and nothing of it is believed: an operator who restores half of the silences
 * should know it, and Alertmanager would not start from that file either.
 */
import { ByteReader, BytesError } from '../../base/bytes.ts'
import { HearsayError } from '../../base/errors.ts'
import type { RecordPut } from '../../store/core/delta.ts'
import { compareRecords, isExpired } from '../../store/core/record-tables.ts'
import type { Admission } from './admission.ts'

/** The records of both files, the newest of each key. */
export class ImportedRecords {
  readonly #puts = new Map<string, RecordPut>()

  /** @returns whether it is new, or newer than what is there */
  add(put: RecordPut): boolean {
    const name = `${put.table}\0${put.key}`
    const held = this.#puts.get(name)
    if (held !== undefined && compareRecords(put.record, held.record) <= 0) return false
    this.#puts.set(name, put)
    return true
  }

  puts(): Iterable<RecordPut> {
    return this.#puts.values()
  }
}

/** How the records of one file were judged. One with the key of an earlier and newer record is not counted. */
export interface FileCounts {
  accepted: number
  /** Kept, but acting on them would do harm (silence-admission.ts). */
  quarantined: number
  /** Unreadable, without identity, or without order; left out. */
  refused: number
  /** Past the time at which replicas forget them; left out. */
  expired: number
}

/**
 * @param bytes of a file; records are copied or views of it
 * @param admit judges one record
 * @param name of the file, for the error
 * @throws HearsayError `SNAPSHOT_DAMAGED` with the byte where a record begins that is not there in full
 */
export function importFile(
  bytes: Uint8Array,
  admit: (record: Uint8Array) => Admission,
  into: ImportedRecords,
  { name, nowMs }: { readonly name: string; readonly nowMs: number },
): FileCounts {
  const counts: FileCounts = { accepted: 0, quarantined: 0, refused: 0, expired: 0 }
  for (const record of recordsIn(bytes, name)) {
    const admission = admit(record)
    if (admission.verdict === 'refused') counts.refused++
    else if (isExpired(admission.put.record, nowMs)) counts.expired++
    else if (into.add(admission.put)) counts[admission.verdict]++
  }
  return counts
}

function* recordsIn(bytes: Uint8Array, name: string): Generator<Uint8Array> {
  const reader = new ByteReader(bytes)
  while (reader.remaining > 0) {
    const at = reader.position
    try {
      yield reader.bytes()
    } catch (cause) {
      if (!(cause instanceof BytesError)) throw cause
      const fault = `the record there runs over the end of the file, at ${bytes.length}`
      throw new HearsayError('SNAPSHOT_DAMAGED', `${name} is damaged at byte ${at}: ${fault}`, { cause })
    }
  }
}
