/**
 * Decompression of one raw Snappy block, as LevelDB writes them: the length, then literals and copies of what came before.
 * Only for the index blocks of tables, which are a few kB; so it is short and not fast.
 */
import { ByteReader, BytesError } from '../base/bytes.ts'

/** @throws BytesError when it is no such block, or is longer than `bytesMax` when unpacked */
export function unpackSnappy(packed: Uint8Array, bytesMax: number): Uint8Array {
  const reader = new ByteReader(packed)
  const length = reader.varint()
  if (length > bytesMax) throw new BytesError('BYTES_MALFORMED', `${length} bytes unpacked`)
  const out = new Uint8Array(length)
  let at = 0
  while (reader.remaining > 0) {
    const tag = reader.u8()
    if ((tag & 3) === 0) {
      const literal = reader.raw(literalLength(reader, tag >> 2))
      if (at + literal.length > length) throw overrun()
      out.set(literal, at)
      at += literal.length
      continue
    }
    const { offset, count } = copyOf(reader, tag)
    if (offset === 0 || offset > at || at + count > length) throw overrun()
    // Byte by byte: a copy may reach into what it writes itself.
    for (let i = 0; i < count; i++, at++) out[at] = out[at - offset] ?? 0
  }
  if (at !== length) throw overrun()
  return out
}

function literalLength(reader: ByteReader, code: number): number {
  return code < 60 ? code + 1 : littleEndian(reader, code - 59) + 1
}

function copyOf(reader: ByteReader, tag: number): { readonly offset: number; readonly count: number } {
  if ((tag & 3) === 1) return { count: 4 + ((tag >> 2) & 7), offset: ((tag >> 5) << 8) | reader.u8() }
  return { count: 1 + (tag >> 2), offset: littleEndian(reader, (tag & 3) === 2 ? 2 : 4) }
}

function littleEndian(reader: ByteReader, bytes: number): number {
  let value = 0
  for (let i = 0; i < bytes; i++) value += reader.u8() * 2 ** (8 * i)
  return value
}

function overrun(): BytesError {
  return new BytesError('BYTES_MALFORMED', 'a Snappy block that does not add up')
}
