/**
 * The actor file: who this replica is, kept beside its database in a file of its own so that neither can vouch for the
 * other. A replica that forgot how far it had counted would number new writes like old ones, and its peers would take
 * them for writes they have already seen removed: silent loss (peers.md 3a, pitfall 3). Hence a separately fsynced
 * file with the numbers reserved so far, and a new identity whenever the two disagree about the past.
 *
 * Format: two lines of text, so that a person can read it. One JSON object, then `crc32 ` and the CRC-32 of the first
 * line as 8 hex digits. About 150 bytes, replaced as a whole (atomic-file.ts).
 */
import { promises as fs } from 'node:fs'
import { crc32 } from 'node:zlib'
import { errorCode, HearsayError } from '../base/errors.ts'
import { actorId } from '../base/names.ts'
import { STAMP_MS_MAX } from '../crdt/hlc.ts'
import { writeAtomically } from './atomic-file.ts'
import type { ActorFileReading, ActorRecord } from './core/actor-record.ts'
import { unreadable } from './level-directory.ts'

/** Version of everything under `<storage.path>/hearsay`: this file and the database. */
export const STORE_FORMAT = 1
const FILE_BYTES_MAX = 64 * 1024

/** @throws HearsayError `STORE_FORMAT_NEWER`, `STORE_UNREADABLE` */
export async function readActorFile(path: string): Promise<ActorFileReading> {
  let text: string
  try {
    const stats = await fs.stat(path)
    if (stats.size > FILE_BYTES_MAX) return { kind: 'damaged', reason: `${stats.size} bytes long` }
    text = await fs.readFile(path, 'utf8')
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return { kind: 'absent' }
    throw unreadable(path, cause)
  }
  return parseActorFile(text, path)
}

/** Rejects with `STORE_DISK_FULL` or `STORE_WRITE_FAILED` by way of storage.ts `writeError` in the caller. */
export async function writeActorFile(path: string, record: ActorRecord): Promise<void> {
  await writeAtomically(path, formatActorFile(record))
}

export function formatActorFile(record: ActorRecord): string {
  const line = JSON.stringify({ format: STORE_FORMAT, ...record })
  return `${line}\n${checkLine(line)}\n`
}

function checkLine(line: string): string {
  return `crc32 ${crc32(line).toString(16).padStart(8, '0')}`
}

/** @throws HearsayError `STORE_FORMAT_NEWER` when the file is intact and written by a later version */
export function parseActorFile(text: string, path: string): ActorFileReading {
  const [line = '', check] = text.split('\n')
  if (check !== checkLine(line)) return { kind: 'damaged', reason: 'checksum does not match' }
  const fields = parseObject(line)
  if (fields === undefined) return { kind: 'damaged', reason: 'not a JSON object' }
  if (isCount(fields.format) && fields.format > STORE_FORMAT) throw formatNewer(path, fields.format)
  const record = toRecord(fields)
  return record === undefined
    ? { kind: 'damaged', reason: 'a field is malformed' }
    : { kind: 'intact', record }
}

export function formatNewer(path: string, format: number): HearsayError {
  return new HearsayError(
    'STORE_FORMAT_NEWER',
    `${path} was written in store format ${format}, but this version of hearsay knows only formats up to ${STORE_FORMAT}; ` +
      'run the newer version, or give this one another storage path',
  )
}

function parseObject(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    return undefined
  }
}

function toRecord(fields: Readonly<Record<string, unknown>>): ActorRecord | undefined {
  const { actor, leasedTo, name, incarnation, stampBoundMs, closedAtBatch } = fields
  if (typeof actor !== 'string' || !isCount(leasedTo)) return undefined
  if (name !== undefined && typeof name !== 'string') return undefined
  if (incarnation !== undefined && !isCount(incarnation)) return undefined
  if (stampBoundMs !== undefined && !(isCount(stampBoundMs) && stampBoundMs <= STAMP_MS_MAX)) return undefined
  if (closedAtBatch !== undefined && !isCount(closedAtBatch)) return undefined
  try {
    return {
      actor: actorId(actor),
      leasedTo,
      ...(name === undefined ? {} : { name }),
      ...(incarnation === undefined ? {} : { incarnation }),
      ...(stampBoundMs === undefined ? {} : { stampBoundMs }),
      ...(closedAtBatch === undefined ? {} : { closedAtBatch }),
    }
  } catch {
    return undefined
  }
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
