/**
 * One writer at a time for a small file that several processes change: an empty `<file>.lock` beside it, which is there for
 * as long as somebody reads, changes and replaces the file.
 *
 * Numbers: who comes second waits for up to 5 s, and looks every 10 ms. A lock older than 10 s is of a process that died and
 * is taken away; a change takes milliseconds. Should two take it away at one moment, both may hold one for that change, so
 * whoever writes checks what it replaces.
 *
 * Those who edit the file by other means know nothing of it.
 */
import { promises as fs } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { errorCode } from '../base/errors.ts'

export const LOCK_STALE_MS = 10_000
export const LOCK_WAIT_MS = 5000
const LOOK_MS = 10

/**
 * Rejects with the system's error when no lock can be made there, and with those of `run`.
 * @param wallMs the time now, for the age of a lock
 * @returns undefined when another holds the lock for too long
 */
export async function underLock<T>(
  path: string,
  wallMs: () => number,
  run: () => Promise<T>,
  waitMs: number = LOCK_WAIT_MS,
): Promise<{ readonly result: T } | undefined> {
  const lock = `${path}.lock`
  for (let waitedMs = 0; waitedMs <= waitMs; waitedMs += LOOK_MS) {
    const inode = await taken(lock)
    if (inode !== undefined) {
      try {
        return { result: await run() }
      } finally {
        if ((await stateOf(lock))?.ino === inode) await fs.rm(lock, { force: true })
      }
    }
    const held = await stateOf(lock)
    if (held !== undefined && wallMs() - held.mtimeMs > LOCK_STALE_MS) await fs.rm(lock, { force: true })
    else if (waitedMs < waitMs) await sleep(LOOK_MS)
  }
  return undefined
}

/** @returns the inode of our lock, undefined when there is one of another */
async function taken(lock: string): Promise<number | undefined> {
  try {
    const file = await fs.open(lock, 'wx', 0o600)
    try {
      return (await file.stat()).ino
    } finally {
      await file.close()
    }
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return undefined
    throw error
  }
}

async function stateOf(
  lock: string,
): Promise<{ readonly ino: number; readonly mtimeMs: number } | undefined> {
  return fs.stat(lock).catch(() => undefined)
}
