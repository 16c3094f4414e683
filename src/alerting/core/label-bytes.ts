/**
 * Labels as the bytes that identify them: what both the fingerprint of an alert and its hash in the notification log are
 * made of. Names in the order of their UTF-8 bytes, each name and each value followed by `FF`, which UTF-8 never contains.
 */
import { ByteWriter } from '../../base/bytes.ts'
import { compareUtf8 } from '../../base/utf8-order.ts'

const SEPARATOR = 0xff

const writer = new ByteWriter(1024)

export function labelBytes(labels: Readonly<Record<string, string>>): Uint8Array {
  writer.reset()
  for (const name of Object.keys(labels).sort(compareUtf8)) {
    writer
      .text(name)
      .u8(SEPARATOR)
      .text(labels[name] ?? '')
      .u8(SEPARATOR)
  }
  return writer.finish()
}
