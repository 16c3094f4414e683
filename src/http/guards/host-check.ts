/**
 * Guard against DNS rebinding (reliability.md section 5, H3).
 *
 * A rebound name points a victim's browser at our address, but the Host header still carries the foreign name. So Host
 * must be one of: localhost, an address of this machine, its host name, the listen host, the host of the external URL;
 * with or without the dot at its end, IPv6 in any notation. The port is not compared: it is not what an attacker forges,
 * and forwarded ports are common. A request without Host (HTTP/1.0 health checks) comes from no browser and passes. A
 * request line with a whole URL in it, as for a proxy, must name us as well: by RFC 9112 it outranks the header.
 *
 * Accepted header values are remembered, up to 64, so that the usual cost is one lookup.
 */
import { hostname, networkInterfaces } from 'node:os'
import type { FastifyRequest } from 'fastify'
import { HttpError } from '../problem.ts'

const REMEMBERED_MAX = 64
const HOST_FORM = /^(?:\[([\da-f:.]+)(?:%[\w.-]+)?\]|([^:\s,/@[\]]+))(?::\d{0,5})?$/i
const ABSOLUTE_FORM = /^https?:\/\/([^/?#]*)/i
const SLASH = 47

/**
 * @param listenHost host of the listen address, as text
 * @param externalUrl an absolute URL whose host is ours as well
 * @returns tells why a request is refused, or undefined
 */
export function createHostCheck(
  listenHost: string,
  externalUrl: string | undefined,
): (request: FastifyRequest) => HttpError | undefined {
  const named = new Set(['localhost', '127.0.0.1', '::1', listenHost.toLowerCase(), hostname().toLowerCase()])
  if (externalUrl !== undefined) named.add(hostOf(new URL(externalUrl).host) ?? '')
  const remembered = new Set<string>()
  const isOurs = (text: string): boolean => {
    if (remembered.has(text)) return true
    const host = hostOf(text)
    if (host === undefined || !(named.has(host) || isOwnAddress(host))) return false
    if (remembered.size < REMEMBERED_MAX) remembered.add(text)
    return true
  }
  return (request) => {
    const { host } = request.headers
    if (host === undefined) {
      if (request.raw.httpVersionMinor !== 0)
        return new HttpError('HTTP_REQUEST_MALFORMED', 'a Host header is expected')
    } else if (!isOurs(host)) {
      // Node joins two headers of a name.
      if (host.includes(',')) return new HttpError('HTTP_REQUEST_MALFORMED', 'one Host header is expected')
      return new HttpError('HTTP_HOST_NOT_ALLOWED', refusal(host))
    }
    const { url = '/' } = request.raw
    if (url.charCodeAt(0) === SLASH || url === '*') return undefined
    const authority = ABSOLUTE_FORM.exec(url)?.[1] ?? ''
    return isOurs(authority) ? undefined : new HttpError('HTTP_HOST_NOT_ALLOWED', refusal(authority))
  }
}

function hostOf(header: string): string | undefined {
  const match = HOST_FORM.exec(header)
  if (match?.[1] !== undefined) return ipv6(match[1])
  return match?.[2]?.toLowerCase().replace(/\.$/, '')
}

/** In the shortest notation, as the system names its own. */
function ipv6(text: string): string | undefined {
  try {
    return new URL(`http://[${text}]`).hostname.slice(1, -1)
  } catch {
    return undefined
  }
}

/** Asked only for a header not seen before: interfaces come and go while a process runs. */
function isOwnAddress(host: string): boolean {
  if (/^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host)) return true
  return Object.values(networkInterfaces()).some((entries) =>
    entries?.some((entry) => entry.address === host),
  )
}

function refusal(header: string): string {
  return `${JSON.stringify(header.slice(0, 100))} is no address of this replica; if it is meant to be, set --web.external-url`
}
