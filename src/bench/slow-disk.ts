/**
 * A disk that takes longer to sync than that of this machine: a preload library of the tests, compiled when it is needed.
 * So only in a checkout, with a C compiler, on Linux.
 */
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isInstalled } from './wrk.ts'

const SOURCE = fileURLToPath(new URL('../../test/shims/slow-fdatasync.c', import.meta.url))

/** What a process needs in its environment for every sync to take `delayMs` longer; or, as text, why it cannot be had. */
export function slowDisk(directory: string, delayMs: number): Readonly<Record<string, string>> | string {
  if (process.platform !== 'linux') return 'a slower disk can be had on Linux only'
  if (!existsSync(SOURCE)) return 'a slower disk can be had in a checkout only'
  if (!isInstalled('gcc')) return 'gcc is not installed (apt-get install gcc libc6-dev)'
  const library = join(directory, 'slow-fdatasync.so')
  execFileSync('gcc', ['-shared', '-fPIC', '-O1', '-o', library, SOURCE, '-ldl'])
  return { LD_PRELOAD: library, HEARSAY_SHIM_SYNC_MS: String(Math.round(delayMs)) }
}
