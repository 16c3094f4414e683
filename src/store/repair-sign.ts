/**
 * Did somebody run LevelDB's repair on this database? Its result must not be taken for what it was before: with a table
 * missing, repair brought back 100 of 100 deleted keys and reverted 300 of 300 to old values (reliability.md section 0,
 * item 5), and the stored contexts would claim to have seen what is gone.
 *
 * Two signs: repair moves what it replaced, at least the old manifest, into a folder `lost`; and it writes
 * MANIFEST-000001, which LevelDB itself gives up for a higher number before there is any table. So a database with both
 * that manifest and tables was repaired and not opened since, also when somebody has removed `lost`. The second sign goes
 * with the first open; hence it is turned into the first one before that. `settleRepair` takes the sign away once what it
 * asks for is on disk.
 *
 * Not seen: a database that was repaired, cleared of `lost` and opened by another program before it came back.
 */
import { promises as fs } from 'node:fs'
import { join } from 'node:path'
import { errorCode } from '../base/errors.ts'
import { syncDirectory } from './atomic-file.ts'
import { LOST_FOLDER, unreadable } from './level-directory.ts'
import { LOST_PREFIX, type StoreFolder, timeForName } from './store-folder.ts'

const FIRST_MANIFEST = /^MANIFEST-0*1\n?$/
const TABLE = /^\d+\.(ldb|sst)$/

/** To be asked before the database is opened. @throws HearsayError `STORE_UNREADABLE` */
export async function wasRepaired({ databasePath }: StoreFolder): Promise<boolean> {
  try {
    const names = await fs.readdir(databasePath)
    if (names.includes(LOST_FOLDER)) return true
    if (!names.some((name) => TABLE.test(name)) || !names.includes('CURRENT')) return false
    if (!FIRST_MANIFEST.test(await fs.readFile(join(databasePath, 'CURRENT'), 'latin1'))) return false
    await fs.mkdir(join(databasePath, LOST_FOLDER))
    await syncDirectory(databasePath)
    return true
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return false
    throw unreadable(databasePath, cause)
  }
}

/** Moves `lost` out of the database, so that the next start is an ordinary one. @throws HearsayError `STORE_UNREADABLE` */
export async function settleRepair(folder: StoreFolder, wallMs: number): Promise<void> {
  const target = join(folder.path, `${LOST_PREFIX}${timeForName(wallMs)}`)
  try {
    await fs.rename(join(folder.databasePath, LOST_FOLDER), target)
    await syncDirectory(folder.databasePath)
    await syncDirectory(folder.path)
  } catch (cause) {
    throw unreadable(folder.path, cause)
  }
}
