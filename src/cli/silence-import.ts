/**
 * `hearsay silence import`: silences from a JSON array, as `silence export` or amtool writes it. Each keeps its id where
 * the replica knows it, so importing twice changes nothing; one that it does not know gets a new id. What fails is named,
 * the others go on, and the exit code is 1 (amtool's is 0).
 */
import { promises as fs } from 'node:fs'
import { errorCode } from '../base/errors.ts'
import { CliError } from './cli-error.ts'
import type { ClientFlags } from './client.ts'
import { EXIT } from './exit-codes.ts'
import { interruptible } from './interruptible.ts'
import { print, printError, printNote, shown } from './output.ts'
import { inParallel } from './parallel.ts'
import { Progress } from './progress.ts'
import { endsAll, type PostableSilence, postSilence } from './silence-api.ts'
import { wholeNumber } from './simulate.ts'
import { standardInput } from './standard-input.ts'

export interface ImportFlags extends ClientFlags {
  readonly force?: boolean
  readonly worker: string
  readonly progress: boolean
}

const WORKERS_MAX = 64
/** Beyond so many, failures are only counted. */
const FAILURES_SHOWN = 20

export async function importSilences(file: string, flags: ImportFlags): Promise<void> {
  const workers = wholeNumber('--worker', flags.worker, 1, WORKERS_MAX)
  const name = file === '-' ? 'standard input' : file
  const silences = silencesOf(await textOf(file), name)
  const counts = { done: 0, failed: 0 }
  const progress = new Progress({
    verb: 'imported',
    unit: 'silences',
    total: silences.length,
    isQuiet: !flags.progress,
  })
  const one = async (silence: PostableSilence): Promise<void> => {
    try {
      const id = await postOrRenew(flags, flags.force === true ? withoutId(silence) : silence)
      counts.done++
      progress.end()
      print(id)
    } catch (error) {
      if (!(error instanceof CliError) || endsAll(error)) throw error
      counts.failed++
      progress.end()
      if (counts.failed <= FAILURES_SHOWN) printError(`${nameOf(silence)}: ${error.message}`)
    }
    progress.update(counts.done + counts.failed, counts.failed === 0 ? '' : `${counts.failed} failed`)
  }
  const standing = (): string => `${counts.done} of ${silences.length} silences were imported`
  await interruptible(
    ({ check }) =>
      inParallel(silences, workers, async (silence) => {
        check()
        await one(silence)
      }),
    standing,
  )
    .catch((error: unknown) => {
      if (error instanceof CliError && error.exitCode === EXIT.unreachable)
        throw new CliError(error.exitCode, error.message, standing())
      throw error
    })
    .finally(() => progress.end())
  if (counts.failed > 0) throw new CliError(EXIT.failed, `${standing()}, ${counts.failed} failed`)
  printNote(standing())
}

/** An id that the replica does not know is 404; then the silence is a new one there. */
async function postOrRenew(flags: ClientFlags, silence: PostableSilence): Promise<string> {
  try {
    return await postSilence(flags, silence)
  } catch (error) {
    const isUnknown = error instanceof CliError && error.exitCode === EXIT.notFound
    if (!isUnknown || silence.id === undefined) throw error
    return postSilence(flags, withoutId(silence))
  }
}

function withoutId({ id: _, ...silence }: PostableSilence): PostableSilence {
  return silence
}

function nameOf({ id, comment }: PostableSilence): string {
  return shown(String(id ?? JSON.stringify(comment)))
}

async function textOf(file: string): Promise<string> {
  if (file === '-') return Buffer.from(await standardInput()).toString('utf8')
  try {
    return await fs.readFile(file, 'utf8')
  } catch (error) {
    const code = errorCode(error) ?? String(error)
    throw new CliError(code === 'ENOENT' ? EXIT.notFound : EXIT.failed, `cannot read ${shown(file)}: ${code}`)
  }
}

function silencesOf(text: string, name: string): readonly PostableSilence[] {
  let list: unknown
  try {
    list = JSON.parse(text)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new CliError(EXIT.failed, `${shown(name)} is no JSON: ${shown(reason)}`)
  }
  if (!Array.isArray(list) || !list.every((item) => typeof item === 'object' && item !== null))
    throw new CliError(EXIT.failed, `${shown(name)} holds no JSON array of silences`)
  return list as readonly PostableSilence[]
}
