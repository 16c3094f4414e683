/**
 * Whether a client certificate has one of the names that are let in: DNS names, e-mail addresses, IP addresses and URIs of
 * its subject alternative names, each compared as a whole, without wildcards, as exporter-toolkit does.
 *
 * Node gives these names as one text in which a value with unusual characters is a JSON string, so that a name that holds
 * a comma cannot pretend to be two.
 */
import type { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'

const ENTRY = /([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^,"]*)(?:, |$)/gy
const TYPES: ReadonlySet<string> = new Set(['DNS', 'email', 'URI'])

export function hasAllowedName(
  certificate: Pick<X509Certificate, 'subjectAltName' | 'checkIP'>,
  allowed: readonly string[],
): boolean {
  const names = namesOf(certificate.subjectAltName ?? '')
  return allowed.some((name) =>
    isIP(name) === 0 ? names.has(name) : certificate.checkIP(name) !== undefined,
  )
}

/** What cannot be read to its end has no names. */
function namesOf(text: string): ReadonlySet<string> {
  const names = new Set<string>()
  let position = 0
  for (const match of text.matchAll(ENTRY)) {
    if (match[0] === '') break
    position = match.index + match[0].length
    const [, type = '', value = ''] = match
    if (TYPES.has(type)) names.add(value.startsWith('"') ? unquoted(value) : value)
  }
  return position === text.length ? names : new Set()
}

/** @returns what no name is when it cannot be read */
function unquoted(value: string): string {
  try {
    return String(JSON.parse(value))
  } catch {
    return ''
  }
}
