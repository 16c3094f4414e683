/**
 * The data directory: whether this user may write there, who else may read it, how much room there is, how long a sync
 * takes, who has it open, and what a troubled past has left in it.
 *
 * Nothing is made that stays: syncs are measured on a file of a page beside the store, which is removed. The database is
 * not opened: whether it is open is asked of the kernel's list of locks.
 */
import { randomBytes } from 'node:crypto'
import { constants, promises as fs } from 'node:fs'
import { userInfo } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { errorCode } from '../../base/errors.ts'
import { DAMAGED_PREFIX } from '../../store/store-folder.ts'
import { type Check, type Finding, fail, ok, warn } from './finding.ts'
import { storeHolder } from './store-lock.ts'

const OPEN_TO_OTHERS = 0o077
const FREE_BYTES_WARN = 1024 ** 3
const FREE_BYTES_FAIL = 64 * 1024 ** 2
const SYNCS = 20
const SYNC_WARN_MS = 20
const PAGE_BYTES = 4096
const NAME = 'data dir'

/** @param path of `--storage.path` @param monotonicMs a clock */
export function dataDirectoryCheck(path: string, monotonicMs: () => number): Check {
  return { name: NAME, subject: path, run: () => examined(path, monotonicMs) }
}

async function examined(path: string, monotonicMs: () => number): Promise<readonly Finding[]> {
  const place = await existingPart(path)
  if (place.error !== undefined) return [unusable(path, place.error)]
  const denied = await fs.access(place.path, constants.W_OK | constants.X_OK).catch((error: unknown) => error)
  if (denied !== undefined) return [unusable(place.path, denied)]
  const room = await roomIn(place.path)
  if (place.path !== resolve(path)) return [ok(NAME, path, 'is made at the first start'), room]
  const folder = join(path, 'hearsay')
  return [...(await storeFindings(path, folder)), room, await syncTime(path, monotonicMs)]
}

/** The path itself, or the nearest directory above it that is there. */
async function existingPart(path: string): Promise<{ readonly path: string; readonly error?: unknown }> {
  for (let at = resolve(path); ; at = dirname(at)) {
    try {
      const stat = await fs.stat(at)
      return stat.isDirectory() ? { path: at } : { path: at, error: new Error('it is no directory') }
    } catch (error) {
      if (errorCode(error) !== 'ENOENT' || at === dirname(at)) return { path: at, error }
    }
  }
}

function unusable(path: string, error: unknown): Finding {
  const code = errorCode(error) ?? (error instanceof Error ? error.message : String(error))
  const who = userInfo().username
  const words: Readonly<Record<string, string>> = {
    EACCES: `the user ${who} may not write there`,
    EROFS: 'the file system is mounted read-only',
  }
  return fail(NAME, path, words[code] ?? code, `chown it to ${who}, or choose another --storage.path`)
}

async function storeFindings(path: string, folder: string): Promise<readonly Finding[]> {
  const stat = await fs.stat(folder).catch(() => undefined)
  if (stat === undefined) return [ok(NAME, path, 'there is no store in it yet')]
  const { uid } = userInfo()
  if (uid >= 0 && uid !== 0 && stat.uid !== uid) {
    return [
      fail(
        NAME,
        folder,
        `it belongs to user id ${stat.uid}, and this is ${uid}`,
        `chown -R ${uid} ${folder}`,
      ),
    ]
  }
  const names = await fs.readdir(folder)
  const isOpen = (stat.mode & OPEN_TO_OTHERS) !== 0
  const pid = await storeHolder(path)
  const isLink = (await fs.lstat(path)).isSymbolicLink()
  const used = pid === undefined || pid === 'none' ? 'not in use' : `in use by process ${pid}`
  return [
    isOpen
      ? warn(NAME, folder, 'other users may look into it', `chmod 700 ${folder}`)
      : ok(NAME, folder, `${isLink ? 'behind a symbolic link, ' : ''}for its owner alone, ${used}`),
    ...pastOf(folder, names),
  ]
}

function pastOf(folder: string, names: readonly string[]): readonly Finding[] {
  const damaged = names.filter((name) => name.startsWith(DAMAGED_PREFIX))
  const found: Finding[] = []
  if (damaged.length > 0) {
    const detail = `${damaged.length} damaged copies are kept: ${damaged.join(', ')}`
    found.push(warn(NAME, folder, detail, 'check the disk; move them away when you need them no more'))
  }
  if (names.includes('awaiting-peers')) {
    found.push(
      warn(
        NAME,
        folder,
        'it has lost something, and waits for a peer',
        'bring a peer back (docs/reference/durability.md)',
      ),
    )
  }
  return found
}

async function roomIn(path: string): Promise<Finding> {
  const { bavail, bsize, blocks } = await fs.statfs(path)
  const [freeBytes, allBytes] = [bavail * bsize, blocks * bsize]
  const percent = allBytes === 0 ? 0 : Math.round((100 * freeBytes) / allBytes)
  const detail = `${(freeBytes / 1024 ** 3).toFixed(1)} GiB free (${percent} %)`
  if (freeBytes < FREE_BYTES_FAIL) return fail('disk space', path, detail, 'make room')
  if (freeBytes < FREE_BYTES_WARN) return warn('disk space', path, detail, 'make room soon')
  return ok('disk space', path, detail)
}

async function syncTime(path: string, monotonicMs: () => number): Promise<Finding> {
  const file = join(path, `.hearsay-doctor-${randomBytes(6).toString('hex')}`)
  const timesMs: number[] = []
  try {
    const handle = await fs.open(file, 'wx', 0o600)
    try {
      for (let i = 0; i < SYNCS; i++) {
        await handle.write(Buffer.alloc(PAGE_BYTES, i), 0, PAGE_BYTES, i * PAGE_BYTES)
        const startedMs = monotonicMs()
        await handle.datasync()
        timesMs.push(monotonicMs() - startedMs)
      }
    } finally {
      await handle.close()
    }
  } finally {
    await fs.rm(file, { force: true })
  }
  timesMs.sort((a, b) => a - b)
  const medianMs = timesMs[Math.floor(timesMs.length / 2)] ?? 0
  const detail = `median of ${SYNCS} syncs ${medianMs.toFixed(1)} ms, worst ${(timesMs.at(-1) ?? 0).toFixed(1)} ms`
  if (medianMs < SYNC_WARN_MS) return ok('disk sync', path, detail)
  return warn('disk sync', path, detail, 'writes wait for it: use a faster disk')
}
