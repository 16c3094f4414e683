/**
 * The frame that carries many user messages in one stream message between hearsay members.
 *
 * memberlist hands one payload to the delegate per stream; a thousand small updates would cost a thousand dials. So
 * they travel as `f1 01 42` (private magic, private version 1, 'B' for batch), then varint length and bytes of each.
 * Three messages of 100 bytes take 306 bytes. Only members whose meta says native ever get one.
 */
import { ByteReader, BytesError, ByteWriter } from '../../base/bytes.ts'

/** First byte of every private hearsay frame: no protobuf or msgpack payload of a known peer starts with it. */
export const PRIVATE_MAGIC = 0xf1
export const PRIVATE_VERSION = 1
const KIND_BATCH = 0x42
/** Largest frame made, and largest accepted. */
export const BATCH_BYTES_MAX: number = 256 * 1024
export const BATCH_HEADER_BYTES = 3

/** Bytes that one payload takes inside a frame. */
export function batchEntryBytes(payloadBytes: number): number {
  let lengthBytes = 1
  for (let rest = payloadBytes; rest > 127; rest = Math.floor(rest / 128)) lengthBytes++
  return lengthBytes + payloadBytes
}

export function encodeBatch(payloads: readonly Uint8Array[]): Uint8Array {
  const writer = new ByteWriter(4096).u8(PRIVATE_MAGIC).u8(PRIVATE_VERSION).u8(KIND_BATCH)
  for (const payload of payloads) writer.bytes(payload)
  return writer.finish()
}

/** Whether the payload claims to be a batch of our version; `decodeBatch` tells whether it is a sound one. */
export function isBatch(payload: Uint8Array): boolean {
  return payload[0] === PRIVATE_MAGIC && payload[1] === PRIVATE_VERSION && payload[2] === KIND_BATCH
}

/**
 * @returns views into `payload`, or undefined when it is no batch, is above `BATCH_BYTES_MAX`, ends inside an entry or
 *   holds an empty entry. Never throws: the bytes come from the network.
 */
export function decodeBatch(payload: Uint8Array): Uint8Array[] | undefined {
  if (!isBatch(payload) || payload.length > BATCH_BYTES_MAX) return undefined
  const reader = new ByteReader(payload, BATCH_HEADER_BYTES)
  const entries: Uint8Array[] = []
  try {
    while (reader.remaining > 0) {
      const entry = reader.bytes()
      if (entry.length === 0) return undefined
      entries.push(entry)
    }
  } catch (error) {
    if (error instanceof BytesError) return undefined
    throw error
  }
  return entries
}
