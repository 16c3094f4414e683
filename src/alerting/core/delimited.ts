/**
 * Lists of records as Go writes them: each after its length as a varint, nothing between. There is no marker to find the
 * next record by, so a record that is wrong inside costs only itself, but a length that runs over the end costs the rest.
 */
import { ByteReader, BytesError, type ByteWriter } from '../../base/bytes.ts'

/**
 * @param visit gets a view of each record in turn, and says whether to go on
 * @returns whether the list was read to its end, and that was where a record ended
 */
export function readDelimited(bytes: Uint8Array, visit: (record: Uint8Array) => boolean): boolean {
  const reader = new ByteReader(bytes)
  while (reader.remaining > 0) {
    let record: Uint8Array
    try {
      record = reader.bytes()
    } catch (error) {
      if (error instanceof BytesError) return false
      throw error
    }
    if (!visit(record)) return false
  }
  return true
}

export function writeDelimited(writer: ByteWriter, record: Uint8Array): void {
  writer.bytes(record)
}
