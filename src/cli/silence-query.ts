/** `hearsay silence query` and `export`: silences that a replica knows, filtered as amtool filters. */

import { promises as fs } from 'node:fs'
import { formatMatcher, parseMatchers } from '../app/silence-matchers.ts'
import { counted } from '../base/counted.ts'
import { parseDuration } from '../base/duration.ts'
import { CliError } from './cli-error.ts'
import { ask, type ClientFlags } from './client.ts'
import { paintFor } from './colour.ts'
import { EXIT } from './exit-codes.ts'
import { interruptible } from './interruptible.ts'
import { print, printJson, printNote } from './output.ts'
import type { OutputFlags } from './output-flag.ts'
import { Progress } from './progress.ts'
import { type ApiSilence, isExpired } from './silence-api.ts'
import { extendedText, simpleText } from './silence-text.ts'
import { Stall } from './stall.ts'
import { usageChecked } from './usage-checked.ts'

export interface QueryFlags extends ClientFlags, OutputFlags {
  readonly expired?: boolean
  readonly within?: string
  readonly createdBy?: string
  readonly quiet?: boolean
}

export interface ExportFlags extends ClientFlags {
  readonly force?: boolean
  readonly progress: boolean
}

const FILE_MODE = 0o600

export async function querySilences(texts: readonly string[], flags: QueryFlags): Promise<void> {
  const wanted = chosen(flags, Date.now())
  const silences = (await fetchSilences(texts, flags)).filter(wanted)
  if (flags.quiet === true) for (const { id } of silences) print(id)
  else if (flags.output === 'json') printJson(silences)
  else if (silences.length === 0) printNote(`no ${flags.expired === true ? 'expired ' : ''}silences`)
  else print((flags.output === 'extended' ? extendedText : simpleText)(silences, paintFor(process.stdout)))
}

/** One silence a line inside one JSON array: what `import` takes, amtool's as well, and what diffs well. */
export async function exportSilences(file: string, flags: ExportFlags): Promise<void> {
  const place = file === '-' ? undefined : file
  if (place !== undefined && flags.force !== true && (await exists(place)))
    throw new CliError(EXIT.conflict, `${place} is there already; --force replaces it`)
  const silences = (await fetchSilences([], flags, !flags.progress)).filter(chosen({}, Date.now()))
  const text = `[\n${silences.map((silence) => JSON.stringify(silence)).join(',\n')}\n]`
  if (place === undefined) print(text)
  else await writeBeside(place, `${text}\n`)
  printNote(`exported ${counted(silences.length, 'silence')}${place === undefined ? '' : ` to ${place}`}`)
}

/** @param isQuiet no progress is shown */
async function fetchSilences(
  texts: readonly string[],
  flags: ClientFlags,
  isQuiet = true,
): Promise<readonly ApiSilence[]> {
  const filter = usageChecked(() => parseMatchers(texts)).map(formatMatcher)
  const progress = new Progress({ verb: 'read', unit: 'bytes', isQuiet })
  return interruptible(
    async ({ signal }) => {
      const stall = new Stall()
      const chunks: Uint8Array[] = []
      let bytes = 0
      try {
        const either = AbortSignal.any([stall.signal, signal])
        const response = await ask(flags, {
          api: 'v2',
          path: ['silences'],
          query: { filter },
          signal: either,
        })
        for await (const chunk of stall.watched(response, 'the list')) {
          chunks.push(chunk)
          bytes += chunk.length
          progress.update(bytes)
        }
      } finally {
        progress.end()
      }
      return listOf(Buffer.concat(chunks).toString('utf8'))
    },
    () => 'nothing was written',
  )
}

function listOf(text: string): readonly ApiSilence[] {
  try {
    const list: unknown = JSON.parse(text)
    // A null is what some servers say for none.
    if (list === null) return []
    if (Array.isArray(list)) return list as readonly ApiSilence[]
  } catch {
    // Told below.
  }
  throw new CliError(EXIT.failed, 'what answers at this address sends no list of silences')
}

function chosen(
  { expired = false, within, createdBy }: Pick<QueryFlags, 'expired' | 'within' | 'createdBy'>,
  nowMs: number,
): (silence: ApiSilence) => boolean {
  const withinMs =
    within === undefined ? Number.POSITIVE_INFINITY : usageChecked(() => parseDuration(within), '--within: ')
  return (silence) =>
    isExpired(silence, nowMs) === expired &&
    Math.abs(Date.parse(silence.endsAt) - nowMs) <= withinMs &&
    (createdBy === undefined || silence.createdBy === createdBy)
}

async function exists(path: string): Promise<boolean> {
  return fs.lstat(path).then(
    () => true,
    () => false,
  )
}

/** Whole, or as it was before. */
async function writeBeside(path: string, text: string): Promise<void> {
  const temporary = `${path}.tmp-${process.pid}`
  try {
    await fs.writeFile(temporary, text, { mode: FILE_MODE, flag: 'wx', flush: true })
    await fs.rename(temporary, path)
  } catch (error) {
    await fs.rm(temporary, { force: true })
    throw new CliError(
      EXIT.failed,
      `cannot write ${path}: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
}
