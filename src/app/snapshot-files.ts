/**
 * Snapshots as files: written beside their place, checked as they arrive, synced, and only then renamed into it; so a file
 * under the name that was asked for is a whole snapshot, or what was there before.
 */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { promises as fs } from 'node:fs'
import { dirname } from 'node:path'
import type { Writable } from 'node:stream'
import { HearsayError } from '../base/errors.ts'
import { actorId } from '../base/names.ts'
import { syncDirectory } from '../store/atomic-file.ts'
import { SnapshotReader, type SnapshotSummary } from '../store/snapshot-reader.ts'
import { type Restored, restoreSnapshot, verifySnapshot } from '../store/snapshot-restore.ts'

export type { Restored, SnapshotSummary }

const ACTOR_BYTES = 16
const FILE_MODE = 0o600

/** Told the bytes so far, after each piece. */
export type Progress = (bytes: number) => void

export interface SaveOptions {
  readonly file: string
  /** Replace a file that is there. */
  readonly force: boolean
  readonly progress?: Progress
}

/** @throws HearsayError `SNAPSHOT_FILE_EXISTS` */
export async function checkFileIsFree({ file, force }: SaveOptions): Promise<void> {
  if (force) return
  const exists = await fs.lstat(file).then(
    () => true,
    () => false,
  )
  if (exists) throw new HearsayError('SNAPSHOT_FILE_EXISTS', `${file} is there already; --force replaces it`)
}

/**
 * @param pieces as a replica sends them
 * @throws HearsayError `SNAPSHOT_FILE_EXISTS`, `SNAPSHOT_DAMAGED` when the stream was cut or spoilt on its way, or the
 *   system's error; the file is as it was then
 */
export async function saveSnapshotFile(
  pieces: AsyncIterable<Uint8Array>,
  options: SaveOptions,
): Promise<SnapshotSummary> {
  await checkFileIsFree(options)
  // A name that is nobody's, opened only if it is new: not another save's, not a file of the operator's, not a link.
  const temporary = `${options.file}.tmp-${randomBytes(4).toString('hex')}`
  try {
    const summary = await writeChecked(pieces, temporary, options.progress)
    // Asked again, because somebody may have put one there meanwhile.
    await checkFileIsFree(options)
    await fs.rename(temporary, options.file)
    await syncDirectory(dirname(options.file))
    return summary
  } catch (error) {
    await fs.rm(temporary, { force: true })
    throw error
  }
}

async function writeChecked(
  pieces: AsyncIterable<Uint8Array>,
  path: string,
  progress: Progress = () => undefined,
): Promise<SnapshotSummary> {
  const reader = new SnapshotReader()
  const file = await fs.open(path, 'wx', FILE_MODE)
  try {
    for await (const piece of pieces) {
      await file.writeFile(piece)
      await reader.take(piece)
      progress(reader.bytes)
    }
    const summary = reader.finish()
    await file.sync()
    return summary
  } finally {
    await file.close()
  }
}

/**
 * For a pipe: passed on as it arrives and checked on the way, so whoever reads it learns of a damage by our exit code only.
 *
 * @throws HearsayError `SNAPSHOT_DAMAGED` when the stream was cut or spoilt on its way
 */
export async function streamSnapshot(
  pieces: AsyncIterable<Uint8Array>,
  sink: Writable,
  progress: Progress = () => undefined,
): Promise<SnapshotSummary> {
  const reader = new SnapshotReader()
  for await (const piece of pieces) {
    if (!sink.write(piece)) await once(sink, 'drain')
    await reader.take(piece)
    progress(reader.bytes)
  }
  return reader.finish()
}

/**
 * @param file a path, or `-` for standard input
 * @throws HearsayError `SNAPSHOT_DAMAGED` with the offset, `SNAPSHOT_FORMAT_NEWER`; or the system's error
 */
export async function verifySnapshotFile(file: string, progress?: Progress): Promise<SnapshotSummary> {
  return verifySnapshot(await opened(file), progress)
}

/**
 * @param file a path, or `-` for standard input
 * @param storagePath of a replica that does not run; its subfolder `hearsay` must be absent or empty
 * @throws HearsayError as `restoreSnapshot`, or the system's error; nothing is left behind then
 */
export async function restoreSnapshotFile(
  file: string,
  storagePath: string,
  progress?: Progress,
): Promise<Restored> {
  return restoreSnapshot(await opened(file), {
    path: storagePath,
    mint: () => actorId(randomBytes(ACTOR_BYTES).toString('hex')),
    ...(progress === undefined ? {} : { progress }),
  })
}

/** Opened at once, so that a missing file is told before anything is made for its content. */
async function opened(file: string): Promise<AsyncIterable<Uint8Array>> {
  if (file === '-') return process.stdin
  const handle = await fs.open(file, 'r')
  return handle.createReadStream()
}
