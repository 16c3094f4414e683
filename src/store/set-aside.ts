/**
 * Setting a damaged database aside: renamed within the store's folder, never deleted, so that somebody can look at it
 * (or repair it elsewhere) while the replica starts empty and takes everything back from its peers.
 *
 * At most two are kept. A disk that spoils a third database is a disk to be replaced, not one to go on filling.
 */
import { promises as fs } from 'node:fs'
import { join } from 'node:path'
import { HearsayError } from '../base/errors.ts'
import { syncDirectory } from './atomic-file.ts'
import { unreadable } from './level-directory.ts'
import { isInUse, storeLocked } from './level-lock.ts'
import { DAMAGED_PREFIX, damagedCopies, type StoreFolder, timeForName } from './store-folder.ts'

export const DAMAGED_COPIES_MAX = 2

/**
 * @returns where the database is now
 * @throws HearsayError `STORE_DAMAGED` when two are kept already, `STORE_LOCKED`, `STORE_UNREADABLE`; nothing was touched then
 */
export async function setAside(folder: StoreFolder, wallMs: number, reason: string): Promise<string> {
  const kept = await damagedCopies(folder)
  if (kept.length >= DAMAGED_COPIES_MAX) {
    throw new HearsayError(
      'STORE_DAMAGED',
      `${reason}. ${kept.length} damaged databases are kept in ${folder.path} already and none is ever deleted: ` +
        'check the disk, then move them elsewhere and start again',
    )
  }
  // The checks run before the lock is taken: what they found fault with may be that of a replica that runs.
  if (await isInUse(folder.databasePath)) throw storeLocked(folder.databasePath)
  const target = join(folder.path, `${DAMAGED_PREFIX}${timeForName(wallMs)}`)
  try {
    await fs.rename(folder.databasePath, target)
    await syncDirectory(folder.path)
  } catch (cause) {
    throw unreadable(folder.path, cause)
  }
  return target
}
