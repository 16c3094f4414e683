/**
 * Which tables belong to a LevelDB database: those its manifest names.
 *
 * Others may lie beside them. A compaction that is cut off, by a kill or by an orderly close, leaves a table without its
 * end; LevelDB removes it when it opens the database, and nobody may take it for damage before.
 *
 * The manifest (log_format and version_edit of LevelDB) is a log in blocks of 32 KiB of checksummed fragments; put
 * together they are edits, each a list of tagged fields, of which the tables added and deleted are read here. LevelDB
 * itself refuses a manifest whose checksums fail, so one that does not add up here is left to its judgement.
 */
import { promises as fs } from 'node:fs'
import { join } from 'node:path'
import { ByteReader } from '../base/bytes.ts'
import { errorCode, HearsayError } from '../base/errors.ts'

const BLOCK_BYTES = 32 * 1024
const HEADER_BYTES = 7
const FULL = 1
const FIRST = 2
const LAST = 4

/** Tags of an edit's fields. */
const COMPARATOR = 1
const LOG_NUMBER = 2
const NEXT_FILE_NUMBER = 3
const LAST_SEQUENCE = 4
const COMPACT_POINTER = 5
const DELETED_FILE = 6
const NEW_FILE = 7
const PREVIOUS_LOG_NUMBER = 9

/** @returns the numbers of the tables in use; undefined when there is no manifest that can be read */
export async function liveTables(databasePath: string): Promise<ReadonlySet<number> | undefined> {
  try {
    const current = await fs.readFile(join(databasePath, 'CURRENT'), 'latin1')
    return tablesOf(await fs.readFile(join(databasePath, current.trimEnd())))
  } catch (error) {
    if (error instanceof HearsayError || errorCode(error) !== undefined) return undefined
    throw error
  }
}

/** @throws BytesError when an edit does not add up */
export function tablesOf(manifest: Uint8Array): ReadonlySet<number> {
  const live = new Set<number>()
  let edit: Uint8Array[] = []
  for (const { type, data } of fragments(manifest)) {
    if (type === FULL || type === FIRST) edit = []
    edit.push(data)
    if (type === FULL || type === LAST) applyEdit(new ByteReader(concatenated(edit)), live)
  }
  return live
}

/** Up to the first that is cut off: what follows was never acknowledged. */
function* fragments(log: Uint8Array): Generator<{ readonly type: number; readonly data: Uint8Array }> {
  let at = 0
  for (;;) {
    const left = BLOCK_BYTES - (at % BLOCK_BYTES)
    if (left < HEADER_BYTES) at += left
    const [low, high, type] = log.subarray(at + 4, at + HEADER_BYTES)
    if (low === undefined || high === undefined || type === undefined || type === 0) return
    const end = at + HEADER_BYTES + low + high * 256
    if (end > log.length) return
    yield { type, data: log.subarray(at + HEADER_BYTES, end) }
    at = end
  }
}

function applyEdit(edit: ByteReader, live: Set<number>): void {
  while (edit.remaining > 0) {
    const tag = edit.varint()
    switch (tag) {
      case COMPARATOR:
        edit.bytes()
        break
      case LOG_NUMBER:
      case NEXT_FILE_NUMBER:
      case LAST_SEQUENCE:
      case PREVIOUS_LOG_NUMBER:
        edit.varint()
        break
      case COMPACT_POINTER:
        edit.varint()
        edit.bytes()
        break
      case DELETED_FILE:
        edit.varint()
        live.delete(edit.varint())
        break
      case NEW_FILE: {
        edit.varint()
        const number = edit.varint()
        // Size, smallest and largest key.
        edit.varint()
        edit.bytes()
        edit.bytes()
        live.add(number)
        break
      }
      default:
        throw new HearsayError('STORE_DAMAGED', `the manifest holds a field of an unknown kind, ${tag}`)
    }
  }
}

function concatenated(parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts
  if (parts.length === 1 && only !== undefined) return only
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}
