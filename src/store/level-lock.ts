/**
 * Does anybody have this LevelDB database open? Asked of LevelDB itself, by an opening that must fail: it takes the lock
 * first, and then, told that the database may be neither there nor made, gives up before it has read anything of it.
 */
import { Level } from 'level'
import { errorCode, HearsayError } from '../base/errors.ts'

/** @returns whether another process, or another replica in this one, holds its lock; false when there is no such directory */
export async function isInUse(databasePath: string): Promise<boolean> {
  const db = new Level(databasePath, { createIfMissing: false, errorIfExists: true })
  try {
    await db.open()
    await db.close()
    return false
  } catch (error) {
    return error instanceof Error && errorCode(error.cause) === 'LEVEL_LOCKED'
  }
}

export function storeLocked(databasePath: string, cause?: unknown): HearsayError {
  return new HearsayError(
    'STORE_LOCKED',
    `the database in ${databasePath} is in use by another hearsay process`,
    { cause },
  )
}
