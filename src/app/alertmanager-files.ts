/**
 * A new replica from the files of an Alertmanager: silences and notification log, judged as if a peer had sent them, made
 * into a snapshot of ours, and that restored. So the rules of a restoration hold: an empty place, a new actor, all or
 * nothing.
 *
 * An Alertmanager writes its files every 15 minutes and once more when it is stopped; what is read from under one that
 * runs is as old as that. The files are only read.
 */
import { randomBytes } from 'node:crypto'
import { promises as fs } from 'node:fs'
import { join } from 'node:path'
import type { Admission } from '../alerting/core/admission.ts'
import { type FileCounts, ImportedRecords, importFile } from '../alerting/core/alertmanager-file.ts'
import { admitNotification } from '../alerting/core/notification-admission.ts'
import { admitSilence } from '../alerting/core/silence-admission.ts'
import { errorCode, HearsayError } from '../base/errors.ts'
import { actorId } from '../base/names.ts'
import { recordOp } from '../store/core/disk-layout.ts'
import { SnapshotEncoder } from '../store/snapshot-format.ts'
import { type Restored, restoreSnapshot } from '../store/snapshot-restore.ts'

/** A file is read as a whole; Alertmanagers exchange no more than 20 MB of state. */
export const ALERTMANAGER_FILE_BYTES_MAX: number = 512 * 1024 * 1024
const ACTOR_BYTES = 16

export type { FileCounts }

export interface AlertmanagerRestored extends Restored {
  readonly silences: FileCounts
  readonly notifications: FileCounts
}

export interface AlertmanagerRestoreOptions {
  /** Of a replica that does not run; its subfolder `hearsay` must be absent or empty. */
  readonly storagePath: string
  /** What has expired by then is left out. Default: now. */
  readonly nowMs?: number
  readonly fileBytesMax?: number
}

/**
 * @param directory the storage path of an Alertmanager; of its two files one may be missing
 * @throws HearsayError `ALERTMANAGER_FILES_MISSING`, `SNAPSHOT_DAMAGED` with file and byte, `ALERTMANAGER_FILE_TOO_LARGE`,
 *   and what `restoreSnapshot` throws; nothing is left behind then
 */
export async function restoreAlertmanagerFiles(
  directory: string,
  { storagePath, nowMs = Date.now(), fileBytesMax = ALERTMANAGER_FILE_BYTES_MAX }: AlertmanagerRestoreOptions,
): Promise<AlertmanagerRestored> {
  const files = await Promise.all(
    ['silences', 'nflog'].map((name) => contentOf(join(directory, name), fileBytesMax)),
  )
  if (files.every((file) => file === undefined)) {
    throw new HearsayError(
      'ALERTMANAGER_FILES_MISSING',
      `${directory} holds neither silences nor nflog; name the --storage.path of an Alertmanager`,
    )
  }
  const [silenceFile, logFile] = files
  const records = new ImportedRecords()
  const judged = (name: string, bytes: Uint8Array | undefined, admit: (record: Uint8Array) => Admission) =>
    importFile(bytes ?? new Uint8Array(), admit, records, { name: join(directory, name), nowMs })
  const silences = judged('silences', silenceFile, admitSilence)
  const notifications = judged('nflog', logFile, admitNotification)
  const restored = await restoreSnapshot(snapshotOf(records, nowMs), {
    path: storagePath,
    mint: () => actorId(randomBytes(ACTOR_BYTES).toString('hex')),
  })
  return { ...restored, silences, notifications }
}

/** @returns undefined when there is no such file, which an Alertmanager takes for an empty one */
async function contentOf(path: string, bytesMax: number): Promise<Uint8Array | undefined> {
  try {
    const { size } = await fs.stat(path)
    if (size > bytesMax) {
      throw new HearsayError(
        'ALERTMANAGER_FILE_TOO_LARGE',
        `${path} has ${size} bytes, at most ${bytesMax} are read`,
      )
    }
    return new Uint8Array(await fs.readFile(path))
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
}

async function* snapshotOf(records: ImportedRecords, savedAtMs: number): AsyncGenerator<Uint8Array> {
  const encoder = new SnapshotEncoder()
  yield encoder.open(savedAtMs)
  for (const { table, key, record } of records.puts()) {
    const op = recordOp(table, key, record)
    const frame = op.type === 'put' ? encoder.add(op.key, op.value) : undefined
    if (frame !== undefined) yield frame
  }
  yield encoder.close()
}
