/**
 * Guards against pages of other sites: DNS rebinding and cross-site writes (reliability.md section 5, H2 and H3).
 *
 * A rebound name points a victim's browser at our address, but the Host header still carries the foreign name. So Host
 * must be one of: localhost, an address of this machine, its host name, the listen host, the host of the external URL.
 * The port is not compared: it is not what an attacker forges, and forwarded ports are common. A request without Host
 * (HTTP/1.0 health checks) comes from no browser and passes.
 *
 * Accepted header values are remembered, up to 64, so that the usual cost is one lookup.
 */
import { hostname, networkInterfaces } from 'node:os'
import type { FastifyRequest } from 'fastify'
import { HttpError } from './problem.ts'

const REMEMBERED_MAX = 64
const HOST_FORM = /^(?:\[([^\]]+)\]|([^:]+))(?::\d{1,5})?$/

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
  return (request) => {
    const header = request.headers.host
    if (header !== undefined && !remembered.has(header)) {
      const host = hostOf(header)
      if (host === undefined || !(named.has(host) || isOwnAddress(host))) {
        return new HttpError('HTTP_HOST_NOT_ALLOWED', refusal(header))
      }
      if (remembered.size < REMEMBERED_MAX) remembered.add(header)
    }
    if (!isCrossSiteWrite(request)) return undefined
    return new HttpError('HTTP_CROSS_SITE', 'a page of another site may not write here')
  }
}

function isCrossSiteWrite(request: FastifyRequest): boolean {
  const site = request.headers['sec-fetch-site']
  if (site === undefined || site === 'same-origin' || site === 'none') return false
  return request.method !== 'GET' && request.method !== 'HEAD'
}

function hostOf(header: string): string | undefined {
  const match = HOST_FORM.exec(header)
  return (match?.[1] ?? match?.[2])?.toLowerCase()
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
