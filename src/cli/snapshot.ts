/**
 * `hearsay snapshot`: online backup of a replica into a file, the check of such a file, and its restoration; or that of
 * what an Alertmanager keeps on its disk.
 */
import type { Command } from 'commander'
import type { FileCounts } from '../app/alertmanager-files.ts'
import type { SnapshotSummary } from '../app/snapshot-files.ts'
import { errorCode } from '../base/errors.ts'
import { CliError } from './cli-error.ts'
import { addUrlFlag, ask, type ClientFlags } from './client.ts'
import { EXIT, type ExitCode } from './exit-codes.ts'
import { print } from './output.ts'
import { megabytes, showProgress } from './progress.ts'

/** A replica that sends nothing for so long is not going to. */
const STALLED_AFTER_MS = 30_000

interface SaveFlags extends ClientFlags {
  readonly force?: boolean
}

interface RestoreFlags {
  readonly 'storage.path': string
  readonly alertmanager?: string
}

export function registerSnapshot(program: Command): void {
  const snapshot = program.command('snapshot').description('Back a replica up while it runs, and restore it.')
  addUrlFlag(snapshot.command('save').description('Write the state of a replica into a file.'))
    .argument('<file>')
    .option('--force', 'replace the file when it is there')
    .action(save)
  snapshot
    .command('verify')
    .description('Check a snapshot from end to end, and say what it holds.')
    .argument('<file>')
    .action(verify)
  snapshot
    .command('restore')
    .description(
      'Make a new replica of a snapshot, or of the files of an Alertmanager: always a new actor, only in an empty storage path.',
    )
    .argument('[file]', 'a snapshot')
    .option(
      '--alertmanager <DIR>',
      'instead of a snapshot: the storage path of an Alertmanager, with its files silences and nflog; stop it first, for it writes them every 15 minutes and when it stops',
    )
    .requiredOption(
      '--storage.path <PATH>',
      'for `hearsay serve` afterwards; its folder hearsay must be absent or empty',
    )
    .action(restore)
}

async function save(file: string, flags: SaveFlags): Promise<void> {
  const { saveSnapshotFile, checkFileIsFree } = await import('../app/snapshot-files.ts')
  const options = { file, force: flags.force === true, progress: showProgress('saved') }
  await told(async () => {
    // Before the replica is asked for anything.
    await checkFileIsFree(options)
    const stall = new Stall()
    const response = await ask(flags, { path: ['snapshot'], signal: stall.signal })
    const summary = await saveSnapshotFile(stall.watched(response), options)
    print(`saved ${described(summary)} in ${file}`)
  })
}

async function verify(file: string): Promise<void> {
  const { verifySnapshotFile } = await import('../app/snapshot-files.ts')
  await told(async () => {
    const summary = await verifySnapshotFile(file, showProgress('checked'))
    print(`${file} is whole: ${described(summary)}, saved at ${new Date(summary.savedAtMs).toISOString()}`)
  })
}

async function restore(file: string | undefined, flags: RestoreFlags): Promise<void> {
  const path = flags['storage.path']
  if (flags.alertmanager !== undefined) {
    if (file !== undefined)
      throw new CliError(EXIT.usage, 'a snapshot file and --alertmanager exclude each other')
    return restoreAlertmanager(flags.alertmanager, path)
  }
  if (file === undefined)
    throw new CliError(EXIT.usage, "missing required argument 'file', or --alertmanager DIR")
  const { restoreSnapshotFile } = await import('../app/snapshot-files.ts')
  await told(async () => {
    const restored = await restoreSnapshotFile(file, path, showProgress('restored'))
    print(`restored ${described(restored)} into ${path} as the new actor ${restored.actor}`)
  })
}

async function restoreAlertmanager(directory: string, path: string): Promise<void> {
  const { restoreAlertmanagerFiles } = await import('../app/alertmanager-files.ts')
  await told(async () => {
    const { silences, notifications, actor } = await restoreAlertmanagerFiles(directory, {
      storagePath: path,
    })
    print(`silences: ${judged(silences)}`)
    print(`notifications: ${judged(notifications)}`)
    print(`restored into ${path} as the new actor ${actor}`)
  })
}

function judged({ accepted, quarantined, refused, expired }: FileCounts): string {
  return `${accepted} accepted, ${quarantined} quarantined, ${refused} refused, ${expired} expired`
}

/** Ends a request whose answer has stopped coming. */
class Stall {
  readonly #controller = new AbortController()
  readonly #timer: NodeJS.Timeout = setTimeout(
    () => this.#controller.abort(new StalledError()),
    STALLED_AFTER_MS,
  )

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  async *watched(response: Response): AsyncGenerator<Uint8Array> {
    try {
      for await (const piece of response.body ?? []) {
        this.#timer.refresh()
        yield piece
      }
    } catch (error) {
      const reason = error instanceof StalledError ? error.message : 'the connection broke'
      throw new CliError(EXIT.failed, `the snapshot did not arrive in full: ${reason}; nothing was kept`)
    } finally {
      clearTimeout(this.#timer)
    }
  }
}

class StalledError extends Error {
  constructor() {
    super(`nothing came for ${STALLED_AFTER_MS / 1000} s`)
    // `ask` tells a timeout by this name.
    this.name = 'TimeoutError'
  }
}

function described(summary: SnapshotSummary): string {
  const { entries, tombstones, setMembers, foreignRecords, bytes } = summary
  return (
    `${entries} entries, ${tombstones} tombstones, ${setMembers} set members, ` +
    `${foreignRecords} silences and notifications, ${megabytes(bytes)}`
  )
}

/** Failures that are fully told by their text. */
async function told(run: () => Promise<void>): Promise<void> {
  try {
    await run()
  } catch (error) {
    const code = errorCode(error)
    if (error instanceof CliError || !(error instanceof Error) || code === undefined) throw error
    throw new CliError(exitCodeOf(code), error.message)
  }
}

function exitCodeOf(code: string): ExitCode {
  if (code === 'ENOENT' || code === 'ALERTMANAGER_FILES_MISSING') return EXIT.notFound
  return code === 'SNAPSHOT_FILE_EXISTS' || code === 'STORE_NOT_EMPTY' ? EXIT.conflict : EXIT.failed
}
