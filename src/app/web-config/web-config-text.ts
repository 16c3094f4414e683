/** The text of `--web.config.file` to what it says, with every complaint at once. No other file is read here. */
import { validateHeaderValue } from 'node:http'
import { parseDuration } from '../../base/duration.ts'
import { errorText } from '../error-text.ts'
import { OptionsError } from '../options/options-error.ts'
import { passwordHashProblem } from './password-hash.ts'
import { readTlsSettings } from './tls-settings.ts'
import type { RequestRate, WebSettings } from './web-settings.ts'
import { YamlFields } from './yaml-fields.ts'

/** Header -> the values it may have; empty for any. No others can be set, as in the toolkit. */
const HEADERS: ReadonlyMap<string, readonly string[]> = new Map([
  ['Strict-Transport-Security', []],
  ['X-Content-Type-Options', ['nosniff']],
  ['X-Frame-Options', ['deny', 'sameorigin']],
  ['X-XSS-Protection', []],
  ['Content-Security-Policy', []],
])
const USERS_MAX = 1000
const BURST_MAX = 1_000_000
const WEAK_COST = 10

/**
 * @param path of the file: relative ones in it are relative to its folder
 * @throws OptionsError naming file, line and field of everything that is wrong; never a value
 */
export function parseWebConfig(path: string, text: string): WebSettings {
  const problems: string[] = []
  const warnings: string[] = []
  const root = YamlFields.read(
    path,
    text,
    ['tls_server_config', 'http_server_config', 'basic_auth_users', 'rate_limit'],
    problems,
  )
  const tls = readTlsSettings(root, path, warnings)
  const http = root.object('http_server_config', ['http2', 'headers'])
  const http2 = http.flag('http2')
  if (http2?.value === true) {
    warnings.push(`${http2.place}: has no effect: hearsay speaks HTTP/1.1, over TLS as well`)
  }
  const headers = readHeaders(http)
  const users = readUsers(root, warnings)
  const requestRate = readRate(root)
  if (problems.length > 0) throw new OptionsError([...new Set(problems)])
  const isSecret = users.size > 0 || (tls !== undefined && 'text' in tls.key.value)
  return { tls, headers, users, requestRate, isSecret, warnings }
}

function readHeaders(http: YamlFields): ReadonlyMap<string, string> {
  const fields = http.object('headers', [...HEADERS.keys()])
  const headers = new Map<string, string>()
  for (const name of fields.names()) {
    const found = fields.text(name)
    if (found === undefined) continue
    const allowed = HEADERS.get(name) ?? []
    if (allowed.length > 0 && !allowed.includes(found.value)) {
      fields.refuse(found.place, `expected one of ${allowed.join(', ')}`)
    }
    try {
      validateHeaderValue(name, found.value)
    } catch (error) {
      fields.refuse(found.place, errorText(error))
    }
    headers.set(name, found.value)
  }
  return headers
}

function readUsers(root: YamlFields, warnings: string[]): ReadonlyMap<string, string> {
  const fields = root.object('basic_auth_users')
  const users = new Map<string, string>()
  for (const name of fields.names()) {
    const found = fields.text(name)
    const place = found?.place ?? `basic_auth_users.${name}`
    if (/[:\p{Cc}]/u.test(name)) fields.refuse(place, 'a user name has no colon and no control character')
    const problem = passwordHashProblem(found?.value ?? '')
    if (problem !== undefined) fields.refuse(place, problem)
    const cost = Number(found?.value.slice(4, 6))
    if (cost < WEAK_COST) {
      warnings.push(`${place}: a bcrypt cost of ${cost} is cheap to guess at; take ${WEAK_COST} or more`)
    }
    users.set(name, found?.value ?? '')
  }
  if (users.size > USERS_MAX) {
    fields.refuse(
      'basic_auth_users',
      `more than ${USERS_MAX} users: put a proxy or client certificates before it`,
    )
  }
  return users
}

function readRate(root: YamlFields): RequestRate | undefined {
  const fields = root.object('rate_limit', ['interval', 'burst'])
  const interval = fields.text('interval')
  const burst = fields.text('burst')
  let intervalMs = 0
  try {
    intervalMs = parseDuration(interval?.value ?? '0')
  } catch {
    fields.refuse(interval?.place ?? '', 'expected a duration such as 100ms')
  }
  const count = Number(burst?.value ?? '0')
  if (!(Number.isInteger(count) && count >= 0 && count <= BURST_MAX)) {
    fields.refuse(burst?.place ?? '', `expected a whole number from 0 to ${BURST_MAX}`)
  }
  if (intervalMs > 0 && count === 0) {
    fields.refuse(interval?.place ?? '', 'without a burst of at least 1 no request would ever be answered')
  }
  return intervalMs === 0 ? undefined : { intervalMs, burst: count }
}
