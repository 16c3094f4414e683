/**
 * A trial: the database is opened and read from end to end in a child process, so that a damaged table which makes
 * LevelDB abort (1 of 2,400 flipped bits did: reliability.md section 0, item 3) ends the child and not the replica.
 *
 * Only asked for when an earlier start died while it was reading (open-database.ts), so it costs nothing otherwise; then
 * about 40 ms for a process and 0.1 s for 100,000 entries. The child is a script of ten lines and not a file of ours:
 * so it works from sources, from dist and inside most embedding programs alike. It ends when we do.
 *
 * It says when it begins to read, because a child can also be aborted before (no threads or address space left), which is
 * no word about the database. Inside an application that was packaged into one executable there is no trial: that program,
 * started once more, would be the application.
 */
import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { basename } from 'node:path'
import type { StoreLog } from './core/store-log.ts'

/** A child that is not done then is ended, and says nothing about the database. */
const TRIAL_TIMEOUT_MS = 120_000

/** What a native fault ends a process with; being killed from outside is not one. */
const FAULTS: ReadonlySet<string> = new Set(['SIGABRT', 'SIGSEGV', 'SIGBUS', 'SIGILL', 'SIGFPE', 'SIGTRAP'])

const NODE = /^node(js)?[-\d.]*(\.exe)?$/i

const SCRIPT = `
const { Level } = require(process.argv[1])
require('node:fs').writeSync(1, 'reading')
process.stdin.on('end', () => process.exit(1)).resume()
const view = { keyEncoding: 'view', valueEncoding: 'view' }
const db = new Level(process.argv[2], { ...view, createIfMissing: false })
db.open().then(async () => {
  const iterator = db.iterator({ fillCache: false })
  while ((await iterator.nextv(1000)).length > 0);
  await iterator.close()
  await db.close()
  process.exit(0)
}).catch(() => process.exit(1))
`

export interface TrialOptions {
  /** Default: the program that runs us. */
  readonly execPath?: string
}

/** @returns the signal that reading the database raised; undefined when it raised none, or the trial could not be made */
export async function trialOpen(
  databasePath: string,
  log: StoreLog,
  { execPath = process.execPath }: TrialOptions = {},
): Promise<string | undefined> {
  const level = pathOfLevel()
  if (level === undefined || !canRunScripts(execPath)) {
    log.info('store_trial', { fault: 'not tried' })
    return undefined
  }
  const startedMs = performance.now()
  const signal = await new Promise<string | undefined>((resolve) => {
    const child = spawn(execPath, ['-e', SCRIPT, level, databasePath], {
      stdio: ['pipe', 'pipe', 'ignore'],
      timeout: TRIAL_TIMEOUT_MS,
      killSignal: 'SIGKILL',
      env: { ...process.env, ELECTRON_RUN_AS_NODE: '1' },
    })
    let isReading = false
    child.stdout.once('data', () => {
      isReading = true
    })
    child.stdin.on('error', () => undefined)
    child.once('error', () => resolve(undefined))
    child.once('close', (_code, ended) => resolve(isReading ? (ended ?? undefined) : undefined))
  })
  const fault = signal !== undefined && FAULTS.has(signal) ? signal : undefined
  log.info('store_trial', { tookMs: Math.round(performance.now() - startedMs), fault: fault ?? 'none' })
  return fault
}

/** Undefined in a bundle that has no such file. */
function pathOfLevel(): string | undefined {
  try {
    return createRequire(import.meta.url).resolve('level')
  } catch {
    return undefined
  }
}

function canRunScripts(execPath: string): boolean {
  return NODE.test(basename(execPath)) || process.versions.electron !== undefined
}
