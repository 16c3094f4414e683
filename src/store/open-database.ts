/**
 * Reads the database of a store, and decides what happens when that cannot be done.
 *
 * With peers to ask, a database that fails its checks is set aside and the replica starts empty, as a new actor that
 * waits for its peers: nobody has to get up at night for one bad disk block of one replica. Without peers it refuses,
 * because the damaged database is then the only copy. The checks are those of the tables (table-check.ts), LevelDB's own,
 * and the directory's (level-directory.ts); a record with a wrong checksum is only left out (record-storage.ts).
 *
 * Damage that gets past them may make LevelDB abort the process, which nothing in it can catch. So a file `opening` stands
 * beside the database while it is being read. The start that finds one left behind first tries in a child process
 * (trial-open.ts); if that dies of a native fault too, the database is damaged. Two attempts, then: the supervisor's first
 * restart is in service again. A start that was only killed leaves the same file, and pays one needless trial.
 *
 * ADR 5 has the reasons.
 */
import { promises as fs } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { errorCode, HearsayError } from '../base/errors.ts'
import { readActorFile } from './actor-file.ts'
import type { StoreLog } from './core/store-log.ts'
import { PeerWait } from './peer-wait.ts'
import { isCopy, settlePlace } from './place-mark.ts'
import type { RecordStorage } from './record-storage.ts'
import { type Recovered, type RecoveryOptions, recover } from './recovery.ts'
import { settleRepair, wasRepaired } from './repair-sign.ts'
import { setAside } from './set-aside.ts'
import { damagedCopies, type StoreFolder } from './store-folder.ts'
import { checkTables } from './table-check.ts'
import { trialOpen } from './trial-open.ts'

/** How long the child of a start that was killed may go on holding the database: it ends when it notices. */
const ORPHAN_WAIT_MS = 2000
const ORPHAN_RETRY_MS = 25

export interface OpenDatabaseOptions extends Pick<RecoveryOptions, 'disk' | 'mint' | 'state'> {
  /** Undefined: memory only. */
  readonly folder: StoreFolder | undefined
  /** Whether there are peers that a replica which has lost everything could ask. */
  readonly hasPeers: boolean
  readonly wallMs: number
  readonly log: StoreLog
}

export interface OpenedDatabase extends Recovered {
  readonly wait: PeerWait
  /** Damaged databases kept beside this one. */
  readonly damagedCopies: number
  /** To be called once the identity is on disk: takes away the traces that made us doubt the former one. */
  readonly settle: () => Promise<void>
}

/**
 * On success the disk is open. On failure it is closed.
 * @throws HearsayError `STORE_DAMAGED` and the other codes of `openStore`
 */
export async function openDatabase(options: OpenDatabaseOptions): Promise<OpenedDatabase> {
  const { folder, disk, log } = options
  if (folder === undefined) {
    await disk.open()
    const recovered = await recover({ ...options, reading: undefined, repaired: false, copied: false })
    return { ...recovered, wait: PeerWait.none(), damagedCopies: 0, settle: async () => undefined }
  }
  try {
    return await attempt(options, folder)
  } catch (error) {
    if (!(error instanceof HearsayError) || error.code !== 'STORE_DAMAGED') throw error
    if (!options.hasPeers) throw refusal(folder, error)
    const target = await setAside(folder, options.wallMs, error.message)
    log.warn('store_set_aside', { reason: error.message, database: target })
    await fs.rm(folder.openingPath, { force: true }).catch(() => undefined)
    return attempt(options, folder)
  }
}

async function attempt(options: OpenDatabaseOptions, folder: StoreFolder): Promise<OpenedDatabase> {
  const { disk, hasPeers, wallMs } = options
  const died = await exists(folder.openingPath)
  if (died) await tryInChild(folder, options.log)
  try {
    // Need not be durable: a power cut is no native fault.
    await fs.writeFile(folder.openingPath, '').catch(() => undefined)
    const repaired = await wasRepaired(folder)
    await checkTables(folder.databasePath)
    await openPatiently(disk, died ? ORPHAN_WAIT_MS : 0)
    // Read under the lock of the database: before it, another process might still be writing the file.
    const reading = await readActorFile(folder.actorPath)
    const copied = await isCopy(folder)
    const recovered = await recover({ ...options, reading, repaired, copied })
    const wait = await PeerWait.begin(folder, hasPeers, recovered.doubt)
    const settle = async (): Promise<void> => {
      if (repaired) await settleRepair(folder, wallMs)
      await settlePlace(folder)
    }
    return { ...recovered, wait, damagedCopies: (await damagedCopies(folder)).length, settle }
  } catch (error) {
    await disk.close().catch(() => undefined)
    throw error
  } finally {
    await fs.rm(folder.openingPath, { force: true }).catch(() => undefined)
  }
}

/** @throws HearsayError `STORE_DAMAGED` when reading the database ends a process by a native fault */
async function tryInChild(folder: StoreFolder, log: StoreLog): Promise<void> {
  const fault = await trialOpen(folder.databasePath, log)
  if (fault === undefined) return
  throw new HearsayError(
    'STORE_DAMAGED',
    `reading the database in ${folder.databasePath} ends the process with ${fault}`,
  )
}

/** The lock may be held for a moment by the trial of a start that was killed; any other holder is told at once. */
async function openPatiently(disk: RecordStorage, waitMs: number): Promise<void> {
  for (let waitedMs = 0; ; waitedMs += ORPHAN_RETRY_MS) {
    try {
      return await disk.open()
    } catch (error) {
      if (errorCode(error) !== 'STORE_LOCKED' || waitedMs >= waitMs) throw error
    }
    await pause(ORPHAN_RETRY_MS)
  }
}

async function exists(path: string): Promise<boolean> {
  return fs.access(path).then(
    () => true,
    () => false,
  )
}

function refusal(folder: StoreFolder, cause: HearsayError): HearsayError {
  return new HearsayError(
    'STORE_DAMAGED',
    `${cause.message}. Nothing was touched, and no peers are configured to take the state from: move ${folder.path} ` +
      'away and restore a snapshot (hearsay snapshot restore), or start with --cluster.peer so that the damaged ' +
      'database is set aside and the state comes from there',
    { cause },
  )
}
