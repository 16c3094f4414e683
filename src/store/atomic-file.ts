/**
 * Replacing a small file so that a crash at any moment leaves the old content or the new, never a mixture or nothing:
 * written to a temporary file in the same directory, fsynced, renamed over, and the directory fsynced so that the
 * rename itself is on disk (Alertmanager leaves out the last step: reliability.md section 6, item 4).
 */
import { randomBytes } from 'node:crypto'
import { promises as fs } from 'node:fs'
import { dirname } from 'node:path'

/** Temporary files are called `<name>.tmp-<hex>`; those of a crashed writer may be removed at will. */
export const TEMPORARY_FILE: RegExp = /\.tmp-[0-9a-f]{8}$/
const FILE_MODE = 0o600
const GROUP_BITS = 0o070

/** Whose a file is and who may use it. */
export interface FileAccess {
  /** Permission bits, whatever the process's umask takes away. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
}

/**
 * Rejects with the system's error: the old file untouched and the temporary one removed, or, when only the directory could
 * not be fsynced, the new file in place and perhaps not after a loss of power.
 * @param access of the new file; the owner only where we are root, the group where we may. A group that we cannot give it to
 *   takes its rights along, so nobody reads it who could not before. Default: ours alone
 * @param agree asked last before the old file goes; rejects to keep it
 */
export async function writeAtomically(
  path: string,
  text: string,
  access?: FileAccess,
  agree?: () => Promise<void>,
): Promise<void> {
  const temporary = `${path}.tmp-${randomBytes(4).toString('hex')}`
  try {
    const file = await fs.open(temporary, 'wx', FILE_MODE)
    try {
      if (access !== undefined) await give(file, access)
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await agree?.()
    await fs.rename(temporary, path)
  } catch (error) {
    await fs.rm(temporary, { force: true })
    throw error
  }
  await syncDirectory(dirname(path))
}

async function give(file: fs.FileHandle, { mode, uid, gid }: FileAccess): Promise<void> {
  if (process.geteuid?.() === 0) {
    await file.chown(uid, gid)
    await file.chmod(mode)
    return
  }
  const own = await file.stat()
  const keepsGroup =
    own.gid === gid ||
    (await file.chown(own.uid, gid).then(
      () => true,
      () => false,
    ))
  await file.chmod(keepsGroup ? mode : mode & ~GROUP_BITS)
}

export async function syncDirectory(path: string): Promise<void> {
  const directory = await fs.open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}
