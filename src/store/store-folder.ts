/**
 * The folder `<storage.path>/hearsay`: `db/` is the database, `actor` says who we are. Nothing else may be in it, so
 * that a mistyped path never mixes with somebody's files; what lies beside it under the storage path is not our concern.
 */
import { promises as fs } from 'node:fs'
import { join } from 'node:path'
import { syncDirectory, TEMPORARY_FILE } from './atomic-file.ts'
import { listDirectory, notOurs, unreadable } from './level-directory.ts'

export interface StoreFolder {
  readonly databasePath: string
  readonly actorPath: string
}

/**
 * Makes the folder when absent (mode 0700) and sweeps temporary files of a crashed writer.
 * @throws HearsayError `STORE_NOT_OURS`, `STORE_UNREADABLE`
 */
export async function prepareStoreFolder(storagePath: string): Promise<StoreFolder> {
  const folder = join(storagePath, 'hearsay')
  const names = await listDirectory(folder)
  const leftovers = names.filter((name) => name.startsWith('actor.') && TEMPORARY_FILE.test(name))
  const foreign = names.find((name) => name !== 'db' && name !== 'actor' && !leftovers.includes(name))
  if (foreign !== undefined) throw notOurs(folder, foreign)
  try {
    for (const name of leftovers) await fs.rm(join(folder, name), { force: true })
    // The folder may be new: without this a power cut could take it away with all that was acknowledged in it.
    await syncDirectory(storagePath)
  } catch (cause) {
    throw unreadable(folder, cause)
  }
  return { databasePath: join(folder, 'db'), actorPath: join(folder, 'actor') }
}
