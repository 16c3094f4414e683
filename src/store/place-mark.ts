/**
 * Is this the place where the database was written, or a copy of it? Noted in a file beside the database: the inode number
 * and the time of birth of its directory, which no copy shares with it.
 *
 * A copy that is older than what its replica has written since looks whole, and so does one whose replica goes on elsewhere.
 * Both would number new writes like ones that the peers have seen already, and these would be passed over: acknowledged
 * writes lost. That is noticed as soon as a peer is heard (shadow-watch.ts), but what was written before that is gone. So a
 * copy goes on as somebody new from its first write; a needless new actor (a move to another disk) costs 20 bytes.
 *
 * Not seen: what keeps inodes, such as a file system or a virtual machine set back to an earlier moment. There the peers
 * notice.
 */
import { promises as fs } from 'node:fs'
import { errorCode } from '../base/errors.ts'
import { writeAtomically } from './atomic-file.ts'
import { unreadable } from './level-directory.ts'
import type { StoreFolder } from './store-folder.ts'

/** To be asked while the database is open. @returns false when nothing was noted yet @throws HearsayError `STORE_UNREADABLE` */
export async function isCopy(folder: StoreFolder): Promise<boolean> {
  try {
    return (await fs.readFile(folder.placePath, 'utf8')) !== (await placeOf(folder))
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return false
    throw unreadable(folder.path, cause)
  }
}

/** Notes that the database belongs where it is. @throws HearsayError `STORE_UNREADABLE` */
export async function settlePlace(folder: StoreFolder): Promise<void> {
  try {
    const place = await placeOf(folder)
    const noted = await fs.readFile(folder.placePath, 'utf8').catch(() => undefined)
    if (noted !== place) await writeAtomically(folder.placePath, place)
  } catch (cause) {
    throw unreadable(folder.path, cause)
  }
}

async function placeOf({ databasePath }: StoreFolder): Promise<string> {
  const { ino, birthtimeNs } = await fs.stat(databasePath, { bigint: true })
  return `${ino} ${birthtimeNs}\n`
}
