/**
 * Checks the tables of a LevelDB database before it is opened, block by block, because LevelDB as shipped does not: it
 * checks the block checksums only where asked to, and nobody can ask through `level`.
 *
 * Our own checksum of each record finds a wrong value, but not what a flipped bit can do to the block around it: end it
 * early, turn an entry into a deletion, bring an older version to light. Of 1,200 flips in tables 5 % did such a thing
 * unnoticed, and then the contexts, which claimed to have seen what was gone, made the peers delete their good copies.
 * With the blocks checked none does.
 *
 * Format (table_format of LevelDB): data blocks, the filter block, an index of the filters, an index of the data blocks,
 * and a footer of 48 bytes with the places of both indexes. Each block is followed by a byte for its compression and a
 * masked CRC-32C over both. Every byte of the file but the padding of the footer is covered.
 *
 * Costs 2 to 3 ms a MB, for a table at a time (2 MB as a rule). Damage that arises while the replica runs is found at its
 * next start. The log has checksums of its own that LevelDB does check, and the batch numbers (batch-sequence.ts).
 */
import { promises as fs } from 'node:fs'
import { join } from 'node:path'
import { ByteReader } from '../base/bytes.ts'
import { errorCode, HearsayError } from '../base/errors.ts'
import { crc32c } from './crc32c.ts'
import { unreadable } from './level-directory.ts'
import { liveTables } from './live-tables.ts'
import { unpackSnappy } from './snappy.ts'

const TABLE_FILE = /^(\d+)\.(ldb|sst)$/
const FOOTER_BYTES = 48
const MAGIC = [0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb]
const TRAILER_BYTES = 5
const MASK_DELTA = 0xa282ead8
const SNAPPY = 1
const INDEX_BYTES_MAX = 64 * 1024 * 1024

interface Handle {
  readonly offset: number
  readonly size: number
}

/** Of the tables that the manifest names. @throws HearsayError `STORE_DAMAGED` naming the first table that fails and where, `STORE_UNREADABLE` */
export async function checkTables(databasePath: string): Promise<void> {
  for (const name of await tableNames(databasePath)) {
    const path = join(databasePath, name)
    const table = await readTable(path)
    const fault = table === undefined ? undefined : tableFault(table)
    if (fault !== undefined) throw new HearsayError('STORE_DAMAGED', `the table ${path} is damaged: ${fault}`)
  }
}

async function tableNames(databasePath: string): Promise<string[]> {
  try {
    const live = await liveTables(databasePath)
    return (await fs.readdir(databasePath)).filter((name) => {
      const number = TABLE_FILE.exec(name)?.[1]
      return number !== undefined && live?.has(Number(number)) === true
    })
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return []
    throw unreadable(databasePath, cause)
  }
}

async function readTable(path: string): Promise<Uint8Array | undefined> {
  try {
    return await fs.readFile(path)
  } catch (cause) {
    // Gone since it was listed: compacted away by a process that holds the lock, which the opening will meet.
    if (errorCode(cause) === 'ENOENT') return undefined
    if (errorCode(cause) !== 'EIO') throw unreadable(path, cause)
    throw new HearsayError('STORE_DAMAGED', `the table ${path} cannot be read: EIO`, { cause })
  }
}

/** @returns what is wrong with the bytes of a table; undefined when nothing is */
export function tableFault(table: Uint8Array): string | undefined {
  const footerAt = table.length - FOOTER_BYTES
  const magicAt = table.length - MAGIC.length
  if (footerAt < 0 || MAGIC.some((byte, i) => table[magicAt + i] !== byte)) return 'its end is missing'
  try {
    const footer = new ByteReader(table, footerAt)
    const blocks = [readHandle(footer), readHandle(footer)]
    // Both indexes are checked before they are read, and what they name after that.
    for (const index of blocks.slice()) {
      if (!isIntact(table, index)) return faultAt(index)
      blocks.push(...handlesIn(unpacked(table, index)))
    }
    const bad = blocks.find((block) => !isIntact(table, block))
    return bad === undefined ? undefined : faultAt(bad)
  } catch (error) {
    if (error instanceof HearsayError) return `its index cannot be read (${error.message})`
    throw error
  }
}

function faultAt({ offset, size }: Handle): string {
  return `the checksum of the block of ${size} bytes at ${offset} is wrong`
}

function readHandle(reader: ByteReader): Handle {
  return { offset: reader.varint(), size: reader.varint() }
}

function isIntact(table: Uint8Array, { offset, size }: Handle): boolean {
  const end = offset + size + 1
  if (end + TRAILER_BYTES - 1 > table.length - FOOTER_BYTES) return false
  const stored = new DataView(table.buffer, table.byteOffset + end, 4).getUint32(0, true)
  const crc = crc32c(table, offset, end)
  return ((((crc >>> 15) | (crc << 17)) >>> 0) + MASK_DELTA) % 2 ** 32 === stored
}

function unpacked(table: Uint8Array, { offset, size }: Handle): Uint8Array {
  const bytes = table.subarray(offset, offset + size)
  return table[offset + size] === SNAPPY ? unpackSnappy(bytes, INDEX_BYTES_MAX) : bytes
}

/** The values of an index block: entries of (shared, own and value length, own part of the key, value), then restarts. */
function handlesIn(block: Uint8Array): Handle[] {
  const restarts = new DataView(block.buffer, block.byteOffset + block.length - 4, 4).getUint32(0, true)
  const end = block.length - 4 * (restarts + 1)
  const handles: Handle[] = []
  const reader = new ByteReader(block)
  while (reader.position < end) {
    reader.varint()
    const keyLength = reader.varint()
    const valueLength = reader.varint()
    reader.raw(keyLength)
    handles.push(readHandle(new ByteReader(reader.raw(valueLength))))
  }
  return handles
}
