/**
 * `hearsay snapshot`: online backup of a replica into a file, the check of such a file, and its restoration; or that of
 * what an Alertmanager keeps on its disk.
 */
import { promises as fs } from 'node:fs'
import type { Command } from 'commander'
import type { FileCounts } from '../app/alertmanager-files.ts'
import type { SnapshotSummary } from '../app/snapshot-files.ts'
import { errorCode } from '../base/errors.ts'
import { CliError } from './cli-error.ts'
import { addUrlFlag, ask, type ClientFlags } from './client.ts'
import { EXIT, type ExitCode } from './exit-codes.ts'
import { interruptible } from './interruptible.ts'
import { print, printNote } from './output.ts'
import { addProgressFlag, byteText, Progress } from './progress.ts'
import { Stall } from './stall.ts'

const STANDARD = '-'

interface ProgressFlags {
  readonly progress: boolean
}

interface SaveFlags extends ClientFlags, ProgressFlags {
  readonly force?: boolean
}

interface RestoreFlags extends ProgressFlags {
  readonly 'storage.path': string
  readonly alertmanager?: string
}

export function registerSnapshot(program: Command): void {
  const snapshot = program.command('snapshot').description('Back a replica up while it runs, and restore it.')
  const saving = addUrlFlag(snapshot.command('save').description('Write the state of a replica into a file.'))
    .argument('<file>', 'Where to; - for standard output')
    .option('--force', 'Replace the file when it is there')
    .action(save)
  const verifying = snapshot
    .command('verify')
    .description('Check a snapshot from end to end, and say what it holds.')
    .argument('<file>', 'A snapshot; - for standard input')
    .action(verify)
  const restoring = snapshot
    .command('restore')
    .description(
      'Make a new replica of a snapshot, or of the files of an Alertmanager: always a new actor, only in an empty storage path.',
    )
    .argument('[file]', 'A snapshot; - for standard input')
    .option(
      '--alertmanager <DIR>',
      'Instead of a snapshot: the storage path of an Alertmanager, with its files silences and nflog; stop it first, for it writes them every 15 minutes and when it stops',
    )
    .requiredOption(
      '--storage.path <PATH>',
      'For hearsay serve afterwards; its folder hearsay must be absent or empty',
    )
    .action(restore)
  for (const command of [saving, verifying, restoring]) addProgressFlag(command)
}

async function save(file: string, flags: SaveFlags): Promise<void> {
  const { saveSnapshotFile, streamSnapshot, checkFileIsFree } = await import('../app/snapshot-files.ts')
  const toStandardOutput = file === STANDARD
  if (toStandardOutput && process.stdout.isTTY)
    throw new CliError(EXIT.usage, 'a snapshot is not shown on a terminal: redirect it, or name a file')
  const options = { file, force: flags.force === true }
  // Before the replica is asked for anything.
  if (!toStandardOutput) await told(() => checkFileIsFree(options))
  await job({ verb: 'saved', standing: 'nothing was kept', ...flags }, async (progress, signal) => {
    const stall = new Stall()
    const either = AbortSignal.any([stall.signal, signal])
    const pieces = stall.watched(await ask(flags, { path: ['snapshot'], signal: either }), 'the snapshot')
    const summary = toStandardOutput
      ? await streamSnapshot(pieces, process.stdout, progress)
      : await saveSnapshotFile(pieces, { ...options, progress })
    return () =>
      toStandardOutput
        ? printNote(`saved ${described(summary)}`)
        : print(`saved ${described(summary)} in ${file}`)
  })
}

async function verify(file: string, flags: ProgressFlags): Promise<void> {
  const { verifySnapshotFile } = await import('../app/snapshot-files.ts')
  const total = await sizeOf(file)
  await job({ verb: 'checked', standing: 'nothing was changed', total, ...flags }, async (progress) => {
    const summary = await verifySnapshotFile(file, progress)
    const name = file === STANDARD ? 'the snapshot' : file
    return () =>
      print(`${name} is whole: ${described(summary)}, saved at ${new Date(summary.savedAtMs).toISOString()}`)
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
  const total = await sizeOf(file)
  await job({ verb: 'restored', standing: 'nothing was restored', total, ...flags }, async (progress) => {
    const restored = await restoreSnapshotFile(file, path, progress)
    return () => print(`restored ${described(restored)} into ${path} as the new actor ${restored.actor}`)
  })
}

interface JobOptions extends ProgressFlags {
  readonly verb: string
  /** What a person must know when it was interrupted. */
  readonly standing: string
  readonly total?: number | undefined
}

/** @param run gets what is to be told of the bytes so far, which is also where an interruption ends it; @returns what is said at the end */
async function job(
  { verb, standing, total, progress: isShown }: JobOptions,
  run: (progress: (bytes: number) => void, signal: AbortSignal) => Promise<() => void>,
): Promise<void> {
  const progress = new Progress({ verb, unit: 'bytes', total, isQuiet: !isShown })
  const tell = await interruptible(
    ({ signal, check }) =>
      told(() =>
        run((bytes) => {
          check()
          progress.update(bytes)
        }, signal),
      ),
    () => standing,
  ).finally(() => progress.end())
  tell()
}

/** @returns undefined for what has no size; the command itself tells what is missing */
async function sizeOf(file: string): Promise<number | undefined> {
  if (file === STANDARD) return undefined
  return fs.stat(file).then(
    (stats) => (stats.isFile() ? stats.size : undefined),
    () => undefined,
  )
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

function described(summary: SnapshotSummary): string {
  const { entries, tombstones, setMembers, foreignRecords, bytes } = summary
  return (
    `${entries} entries, ${tombstones} tombstones, ${setMembers} set members, ` +
    `${foreignRecords} silences and notifications, ${byteText(bytes)}`
  )
}

/** Failures that are fully told by their text. */
async function told<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run()
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
