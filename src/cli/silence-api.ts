/** Silences over `/api/v2`, of a replica or of a real Alertmanager: one request each, and what the answers look like. */
import type { ApiMatcher } from '../app/silence-matchers.ts'
import { CliError } from './cli-error.ts'
import { ask, type ClientFlags } from './client.ts'
import { EXIT } from './exit-codes.ts'
import { jsonAnswer } from './json-answer.ts'

export interface PostableSilence {
  readonly id?: string
  readonly matchers: readonly ApiMatcher[]
  /** RFC 3339. */
  readonly startsAt: string
  readonly endsAt: string
  readonly createdBy: string
  readonly comment: string
  readonly annotations?: Readonly<Record<string, string>>
}

export interface ApiSilence extends PostableSilence {
  readonly id: string
  readonly status: { readonly state: string }
  readonly updatedAt: string
}

/** @returns the id of the silence, a new one or that of the one it has replaced */
export async function postSilence(flags: ClientFlags, silence: PostableSilence): Promise<string> {
  const response = await ask(flags, {
    api: 'v2',
    method: 'POST',
    path: ['silences'],
    headers: { 'content-type': 'application/json' },
    body: Buffer.from(JSON.stringify(silence)),
  })
  const { silenceID } = await jsonAnswer<{ readonly silenceID: string }>(response)
  return silenceID
}

/** @throws CliError 3 when there is no such silence */
export async function expireSilence(flags: ClientFlags, id: string): Promise<void> {
  try {
    const response = await ask(flags, { api: 'v2', method: 'DELETE', path: ['silence', id] })
    // Read, though it is empty: until then its connection is not free for the next.
    await response.arrayBuffer()
  } catch (error) {
    if (!(error instanceof CliError)) throw error
    // Alertmanager 0.25 says so with a 500, later ones with a 404 without words.
    const isMissing = error.exitCode === EXIT.notFound || error.message === 'silence not found'
    throw isMissing ? new CliError(EXIT.notFound, 'there is no such silence') : error
  }
}

/** Whether the next silence would fail in the same way: nobody answers, or the address is none. */
export function endsAll({ exitCode }: CliError): boolean {
  return exitCode === EXIT.unreachable || exitCode === EXIT.usage
}

export function isExpired({ endsAt }: ApiSilence, nowMs: number): boolean {
  return Date.parse(endsAt) <= nowMs
}
