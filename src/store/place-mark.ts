/**
 * Is this the place where the database was written, or a copy of it? Noted in a file beside the database: the time of
 * birth of its directory, to the nanosecond, which no copy shares with it.
 *
 * A copy that is older than what its replica has written since looks whole, and so does one whose replica goes on elsewhere.
 * Both would number new writes like ones that the peers have seen already, and these would be passed over: acknowledged
 * writes lost. That is noticed as soon as a peer is heard (shadow-watch.ts), but what was written before that is gone. So a
 * copy goes on as somebody new from its first write; a needless new actor (a move to another disk) costs 20 bytes.
 *
 * One at each start would not be cheap: contexts would grow for ever, and each start would wait for peers. So nothing is
 * taken for a sign that may change by itself. The inode does, where a file system numbers its files anew at each mount
 * (FUSE, SMB, FAT). A birth that is not kept (NFS, FUSE), or not told (a system without `statx` gives the last change
 * instead, which never lies before a birth that is told), is unknown, and what is unknown is no other place.
 *
 * Not seen: a copy to or from such a file system; by a tool that carries births along (macOS, Windows); what keeps them,
 * such as a file system or a virtual machine set back to an earlier moment. There the peers notice.
 */
import { promises as fs } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { errorCode } from '../base/errors.ts'
import { writeAtomically } from './atomic-file.ts'
import { unreadable } from './level-directory.ts'
import type { StoreFolder } from './store-folder.ts'

const UNKNOWN = 'unknown\n'
/** Times of files go by the ticks of the kernel, 10 ms at most. */
const CLOCK_TICK_MS = 15

/** To be asked while the database is open. @returns false when nothing was noted yet @throws HearsayError `STORE_UNREADABLE` */
export async function isCopy(folder: StoreFolder): Promise<boolean> {
  try {
    return !isSamePlace(await fs.readFile(folder.placePath, 'utf8'), await placeOf(folder))
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return false
    throw unreadable(folder.path, cause)
  }
}

/** Notes that the database belongs where it is. @throws HearsayError `STORE_UNREADABLE` */
export async function settlePlace(folder: StoreFolder): Promise<void> {
  try {
    const place = await settledPlaceOf(folder)
    const noted = await fs.readFile(folder.placePath, 'utf8').catch(() => undefined)
    if (noted !== place) await writeAtomically(folder.placePath, place)
  } catch (cause) {
    throw unreadable(folder.path, cause)
  }
}

/** Of a directory just made, birth and last change are one; only after a later change does it show whether one is told. */
async function settledPlaceOf(folder: StoreFolder): Promise<string> {
  const place = await placeOf(folder)
  if (place !== UNKNOWN) return place
  const { mode } = await fs.stat(folder.databasePath)
  await pause(CLOCK_TICK_MS)
  await fs.chmod(folder.databasePath, mode & 0o7777).catch(() => undefined)
  return placeOf(folder)
}

async function placeOf({ databasePath }: StoreFolder): Promise<string> {
  return placeFrom(await fs.stat(databasePath, { bigint: true }))
}

/** What the file says. */
export function placeFrom({
  birthtimeNs,
  ctimeNs,
}: {
  readonly birthtimeNs: bigint
  readonly ctimeNs: bigint
}): string {
  return birthtimeNs <= 0n || birthtimeNs === ctimeNs ? UNKNOWN : `born ${birthtimeNs}\n`
}

/** @param noted as `placeFrom` gave it at an earlier start */
export function isSamePlace(noted: string, found: string): boolean {
  return noted === UNKNOWN || found === UNKNOWN || noted === found
}
