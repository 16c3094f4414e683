/**
 * CRC-32C (Castagnoli), the checksum of LevelDB's blocks. zlib has only the other polynomial.
 *
 * Eight bytes a step with eight tables ("slicing by 8"): about 1 GB/s here, where one table a byte gives 0.35.
 */
const POLYNOMIAL = 0x82f63b78
const SLICES = 8

const TABLES: Int32Array = buildTables()

function buildTables(): Int32Array {
  const tables = new Int32Array(SLICES * 256)
  for (let n = 0; n < 256; n++) {
    let c = n
    for (let bit = 0; bit < 8; bit++) c = (c & 1) === 1 ? (c >>> 1) ^ POLYNOMIAL : c >>> 1
    tables[n] = c
  }
  for (let n = 256; n < tables.length; n++) {
    const before = tables[n - 256] ?? 0
    tables[n] = (before >>> 8) ^ (tables[before & 255] ?? 0)
  }
  return tables
}

/** Of `bytes[from, to)`, unsigned. */
export function crc32c(bytes: Uint8Array, from = 0, to: number = bytes.length): number {
  const t = TABLES
  // Indexes are within their arrays by construction; `| 0` keeps the sums in 32 bits.
  const at = (index: number): number => t[index] as number
  let c = -1
  let i = from
  for (; i + SLICES <= to; i += SLICES) {
    c ^= byte(bytes, i) | (byte(bytes, i + 1) << 8) | (byte(bytes, i + 2) << 16) | (byte(bytes, i + 3) << 24)
    c =
      at(1792 + (c & 255)) ^
      at(1536 + ((c >>> 8) & 255)) ^
      at(1280 + ((c >>> 16) & 255)) ^
      at(1024 + (c >>> 24)) ^
      at(768 + byte(bytes, i + 4)) ^
      at(512 + byte(bytes, i + 5)) ^
      at(256 + byte(bytes, i + 6)) ^
      at(byte(bytes, i + 7))
  }
  for (; i < to; i++) c = (c >>> 8) ^ at((c ^ byte(bytes, i)) & 255)
  return (c ^ -1) >>> 0
}

function byte(bytes: Uint8Array, index: number): number {
  return bytes[index] as number
}
