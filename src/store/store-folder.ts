/**
 * The folder `<storage.path>/hearsay` and everything that may be in it, so that a mistyped path never mixes with
 * somebody's files; what lies beside it under the storage path is not our concern.
 *
 *   db                  the database
 *   actor               who we are (actor-file.ts)
 *   place               where the database was written, to tell a copy (place-mark.ts)
 *   peers               whom to look for after a restart (app/peer-file.ts)
 *   opening             there while the database is being read; left behind by a start that died of it (open-database.ts)
 *   awaiting-peers      there until a replica that lost something has heard from a peer (peer-wait.ts)
 *   db.damaged-<time>   databases that failed their checks, at most two (set-aside.ts)
 *   db.lost-<time>      what an operator's repair took out of the database (repair-sign.ts)
 */
import { promises as fs } from 'node:fs'
import { join } from 'node:path'
import { syncDirectory, TEMPORARY_FILE } from './atomic-file.ts'
import { listDirectory, notOurs, unreadable } from './level-directory.ts'

export const DAMAGED_PREFIX = 'db.damaged-'
export const LOST_PREFIX = 'db.lost-'

export interface StoreFolder {
  readonly path: string
  readonly databasePath: string
  readonly actorPath: string
  readonly placePath: string
  readonly peersPath: string
  readonly openingPath: string
  readonly awaitingPath: string
}

const OURS: ReadonlySet<string> = new Set(['db', 'actor', 'place', 'peers', 'opening', 'awaiting-peers'])

function isOurs(name: string): boolean {
  return OURS.has(name) || name.startsWith(DAMAGED_PREFIX) || name.startsWith(LOST_PREFIX)
}

/**
 * Makes the folder when absent (mode 0700) and sweeps temporary files of a crashed writer.
 * @throws HearsayError `STORE_NOT_OURS`, `STORE_UNREADABLE`
 */
export async function prepareStoreFolder(storagePath: string): Promise<StoreFolder> {
  const path = join(storagePath, 'hearsay')
  const names = await listDirectory(path)
  const leftovers = names.filter((name) => OURS.has(name.replace(TEMPORARY_FILE, '')) && !OURS.has(name))
  const foreign = names.find((name) => !isOurs(name) && !leftovers.includes(name))
  if (foreign !== undefined) throw notOurs(path, foreign)
  try {
    for (const name of leftovers) await fs.rm(join(path, name), { force: true })
    // The folder may be new: without this a power cut could take it away with all that was acknowledged in it.
    await syncDirectory(storagePath)
  } catch (cause) {
    throw unreadable(path, cause)
  }
  return storeFolderAt(path)
}

/** @param path of the folder itself */
export function storeFolderAt(path: string): StoreFolder {
  return {
    path,
    databasePath: join(path, 'db'),
    actorPath: join(path, 'actor'),
    placePath: join(path, 'place'),
    peersPath: join(path, 'peers'),
    openingPath: join(path, 'opening'),
    awaitingPath: join(path, 'awaiting-peers'),
  }
}

/** Names of the damaged databases that are kept. @throws HearsayError `STORE_UNREADABLE` */
export async function damagedCopies(folder: StoreFolder): Promise<readonly string[]> {
  return (await listDirectory(folder.path)).filter((name) => name.startsWith(DAMAGED_PREFIX))
}

/** For names of what is moved out of the way: `20261121T044016123Z`. */
export function timeForName(wallMs: number): string {
  return new Date(wallMs).toISOString().replace(/[-:.]/g, '')
}
