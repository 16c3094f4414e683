/**
 * Puts records of several mutations into one delta, as many as fill a packet: a message has a price of its own, to make, to
 * send and to take in, and a batch of ten silences would pay it ten times. Nothing ties a record to the mutation that it
 * came from, so this is always sound; map entries and set elements stay with what they cover.
 */
import type { Delta, RecordPut } from './delta.ts'

/** Record bytes that share a delta: with keys, versions and frame it fits a packet of 1,400 bytes. */
export const GATHERED_BYTES_MAX = 1100
/** Table, version, expiry and lengths. */
const RECORD_OVERHEAD_BYTES = 28

export function gatherRecords(deltas: readonly Delta[]): readonly Delta[] {
  const gathered: Delta[] = []
  let records: RecordPut[] = []
  let bytes = 0
  for (const delta of deltas) {
    if (delta.puts.length + delta.adds.length + delta.covered.length > 0) {
      gathered.push(delta)
      continue
    }
    for (const put of delta.records) {
      const more = put.record.bytes.length + put.key.length + RECORD_OVERHEAD_BYTES
      if (records.length > 0 && bytes + more > GATHERED_BYTES_MAX) {
        gathered.push({ puts: [], adds: [], covered: [], records })
        records = []
        bytes = 0
      }
      records.push(put)
      bytes += more
    }
  }
  if (records.length > 0) gathered.push({ puts: [], adds: [], covered: [], records })
  return gathered
}
