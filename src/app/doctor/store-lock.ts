/** Whether a store is open, as the kernel's list of locks has it; nothing is opened to find out. */
import { promises as fs } from 'node:fs'
import { join } from 'node:path'
import { errorCode } from '../../base/errors.ts'
import { storeFolderAt } from '../../store/store-folder.ts'

/**
 * @param path of `--storage.path`
 * @returns the process; `none` when nobody has it open, undefined where the system does not say
 */
export async function storeHolder(path: string): Promise<string | undefined> {
  const lockPath = join(storeFolderAt(join(path, 'hearsay')).databasePath, 'LOCK')
  try {
    const { ino } = await fs.stat(lockPath)
    const locks = await fs.readFile('/proc/locks', 'utf8')
    return new RegExp(`^\\d+: POSIX .* (\\d+) [0-9a-f]+:[0-9a-f]+:${ino} `, 'm').exec(locks)?.[1] ?? 'none'
  } catch (error) {
    const isMissing = errorCode(error) === 'ENOENT' && !String(error).includes('/proc/locks')
    return isMissing ? 'none' : undefined
  }
}
