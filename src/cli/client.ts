/**
 * Requests of the client commands to a running replica, and what their failures mean to a shell: 2 for words that the
 * replica cannot read, 3 for what is not there, 4 for a condition that does not hold, 5 when no replica answers.
 */
import { type Command, Option } from 'commander'
import { CliError } from './cli-error.ts'
import { type Connection, type ConnectionFlags, connectionOf } from './connection.ts'
import { connectionTrouble } from './connection-trouble.ts'
import { EXIT, type ExitCode } from './exit-codes.ts'
import { httpRequest } from './http-request.ts'
import { shown } from './output.ts'
import { noReplicaAt } from './replica-answer.ts'

const REQUEST_TIMEOUT_MS = 30_000
const DEFAULT_URL = 'http://127.0.0.1:9093'

export type ClientFlags = ConnectionFlags

/**
 * The flags by which a replica is reached, and the variables that stand for them.
 *
 * @param url default: one that names the replica here
 */
export function addUrlFlag(command: Command, url: Option = urlOption()): Command {
  const { env } = process
  return command
    .addOption(url)
    .addOption(preset('--user <NAME>', 'A user of the replica (HEARSAY_USER)', env.HEARSAY_USER))
    .addOption(
      preset(
        '--password-file <FILE>',
        'Holds the password of the user (HEARSAY_PASSWORD_FILE); or HEARSAY_PASSWORD is the password',
        env.HEARSAY_PASSWORD_FILE,
      ),
    )
    .addOption(preset('--ca-file <FILE>', 'Whom to trust, for https (HEARSAY_CA_FILE)', env.HEARSAY_CA_FILE))
    .addOption(
      preset(
        '--client-cert-file <FILE>',
        'Certificate to show (HEARSAY_CLIENT_CERT_FILE)',
        env.HEARSAY_CLIENT_CERT_FILE,
      ),
    )
    .addOption(
      preset('--client-key-file <FILE>', 'Its key (HEARSAY_CLIENT_KEY_FILE)', env.HEARSAY_CLIENT_KEY_FILE),
    )
}

function urlOption(): Option {
  return new Option('--url <URL>', 'A replica (HEARSAY_URL)').default(process.env.HEARSAY_URL || DEFAULT_URL)
}

function preset(flags: string, help: string, value: string | undefined): Option {
  return new Option(flags, help).default(value === '' ? undefined : value).helpGroup('Who asks:')
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
  const connection = connectionOf(flags)
  const url = requestUrl(connection.url, request)
  let response: Response
  try {
    response = await httpRequest(url, {
      method: request.method ?? 'GET',
      headers: { ...connection.headers, ...request.headers },
      ...(request.body === undefined ? {} : { body: request.body }),
      agent: connection.agent,
      signal: request.signal ?? AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    })
  } catch (error) {
    const reason = connectionTrouble(error, connection.url, REQUEST_TIMEOUT_MS)
    throw new CliError(EXIT.unreachable, `cannot reach a replica at ${connection.url}: ${reason}`)
  }
  if (response.ok) return response
  if (response.status === 401) throw new CliError(EXIT.failed, unknownHere(connection))
  const { text, code } = await problemOf(url, response)
  // Ours give each refusal a code; a proxy before one may have a 5xx of its own.
  const isOfNobody = request.api !== 'v2' && code === undefined && response.status < 500
  if (isOfNobody) throw noReplicaAt(connection.url)
  throw new CliError(exitCodeOf(response.status, code), text)
}

function unknownHere({ url, hasUser }: Connection): string {
  return hasUser
    ? `${url} does not let this user and password in`
    : `${url} asks who you are: give --user, and HEARSAY_PASSWORD or --password-file`
}

/** @param base without a slash at the end */
function requestUrl(base: string, request: ClientRequest): URL {
  for (const segment of request.path) {
    if (segment === '' || segment === '.' || segment === '..') {
      throw new CliError(
        EXIT.usage,
        `${JSON.stringify(segment)} cannot be sent in a path; the other keys can`,
      )
    }
  }
  const path = ['api', request.api ?? 'v1', ...request.path].map(encodeURIComponent).join('/')
  const url = new URL(`${base}/${path}`)
  for (const [name, value] of Object.entries(request.query ?? {})) {
    for (const one of value === undefined ? [] : [value].flat()) url.searchParams.append(name, one)
  }
  return url
}

/** What a replica says of words that came from the command line: nothing was tried. */
const USAGE_CODES: ReadonlySet<string> = new Set([
  'DURATION_MALFORMED',
  'GOSSIP_KEY_INVALID',
  'HTTP_BODY_INVALID',
  'HTTP_PATH_MALFORMED',
  'HTTP_PATH_TOO_LONG',
  'HTTP_PRECONDITION_UNSUPPORTED',
  'HTTP_QUERY_INVALID',
  'STORE_KEY_MALFORMED',
  'STORE_KEY_TOO_LARGE',
  'WATCH_CURSOR_MALFORMED',
])

function exitCodeOf(status: number, code: string | undefined): ExitCode {
  if (code !== undefined && USAGE_CODES.has(code)) return EXIT.usage
  if (status === 404) return EXIT.notFound
  return status === 409 || status === 412 ? EXIT.conflict : EXIT.failed
}

interface Problem {
  readonly text: string
  /** Undefined where the answer is none of ours. */
  readonly code?: string
}

async function problemOf(url: URL, response: Response): Promise<Problem> {
  const text = await response.text()
  try {
    const problem: unknown = JSON.parse(text)
    if (typeof problem === 'object' && problem !== null && 'code' in problem && 'detail' in problem) {
      const code = String(problem.code)
      return { text: shown(`${String(problem.detail)} (${code})`), code }
    }
    // As Alertmanager answers: a text, or what its request check says.
    if (typeof problem === 'string' && problem !== '') return { text: shown(problem) }
    if (typeof problem === 'object' && problem !== null && 'message' in problem)
      return { text: shown(String(problem.message)) }
  } catch {
    // Not ours: something else answers at this address; its status says what there is to say.
  }
  return { text: `${url.href} answered ${response.status} ${response.statusText}` }
}
