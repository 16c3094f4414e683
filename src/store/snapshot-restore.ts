/**
 * Restores a snapshot into an empty storage path, or checks one without restoring it.
 *
 * The store is built in a folder of its own beside the place where it belongs, and renamed into it as the last step: so
 * a damaged file, a full disk or a crash leaves nothing that a replica could take for its state. The actor is a new one,
 * always, because the one whose state this was has gone on since, or will: two that count under one name would make each
 * other's writes disappear.
 */
import { promises as fs } from 'node:fs'
import { join } from 'node:path'
import { errorCode, HearsayError } from '../base/errors.ts'
import type { ActorId } from '../base/names.ts'
import { writeActorFile } from './actor-file.ts'
import { syncDirectory } from './atomic-file.ts'
import type { StorageOp } from './core/storage-op.ts'
import { listDirectory, unreadable } from './level-directory.ts'
import { LevelStorage } from './level-storage.ts'
import { RecordStorage } from './record-storage.ts'
import type { SnapshotRecord } from './snapshot-format.ts'
import { SnapshotReader, type SnapshotSummary } from './snapshot-reader.ts'
import { storeFolderAt } from './store-folder.ts'

export interface Restored extends SnapshotSummary {
  readonly actor: ActorId
}

export interface RestoreOptions {
  /** The storage path; the store will be in its subfolder `hearsay`, which must be absent or empty. */
  readonly path: string
  readonly mint: () => ActorId
  /** Told after each piece. */
  readonly progress?: (bytes: number) => void
}

/** @throws HearsayError `SNAPSHOT_DAMAGED`, `SNAPSHOT_FORMAT_NEWER` */
export async function verifySnapshot(
  pieces: AsyncIterable<Uint8Array>,
  progress: (bytes: number) => void = () => undefined,
): Promise<SnapshotSummary> {
  return readAll(pieces, new SnapshotReader(), progress)
}

/**
 * @throws HearsayError `SNAPSHOT_DAMAGED`, `SNAPSHOT_FORMAT_NEWER`, `STORE_NOT_EMPTY`, `STORE_UNREADABLE`,
 *   `STORE_DISK_FULL`, `STORE_WRITE_FAILED`; nothing is left behind then
 */
export async function restoreSnapshot(
  pieces: AsyncIterable<Uint8Array>,
  options: RestoreOptions,
): Promise<Restored> {
  const target = join(options.path, 'hearsay')
  // Asked first, so that a mistaken path does not cost the reading of a large file.
  await checkEmpty(target)
  const building = join(options.path, 'hearsay.restoring')
  const folder = storeFolderAt(building)
  await fs.rm(building, { recursive: true, force: true })
  try {
    await listDirectory(building)
    const { summary, batches } = await build(pieces, folder.databasePath, options)
    const actor = options.mint()
    await writeActorFile(folder.actorPath, { actor, leasedTo: 0, closedAtBatch: batches })
    await moveInto(building, target, options.path)
    return { ...summary, actor }
  } catch (error) {
    await fs.rm(building, { recursive: true, force: true })
    throw error
  }
}

async function build(
  pieces: AsyncIterable<Uint8Array>,
  databasePath: string,
  { progress = () => undefined }: RestoreOptions,
): Promise<{ readonly summary: SnapshotSummary; readonly batches: number }> {
  const disk = new RecordStorage(new LevelStorage(databasePath), databasePath)
  await disk.open()
  try {
    await disk.writeMark()
    const reader = new SnapshotReader((records) => disk.write(records.map(toOp)))
    const summary = await readAll(pieces, reader, progress)
    return { summary, batches: disk.lastBatch }
  } finally {
    await disk.close()
  }
}

async function readAll(
  pieces: AsyncIterable<Uint8Array>,
  reader: SnapshotReader,
  progress: (bytes: number) => void,
): Promise<SnapshotSummary> {
  for await (const piece of pieces) {
    await reader.take(piece)
    progress(reader.bytes)
  }
  return reader.finish()
}

function toOp([key, value]: SnapshotRecord): StorageOp {
  return { type: 'put', key, value }
}

async function moveInto(building: string, target: string, path: string): Promise<void> {
  try {
    // Over an empty folder; one that has got something since makes it fail.
    await fs.rename(building, target)
    await syncDirectory(path)
  } catch (cause) {
    throw unreadable(target, cause)
  }
}

async function checkEmpty(target: string): Promise<void> {
  const names = await fs.readdir(target).catch((cause: unknown) => {
    if (errorCode(cause) === 'ENOENT') return []
    throw unreadable(target, cause)
  })
  if (names.length === 0) return
  throw new HearsayError(
    'STORE_NOT_EMPTY',
    `${target} is not empty, and a snapshot is restored only where there is nothing to lose; choose another storage path`,
  )
}
