/** `hearsay silence add`: a new silence from matchers and flags, with amtool's defaults. */
import { userInfo } from 'node:os'
import { parseMatchers, toApi } from '../app/silence-matchers.ts'
import { parseDuration } from '../base/duration.ts'
import { CliError } from './cli-error.ts'
import type { ClientFlags } from './client.ts'
import { EXIT } from './exit-codes.ts'
import { print, printJson } from './output.ts'
import type { OutputFlags } from './output-flag.ts'
import { type PostableSilence, postSilence } from './silence-api.ts'
import { usageChecked } from './usage-checked.ts'

export interface AddFlags extends ClientFlags, OutputFlags {
  readonly author?: string
  readonly comment?: string
  readonly duration: string
  readonly start?: string
  readonly end?: string
}

const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)$/i

export async function addSilence(texts: readonly string[], flags: AddFlags): Promise<void> {
  const id = await postSilence(flags, newSilence(texts, flags, Date.now()))
  if (flags.output === 'json') printJson({ silenceID: id })
  else print(id)
}

/** @throws CliError 2 for what cannot be a silence */
export function newSilence(texts: readonly string[], flags: AddFlags, nowMs: number): PostableSilence {
  const matchers = usageChecked(() => parseMatchers(texts)).map(toApi)
  if (matchers.length === 0)
    throw new CliError(EXIT.usage, 'no matchers: name an alert, or labels as in instance=db1')
  if ((flags.comment ?? '').trim() === '')
    throw new CliError(EXIT.usage, 'a comment is needed, so that others know why: --comment TEXT')
  const startMs = flags.start === undefined ? nowMs : instantOf('--start', flags.start)
  const endMs = flags.end === undefined ? startMs + lengthOf(flags.duration) : instantOf('--end', flags.end)
  if (endMs <= startMs) throw new CliError(EXIT.usage, 'the silence would end before it starts')
  return {
    matchers,
    startsAt: new Date(startMs).toISOString(),
    endsAt: new Date(endMs).toISOString(),
    createdBy: flags.author ?? userName(),
    comment: flags.comment ?? '',
  }
}

function lengthOf(text: string): number {
  const lengthMs = usageChecked(() => parseDuration(text), '--duration: ')
  if (lengthMs > 0) return lengthMs
  throw new CliError(EXIT.usage, '--duration must be more than 0')
}

function instantOf(flag: string, text: string): number {
  const ms = RFC_3339.test(text) ? Date.parse(text) : Number.NaN
  if (!Number.isNaN(ms)) return ms
  throw new CliError(
    EXIT.usage,
    `${flag} must be a moment such as 2026-11-21T15:00:00Z, not ${JSON.stringify(text)}`,
  )
}

function userName(): string {
  try {
    return userInfo().username
  } catch {
    // A container often runs as a number without a name.
    throw new CliError(EXIT.usage, 'this user has no name: say who you are with --author')
  }
}
