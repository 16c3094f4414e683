/**
 * Requests of the client commands to a running replica, and what their failures mean to a shell: 3 for what is not
 * there, 4 for a condition that does not hold, 5 when no replica answers.
 */
import type { Command } from 'commander'
import { errorCode } from '../base/errors.ts'
import { CliError } from './cli-error.ts'
import { EXIT, type ExitCode } from './exit-codes.ts'
import { shown } from './output.ts'

const REQUEST_TIMEOUT_MS = 30_000
const DEFAULT_URL = 'http://127.0.0.1:9093'

export interface ClientFlags {
  readonly url: string
}

export function addUrlFlag(command: Command): Command {
  const preset = process.env.HEARSAY_URL ?? DEFAULT_URL
  return command.option('--url <URL>', 'a replica (HEARSAY_URL)', preset)
}

export interface ClientRequest {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Default v1; v2 is Alertmanager's interface, ours or that of a real one. */
  readonly api?: 'v1' | 'v2'
  /** After `/api/v1`; each is one path segment, in clear text. */
  readonly path: readonly string[]
  readonly query?: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array
  /** Ends the request instead of the timeout, which holds for the whole answer. */
  readonly signal?: AbortSignal
}

/** @throws CliError for everything that is not a success */
export async function ask(flags: ClientFlags, request: ClientRequest): Promise<Response> {
  const url = requestUrl(flags.url, request)
  let response: Response
  try {
    response = await fetch(url, {
      method: request.method ?? 'GET',
      signal: request.signal ?? AbortSignal.timeout(REQUEST_TIMEOUT_MS),
      ...(request.headers === undefined ? {} : { headers: { ...request.headers } }),
      ...(request.body === undefined ? {} : { body: Buffer.from(request.body) }),
    })
  } catch (error) {
    throw new CliError(EXIT.unreachable, `cannot reach a replica at ${flags.url}: ${reasonOf(error)}`)
  }
  if (response.ok) return response
  throw new CliError(exitCodeOf(response.status), await problemText(response))
}

function requestUrl(base: string, request: ClientRequest): URL {
  if (!URL.canParse(base) || !/^https?:/.test(base)) {
    throw new CliError(EXIT.usage, `--url must be an http or https URL, not ${JSON.stringify(base)}`)
  }
  for (const segment of request.path) {
    if (segment === '' || segment === '.' || segment === '..') {
      throw new CliError(
        EXIT.usage,
        `${JSON.stringify(segment)} cannot be sent in a path; the other keys can`,
      )
    }
  }
  const path = ['api', request.api ?? 'v1', ...request.path].map(encodeURIComponent).join('/')
  const url = new URL(`${base.replace(/\/+$/, '')}/${path}`)
  for (const [name, value] of Object.entries(request.query ?? {})) {
    for (const one of value === undefined ? [] : [value].flat()) url.searchParams.append(name, one)
  }
  return url
}

function exitCodeOf(status: number): ExitCode {
  if (status === 404) return EXIT.notFound
  return status === 409 || status === 412 ? EXIT.conflict : EXIT.failed
}

async function problemText(response: Response): Promise<string> {
  const text = await response.text()
  try {
    const problem: unknown = JSON.parse(text)
    if (typeof problem === 'object' && problem !== null && 'code' in problem && 'detail' in problem) {
      return shown(`${String(problem.detail)} (${String(problem.code)})`)
    }
    // As Alertmanager answers: a text, or what its request check says.
    if (typeof problem === 'string' && problem !== '') return shown(problem)
    if (typeof problem === 'object' && problem !== null && 'message' in problem)
      return shown(String(problem.message))
  } catch {
    // Not ours: something else answers at this address; its status says what there is to say.
  }
  return `${response.url} answered ${response.status} ${response.statusText}`
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error.name === 'TimeoutError') return `no answer within ${REQUEST_TIMEOUT_MS / 1000} s`
  return errorCode(error.cause) ?? (error.cause instanceof Error ? error.cause.message : error.message)
}
