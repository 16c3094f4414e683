/**
 * May LevelDB open this directory? Asked before it gets the chance, because its own answer is dangerous: when the tiny
 * CURRENT file is lost it takes the directory for a new one, opens an empty database and deletes every table in it
 * (reliability.md section 0, item 4).
 *
 * The rule: a database is created only where there is nothing to lose, that is in an absent or empty directory, or in
 * one that holds nothing but the leftovers of a creation cut short (no table, no log with a byte in it; nothing can
 * have been acknowledged before those exist). Everything else is opened as it is or refused by name.
 */
import { promises as fs, type Stats } from 'node:fs'
import { dirname, join } from 'node:path'
import { errorCode, HearsayError } from '../base/errors.ts'

const LEVEL_FILE = /^(CURRENT|LOCK|LOG|LOG\.old|MANIFEST-\d+|\d+\.(log|ldb|sst|dbtmp))$/
/** Where LevelDB's repair puts what it replaced (repair-sign.ts). */
export const LOST_FOLDER = 'lost'
const DATA_FILE = /^\d+\.(log|ldb|sst)$/
/** Private to the user who runs the replica (reliability.md section 5, D1). */
export const DIRECTORY_MODE = 0o700

export type DirectoryVerdict = 'create' | 'open'

/**
 * @param path where the database is or will be; made, with mode 0700, when absent
 * @throws HearsayError `STORE_NOT_OURS` (foreign files), `STORE_DAMAGED` (tables or logs without CURRENT),
 *   `STORE_UNREADABLE`
 */
export async function inspectLevelDirectory(path: string): Promise<DirectoryVerdict> {
  const names = await listDirectory(path)
  const foreign = names.find((name) => !LEVEL_FILE.test(name) && name !== LOST_FOLDER)
  if (foreign !== undefined) throw notOurs(path, foreign)
  if (names.includes('CURRENT')) return 'open'
  for (const name of names) {
    if (!DATA_FILE.test(name)) continue
    const stats = await statFile(join(path, name))
    if (stats.size > 0) {
      throw new HearsayError(
        'STORE_DAMAGED',
        `the database in ${path} has lost its CURRENT file but still holds data (${name})`,
      )
    }
  }
  return 'create'
}

/** Makes the directory when absent. @returns the names in it, sorted @throws HearsayError `STORE_UNREADABLE` */
export async function listDirectory(path: string): Promise<string[]> {
  try {
    await makeDirectory(path)
    const names = await fs.readdir(path)
    return names.sort(compareText)
  } catch (cause) {
    throw unreadable(path, cause)
  }
}

/** Step by step: Node's recursive mkdir never returns where the system answers ENOENT although the parent is there (/proc). */
async function makeDirectory(path: string): Promise<void> {
  const make = (): Promise<void> => fs.mkdir(path, { mode: DIRECTORY_MODE })
  try {
    await make()
  } catch (cause) {
    const code = errorCode(cause)
    if (code === 'EEXIST') return
    if (code !== 'ENOENT' || dirname(path) === path) throw cause
    await makeDirectory(dirname(path))
    await make()
  }
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b)
}

async function statFile(path: string): Promise<Stats> {
  try {
    return await fs.stat(path)
  } catch (cause) {
    throw unreadable(path, cause)
  }
}

export function notOurs(path: string, foreign: string): HearsayError {
  return new HearsayError(
    'STORE_NOT_OURS',
    `${path} holds ${JSON.stringify(foreign)}, which hearsay did not put there; choose an empty storage path`,
  )
}

export function unreadable(path: string, cause: unknown): HearsayError {
  const reason = errorCode(cause) ?? (cause instanceof Error ? cause.message : String(cause))
  return new HearsayError('STORE_UNREADABLE', `cannot use the storage path ${path}: ${reason}`, { cause })
}
