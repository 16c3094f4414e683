/**
 * How the client commands reach a replica: its URL, who they say they are, and which certificates they trust and show. Kept
 * for all requests of a command, so that one handshake serves them.
 *
 * A user and password may stand in the URL; they are taken out of it at once, so that no message repeats them.
 */
import { readFileSync } from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import { isIP } from 'node:net'
import { errorCode } from '../base/errors.ts'
import { CliError } from './cli-error.ts'
import { EXIT } from './exit-codes.ts'

export interface ConnectionFlags {
  readonly url: string
  readonly user?: string | undefined
  readonly passwordFile?: string | undefined
  readonly caFile?: string | undefined
  readonly clientCertFile?: string | undefined
  readonly clientKeyFile?: string | undefined
}

export interface Connection {
  /** Without user and password, and without a slash at the end. */
  readonly url: string
  readonly agent: http.Agent
  readonly headers: Readonly<Record<string, string>>
  /** Whether it says who asks. */
  readonly hasUser: boolean
}

const open = new WeakMap<ConnectionFlags, Connection>()

/** @throws CliError 2 for flags that cannot be used */
export function connectionOf(flags: ConnectionFlags): Connection {
  const known = open.get(flags)
  if (known !== undefined) return known
  const url = parsedUrl(flags.url)
  const authorization = authorizationOf(url, flags)
  url.username = ''
  url.password = ''
  const connection: Connection = {
    url: url.href.replace(/\/+$/, ''),
    agent: agentOf(url, flags),
    headers: authorization === undefined ? {} : { authorization },
    hasUser: authorization !== undefined,
  }
  open.set(flags, connection)
  return connection
}

function parsedUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url !== undefined && /^https?:$/.test(url.protocol)) return url
  // What cannot be read may hold a password in a place that nobody expects.
  const repeated = text.includes('@') ? '' : `, not ${JSON.stringify(text)}`
  throw new CliError(EXIT.usage, `--url must be an http or https URL${repeated}`)
}

function authorizationOf(url: URL, flags: ConnectionFlags): string | undefined {
  const user = url.username === '' ? flags.user : decoded(url.username)
  if (user === undefined || user === '') return undefined
  if (user.includes(':')) throw new CliError(EXIT.usage, 'a user name has no colon')
  const password = url.password === '' ? givenPassword(flags) : decoded(url.password)
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
}

function givenPassword({ passwordFile }: ConnectionFlags): string {
  if (passwordFile !== undefined) return fileText('--password-file', passwordFile).replace(/\r?\n$/, '')
  const password = process.env.HEARSAY_PASSWORD
  if (password !== undefined) return password
  throw new CliError(EXIT.usage, 'a user needs a password: set HEARSAY_PASSWORD, or give --password-file')
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new CliError(EXIT.usage, 'user and password of --url must be percent-encoded')
  }
}

function agentOf(url: URL, flags: ConnectionFlags): http.Agent {
  if (url.protocol === 'http:') return new http.Agent({ keepAlive: true })
  const { caFile, clientCertFile, clientKeyFile } = flags
  if ((clientCertFile === undefined) !== (clientKeyFile === undefined)) {
    throw new CliError(EXIT.usage, '--client-cert-file and --client-key-file go together')
  }
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const options: https.AgentOptions = {
    keepAlive: true,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(caFile === undefined ? {} : { ca: fileText('--ca-file', caFile) }),
    ...(clientCertFile === undefined ? {} : { cert: fileText('--client-cert-file', clientCertFile) }),
    ...(clientKeyFile === undefined ? {} : { key: fileText('--client-key-file', clientKeyFile) }),
  }
  return new https.Agent(options)
}

function fileText(flag: string, path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new CliError(EXIT.usage, `${flag} ${path} cannot be read: ${errorCode(error) ?? String(error)}`)
  }
}
